import type { EvidenceRow } from "../../lib/core/mod.ts";

/** Rows of images 0, 1, 2, ... of classes 0, 1, 0, 1, ...: one digit each, 1 for a success of the attack. */
export function evidence(attack: string, eps: string, successes: string, method = "kdiga"): EvidenceRow[] {
  return Array.from(successes).map((digit, image) => ({
    method,
    attack,
    eps,
    image,
    label: image % 2,
    cleanMargin: 1,
    margin: digit === "1" ? -1 : 1,
    success: digit === "1" ? 1 : 0,
    firstStep: digit === "1" ? 2 : "",
    seed: 0,
  }));
}
