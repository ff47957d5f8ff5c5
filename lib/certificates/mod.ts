/**
 * Certificates: what no attack within a radius can change.
 *
 * @module
 */
export * from "./certify_smoothed.ts";
export * from "./predict_smoothed.ts";
export * from "./smoothed_radius.ts";
export * from "./smoothing_spec.ts";
