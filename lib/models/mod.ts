/**
 * Networks as pure functions from pixels in [0,1] to logits.
 *
 * @module
 */
export * from "./model.ts";
