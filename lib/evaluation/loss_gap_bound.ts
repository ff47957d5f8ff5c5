import type { NdArray, Rng } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackBatch } from "../attacks/mod.ts";
import { inputGradients } from "./input_gradients.ts";
import { linearityPoints, type LocalLinearitySpec } from "./local_linearity.ts";

/** Both sides of the bound on the loss gap of student and teacher, at one image. Losses are cross-entropies in nats. */
export interface LossGapBound {
  /** ||g_S(x) - g_T(x)||_1. */
  readonly gapL1: number;
  /** ||g_S(x) - g_T(x)||_2. */
  readonly gapL2: number;
  /** Local linearity error of the student that was found. */
  readonly linearity: number;
  /** Local linearity error of the teacher that was found. */
  readonly teacherLinearity: number;
  /** |l_S(x) - l_T(x)|. */
  readonly cleanLossGap: number;
  /** |l_S - l_T| at the student's adversarial image. */
  readonly attackLossGap: number;
  /** The larger |l_S - l_T| of the two points where the local linearity errors were found. */
  readonly searchLossGap: number;
  /** The right side. */
  readonly bound: number;
  /** Whether a measured left side is above it by more than {@linkcode BOUND_TOLERANCE}. */
  readonly violated: boolean;
}

/** Nats by which rounding to float32 may put the left side above the right one. */
export const BOUND_TOLERANCE = 1e-5;

/**
 * Measures both sides of the bound that alignment of input gradients puts on the loss gap in an Linf ball: for ||d|| <=
 * eps, with the largest linearity errors LLM(x) = max |l(x + d) - l(x) - d . g(x)|,
 *
 *   |l_S(x + d) - l_T(x + d)| <= |l_S(x) - l_T(x)| + eps ||g_S(x) - g_T(x)||_1 + LLM_S(x) + LLM_T(x).
 *
 * The left side is taken at the student's adversarial image and where the searches found their errors. As a search finds
 * no more than a lower bound of an LLM, the measured right side may be too small: a violation says that a search was too
 * weak, not that the bound is wrong.
 *
 * Source: Qin et al., "Adversarial robustness through local linearization" (2019), for LLM; the bound is the triangle
 * inequality with Hoelder's.
 *
 * @param engine Where it runs.
 * @param student The student.
 * @param teacher The teacher.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @param xAdv Adversarial images of the student within eps of them [B, H, W, C].
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the searches' starts; both networks see the same ones.
 * @param linearity How the largest errors are searched for, in Linf.
 * @returns A record per image.
 */
export async function lossGapBound(
  engine: Engine,
  student: Classifier,
  teacher: Classifier,
  batch: AttackBatch,
  xAdv: NdArray<"float32">,
  eps: number,
  rng: Rng,
  linearity: Omit<LocalLinearitySpec, "norm" | "signed"> = {},
): Promise<LossGapBound[]> {
  const { y } = batch;
  const own = await inputGradients(engine, student, batch);
  const other = await inputGradients(engine, teacher, batch);
  const search = { ...linearity, norm: "Linf", signed: false } as const;
  const found = await linearityPoints(engine, student, batch, eps, rng, search);
  const teacherFound = await linearityPoints(engine, teacher, batch, eps, rng, search);
  const lossGaps = async (x: NdArray<"float32">): Promise<Float32Array> => {
    const { loss } = await inputGradients(engine, student, { x, y });
    const { loss: teacherLoss } = await inputGradients(engine, teacher, { x, y });
    return loss.map((value, i) => Math.abs(value - teacherLoss[i]!));
  };
  const [attacked, first, second] = [
    await lossGaps(xAdv),
    await lossGaps(found.points),
    await lossGaps(teacherFound.points),
  ];
  const size = batch.x.data.length / batch.ids.length;
  return Array.from(batch.ids, (_, i) => {
    let [gapL1, squares] = [0, 0];
    for (let k = i * size; k < (i + 1) * size; k++) {
      const difference = own.gradient.data[k]! - other.gradient.data[k]!;
      gapL1 += Math.abs(difference);
      squares += difference ** 2;
    }
    const cleanLossGap = Math.abs(own.loss[i]! - other.loss[i]!);
    const [linearity, teacherLinearity] = [found.errors[i]!, teacherFound.errors[i]!];
    const [attackLossGap, searchLossGap] = [attacked[i]!, Math.max(first[i]!, second[i]!)];
    const bound = cleanLossGap + eps * gapL1 + linearity + teacherLinearity;
    const violated = Math.max(cleanLossGap, attackLossGap, searchLossGap) > bound + BOUND_TOLERANCE;
    const gaps = { gapL1, gapL2: Math.sqrt(squares), linearity, teacherLinearity, cleanLossGap };
    return { ...gaps, attackLossGap, searchLossGap, bound, violated };
  });
}
