import type { Classifier } from "../models/mod.ts";

/**
 * Forward passes per image by which a classifier is judged: one, or the draws of one with random outputs.
 *
 * @param classifier The classifier.
 * @returns How many passes {@linkcode margins} takes.
 */
export function judgingPasses({ noise, draws = 64 }: Pick<Classifier, "noise" | "draws">): number {
  return noise === undefined ? 1 : draws;
}
