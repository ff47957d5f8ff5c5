import { type Check, text } from "./schema.ts";

/** What tells specs of one union apart; which kinds there are is checked by `union()`. */
export const kind: Check = text();
/** A radius. */
export const eps: Check = text(/^(\d+\/\d+|\d*\.?\d+)$/, 'a radius in pixel units such as "8/255"');
