import { mean } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import type { Objective } from "./objective.ts";

/** Cross-entropy on clean images. */
export interface NaturalSpec {
  /** Discriminates the objectives. */
  readonly kind: "natural";
}

/** Training on clean images: ce = mean_i CE(f_S(x_i), y_i). */
export const natural: Objective<NaturalSpec> = {
  termNames: () => ["ce"],
  needs: () => [],
  passes: () => ({ studentForward: 1, studentBackward: 1, teacherForward: 0, teacherBackward: 0 }),
  check: () => {},
  losses({ student }, { x, y }) {
    return { terms: { ce: mean(crossEntropy(student(x), y)) } };
  },
};
