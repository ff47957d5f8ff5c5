/**
 * A stand-in for `jsr:@std/cli`: {@linkcode parseArgs}; the progress bar is at `@std/cli/unstable-progress-bar`.
 *
 * @module
 */
export * from "./parse_args.ts";
