import { UsageError } from "../core/mod.ts";
import { mean } from "../engine/mod.ts";
import { crossEntropy } from "../losses/mod.ts";
import type { Objective } from "./objective.ts";

/** Cross-entropy on clean images. */
export interface NaturalSpec {
  /** Discriminates the objectives. */
  readonly kind: "natural";
  /**
   * Share of the target that is spread evenly over all classes.
   * @default {0}
   */
  readonly labelSmoothing?: number;
}

/**
 * Training on clean images: ce = mean_i CE(f_S(x_i), q_i), q = (1 - s) onehot(y) + s / C.
 *
 * Source: label smoothing as in Szegedy et al. (2016), section 7.
 */
export const natural: Objective<NaturalSpec> = {
  termNames: () => ["ce"],
  needs: () => [],
  passes: () => ({ studentForward: 1, studentBackward: 1, teacherForward: 0, teacherBackward: 0 }),
  check({ labelSmoothing = 0 }) {
    if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
      throw new UsageError(`Cannot use ${labelSmoothing} as label smoothing: write a share from 0 to below 1`);
    }
  },
  losses({ student }, { x, y }, { labelSmoothing = 0 }) {
    return { terms: { ce: mean(crossEntropy(student(x), y, labelSmoothing)) } };
  },
};
