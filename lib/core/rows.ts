import type { MeanInterval } from "./mean_interval.ts";
import type { Difference, PairedCounts } from "./paired_difference.ts";

/** One line of `steps.csv`: a training step of one method. Terms that a method does not have are absent (empty in CSV). */
export interface StepRow {
  /** Name of the trained network: "teacher", "natural", "kd", "kdiga", ... */
  readonly method: string;
  /** Step, from 0. */
  readonly step: number;
  /** Epoch, from 0. */
  readonly epoch: number;
  /** Learning rate of this step. */
  readonly learningRate: number;
  /** Sum of the weighted terms, mean over the batch. */
  readonly loss: number;
  /** Weighted terms of the objective by name ("ce", "kl", "iga", ...). */
  readonly terms: Readonly<Record<string, number>>;
}

/** One line of `evaluation.csv`: a rate over n images. */
export interface EvaluationRow {
  /** Name of the evaluated network. */
  readonly method: string;
  /** "clean", "fgsm", "pgd-20", ..., or "worst" (per image the worst over all attacks of the run). */
  readonly attack: string;
  /** Radius in pixel units as text: "0", "8/255". */
  readonly eps: string;
  /** Images evaluated. */
  readonly n: number;
  /** Images still classified correctly. */
  readonly correct: number;
  /** correct / n. */
  readonly rate: number;
  /** Lower end of the 95 % Wilson interval. */
  readonly low: number;
  /** Upper end of the 95 % Wilson interval. */
  readonly high: number;
}

/** One line of `rows.csv` of a sweep: a rate of one network of one run. */
export interface SweepRow extends EvaluationRow {
  /** Name of the run: its experiment's name and hash. */
  readonly run: string;
  /** Seed of the run. */
  readonly seed: number;
  /** Images that the network was trained on, each as often as it was seen. */
  readonly images: number;
  /** What that cost: forward and backward passes of the student, inner attacks included, one image each. */
  readonly studentPasses: number;
  /** Passes of teachers likewise. */
  readonly teacherPasses: number;
}

/** One line of `means.csv` of a sweep: a rate over the seeds of one method. */
export interface SeedsRow {
  /** Name of the evaluated network. */
  readonly method: string;
  /** Attack, as in {@linkcode EvaluationRow}. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Runs: one per seed. */
  readonly seeds: number;
  /** Images of each. */
  readonly n: number;
  /** Mean of the rates. */
  readonly rate: number;
  /** Lower end of the 95 % interval. */
  readonly low: number;
  /** Upper end of the 95 % interval. */
  readonly high: number;
  /**
   * What the interval covers: "seeds", the t interval of the mean (another seed, the same images), or, of one seed alone,
   * "images", the Wilson interval of its rate (other images, the same network).
   */
  readonly interval: "seeds" | "images";
}

/** A rate of a network whose objective has a term of some weight: a point of a sweep over that weight. */
export interface WeightRow extends EvaluationRow {
  /** The weight; 0 is without the term. */
  readonly weight: number;
}

/** What is certified of a network at a radius, and what an attack has left of it, on the same n images. */
export interface CertifiedRow {
  /** Name of the network. */
  readonly method: string;
  /** What certified it: "ibp", "crown", "smoothing", ... */
  readonly certificate: string;
  /** The attack, as in {@linkcode EvaluationRow}. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Images. */
  readonly n: number;
  /** Images that no perturbation within the radius can break, as was proved. */
  readonly certified: number;
  /** Images that are classified correctly under the attack: at least the certified ones. */
  readonly attacked: number;
}

/** What is reported of a network, and what was found on n images here. */
export interface ReportedRow {
  /** Name of the network. */
  readonly name: string;
  /** What the rate is of: "clean", or an attack. */
  readonly attack: string;
  /** The rate that is reported. */
  readonly reported: number;
  /** Images here. */
  readonly n: number;
  /** The rate found on them. */
  readonly rate: number;
  /** Lower end of its 95 % interval. */
  readonly low: number;
  /** Upper end of its 95 % interval. */
  readonly high: number;
}

/**
 * One line of `bracket.csv`: what is known of the worst case at a radius while attacks are still to be run. An image
 * stands as long as it is classified correctly and no attack of the plan has broken it at this or a smaller radius, whose
 * ball lies inside this one. Every further attack can only lower `standing` and raise `finished`, until they are equal:
 * then the plan is done. The true robust accuracy is at most `upper`; no attack can say that it is at least anything.
 */
export interface BracketRow {
  /** Name of the evaluated network. */
  readonly method: string;
  /** Norm of the balls. */
  readonly norm: string;
  /** Radius in pixel units as text; "0" is without attack. */
  readonly eps: string;
  /** Images of the evaluation. */
  readonly n: number;
  /** Images that stand though every attack of the plan was run on them at this and every smaller radius. */
  readonly finished: number;
  /** Images that stand. */
  readonly standing: number;
  /** finished / n: what the whole plan will find at least. */
  readonly lower: number;
  /** Lower end of the 95 % Wilson interval of `lower`. */
  readonly lowerLow: number;
  /** Upper end of the 95 % Wilson interval of `lower`. */
  readonly lowerHigh: number;
  /** standing / n: what the whole plan will find at most. */
  readonly upper: number;
  /** Lower end of the 95 % Wilson interval of `upper`. */
  readonly upperLow: number;
  /** Upper end of the 95 % Wilson interval of `upper`. */
  readonly upperHigh: number;
}

/** One line of `images.csv`: the smallest radius at which any attack broke an image. */
export interface ImageRow {
  /** Name of the evaluated network. */
  readonly method: string;
  /** Image id in its data set. */
  readonly image: number;
  /** True class. */
  readonly label: number;
  /** Margin of the clean image, in logits. */
  readonly cleanMargin: number;
  /**
   * The smallest radius of the evaluation at which an attack broke it, as text: "0" where it is misclassified as it is,
   * empty where it stands at all of them. Its robustness ends there or before: the attacks looked at these radii alone.
   */
  readonly smallestEps: string;
  /** An attack that broke it there, the first in the order of the rows; empty where it stands. */
  readonly attack: string;
}

/** One line of `distances.csv`: the nearest misclassified image that an attack without a radius found. */
export interface DistanceRow {
  /** Name of the evaluated network. */
  readonly method: string;
  /** Image id in its data set. */
  readonly image: number;
  /** The attack. */
  readonly attack: string;
  /** Norm of the distance. */
  readonly norm: string;
  /**
   * Its distance in pixel units, which bounds the image's robustness from above: 0 where the image is misclassified as
   * it is, Infinity where none was found.
   */
  readonly distance: number;
}

/** Whether an image is certified at a radius: no image in its ball is misclassified. */
export interface CertificateRow {
  /** Name of the network. */
  readonly method: string;
  /** Image id in its data set. */
  readonly image: number;
  /** True class. */
  readonly label: number;
  /** How margins were bounded: "ibp", "crown-ibp", "crown", ... */
  readonly certificate: string;
  /** Norm of the ball. */
  readonly norm: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Whether every margin is bounded above 0. */
  readonly certified: boolean;
  /** The smallest lower bound of a margin z_y - z_k over the ball, in logits; -Infinity where there is none. */
  readonly lowerMargin: number;
}

/** The radius up to which an image is certified. */
export interface CertifiedRadiusRow extends Omit<CertificateRow, "eps"> {
  /**
   * In pixel units; 0 where `certified` is false: not even the image itself is, as it is misclassified or all but. Its
   * robustness goes at least as far.
   */
  readonly radius: number;
}

/** A rate over the n images of one class. */
export interface ClassRow extends EvaluationRow {
  /** True class of the images. */
  readonly label: number;
}

/** Two networks on the same images: on how many both are right, and whether one of them is better. */
export interface PairedRow extends PairedCounts, Difference {
  /** Name of the first network. */
  readonly method: string;
  /** Name of the second network. */
  readonly other: string;
  /** Attack, as in {@linkcode EvaluationRow}. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Images on which both were evaluated. */
  readonly n: number;
  /** Two-sided p-value of the exact McNemar test. */
  readonly p: number;
}

/** What an alarm does: say so, end training, or end it with the weights before. */
export type AlarmAction = "report" | "stop" | "rollBack";

/** All that an alarm can do. */
export const ALARM_ACTIONS: readonly AlarmAction[] = ["report", "stop", "rollBack"];

/**
 * One line of `epochs.csv`: what a watch measured of a network after an epoch, on n validation images. The theory's
 * columns are means over these images, l the cross-entropy, g its input gradient, LLM(x) the largest error of the linear
 * approximation of l that was found within eps; they are empty where the theory is not watched.
 */
export interface EpochRow {
  /** Name of the network. */
  readonly method: string;
  /** Epochs done, from 1. */
  readonly epoch: number;
  /** Validation images. */
  readonly n: number;
  /** The attack: "pgd-5". */
  readonly attack: string;
  /** Its radius in pixel units as text, Linf. */
  readonly eps: string;
  /**
   * Share of the epoch's training images that were classified correctly as they were trained on (adversarial where the
   * objective makes them so), in training mode, before the update.
   */
  readonly trainAccuracy: number;
  /** Share of the validation images that are classified correctly. */
  readonly cleanAccuracy: number;
  /** Share of them that are under the attack. */
  readonly robustAccuracy: number;
  /**
   * What was done as the accuracy under the attack fell below the alarm's share of its best so far; empty where it did
   * not. "rollBack": the weights that are handed on are those of the row before.
   */
  readonly alarm: AlarmAction | "";
  /** ||g_S(x) - g_T(x)||_1. */
  readonly gapL1: number | "";
  /** ||g_S(x) - g_T(x)||_2. */
  readonly gapL2: number | "";
  /** LLM of the student. */
  readonly linearity: number | "";
  /** LLM of the teacher. */
  readonly teacherLinearity: number | "";
  /** |l_S(x) - l_T(x)|: with eps ||g_S - g_T||_1 and both LLM it makes the bound. */
  readonly cleanLossGap: number | "";
  /** |l_S - l_T| at the student's adversarial image. */
  readonly attackLossGap: number | "";
  /** The largest |l_S - l_T| at the points where the LLM of student and teacher were found. */
  readonly searchLossGap: number | "";
  /** |l_S(x) - l_T(x)| + eps ||g_S(x) - g_T(x)||_1 + LLM_S(x) + LLM_T(x), which is not below |l_S - l_T| in the ball. */
  readonly bound: number | "";
  /** Bound less the largest of the three gaps that were measured. */
  readonly slack: number | "";
  /**
   * Images whose measured gap is above the measured bound: a search finds no more than a lower bound of the LLM, so the
   * measured bound may be too small.
   */
  readonly violations: number | "";
}

/** What is measured of a teacher before distillation. */
export type TeacherQuantity =
  | "accuracy"
  | "ece"
  | "confidence"
  | "entropy"
  | "gradient-l1"
  | "gradient-l2"
  | "local-linearity";

/** All that is measured of a teacher, in the order of tables. */
export const TEACHER_QUANTITIES: readonly TeacherQuantity[] = [
  "accuracy",
  "ece",
  "confidence",
  "entropy",
  "gradient-l1",
  "gradient-l2",
  "local-linearity",
];

/** Which images a teacher is asked about. */
export interface TeacherImages {
  /** "clean", or the attack that made them: "pgd-20". */
  readonly images: string;
  /** Name of the network that the attack was made on, where it was another than the teacher; else empty. */
  readonly source: string;
  /** Radius in pixel units as text; "0" for clean images. */
  readonly eps: string;
}

/** One line of `teacher.csv`: a quantity of a teacher, over n images. */
export interface TeacherRow extends TeacherImages {
  /** What was measured: rates as shares, entropy and local linearity in nats. */
  readonly quantity: TeacherQuantity;
  /** Number of images. */
  readonly n: number;
  /** Its value. */
  readonly value: number;
  /** Lower end of the 95 % interval: Wilson's of an accuracy, normal of a mean; empty for the calibration error. */
  readonly low: number | "";
  /** Upper end of the interval. */
  readonly high: number | "";
}

/** One line of `reliability.csv`: the images whose confidence lies in a bin. */
export interface ReliabilityRow extends TeacherImages {
  /** Lower end of the bin, which belongs to the bin below but for 0. */
  readonly from: number;
  /** Upper end of the bin. */
  readonly to: number;
  /** Number of images in it. */
  readonly n: number;
  /** Their mean confidence. */
  readonly confidence: number;
  /** Share of them that is classified correctly. */
  readonly accuracy: number;
}

/** Columns of `teacher.csv`, in order. */
export const TEACHER_COLUMNS = ["images", "source", "eps", "quantity", "n", "value", "low", "high"] as const;

/** Columns of `reliability.csv`, in order. */
export const RELIABILITY_COLUMNS = ["images", "source", "eps", "from", "to", "n", "confidence", "accuracy"] as const;

/** What the paper's analysis measures of a network. */
export type AnalysisQuantity =
  | "local-linearity"
  | "cross-entropy"
  | "gradient-norm"
  | "gradient-gap"
  | "gradient-cosine";

/** One line of `measurements.csv`: what the analysis measures of one image at one radius. */
export interface MeasurementRow {
  /** Name of the network. */
  readonly method: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Image id in its data set. */
  readonly image: number;
  /** Largest error of the linear approximation of the loss that was found in the ball, in nats. */
  readonly localLinearity: number;
  /** Cross-entropy of the adversarial image, of the image itself at radius 0. */
  readonly crossEntropy: number;
  /** L2 length of the gradient of that cross-entropy with respect to the pixels. */
  readonly gradientNorm: number;
  /** L2 length of its difference from the teacher's gradient at the same image; empty without a teacher. */
  readonly gradientGap: number | "";
  /** Cosine of the two gradients; empty without a teacher. */
  readonly gradientCosine: number | "";
}

/** One line of `analysis.csv`: the mean of a quantity over the images of an analysis. */
export interface AnalysisRow extends MeanInterval {
  /** Name of the network. */
  readonly method: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** What was measured. */
  readonly quantity: AnalysisQuantity;
  /** Images. */
  readonly n: number;
}

/** One line of `cost.csv`: what training a network cost. The seconds differ from run to run. */
export interface CostRow {
  /** Name of the network. */
  readonly method: string;
  /** Forward passes of the student per image and step, inner attack included. */
  readonly studentForward: number;
  /** Backward passes of the student, one of second order counted twice. */
  readonly studentBackward: number;
  /** Forward passes of teachers. */
  readonly teacherForward: number;
  /** Backward passes of teachers. */
  readonly teacherBackward: number;
  /** Images that it was trained on, each as often as it was seen. */
  readonly images: number;
  /** Seconds spent on its training, over all sessions; empty where they are not known. */
  readonly seconds: number | "";
  /** seconds / images; empty where one of them is not known or 0. */
  readonly secondsPerImage: number | "";
}

/** A check for masked gradients. */
export type MaskingCheck =
  | "random-outputs"
  | "logits"
  | "classes"
  | "batch"
  | "zero-gradients"
  | "loss-rises"
  | "noise"
  | "one-step"
  | "more-steps"
  | "more-restarts"
  | "other-loss"
  | "unbounded"
  | "black-box"
  | "transfer";

/** What a check for masked gradients found. */
export interface MaskingRow {
  /** The check. */
  readonly check: MaskingCheck;
  /** Name of the checked network. */
  readonly method: string;
  /** "fail": attacks with gradients are not to be believed; "warn": look; "skipped": the check could not be made. */
  readonly status: "pass" | "warn" | "fail" | "skipped";
  /** What was measured; null where the check was skipped. */
  readonly value: number | null;
  /** What it is, in words. */
  readonly reason: string;
}

/** What verifying the saved adversarial images of one attack and radius found. */
export interface VerificationRow {
  /** Name of the network that was attacked. */
  readonly method: string;
  /** Attack, as in {@linkcode EvaluationRow}. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Whether another network than the attacked one was asked. */
  readonly transfer: boolean;
  /** Images. */
  readonly n: number;
  /** Images that the attack did not break, as the evidence claims. */
  readonly claimed: number;
  /** Images that the network classifies correctly. */
  readonly correct: number;
  /** Images that it classifies correctly when they are rounded to 8 bits inside the ball. */
  readonly rounded: number;
  /** Images whose original and label are those of the data set; null where no data set was asked. */
  readonly originals: number | null;
  /** Claims that do not hold, a line each. */
  readonly claims: readonly string[];
}

/** One line of `evidence.csv`: one image under one attack at one radius. */
export interface EvidenceRow {
  /** Name of the evaluated network. */
  readonly method: string;
  /** Attack, as in {@linkcode EvaluationRow}. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Image id in its data set. */
  readonly image: number;
  /** True class. */
  readonly label: number;
  /** Margin z_y - max_{k != y} z_k of the clean image, in logits. */
  readonly cleanMargin: number;
  /** Margin of the adversarial image; success is `margin < 0`. */
  readonly margin: number;
  /** 1 where the adversarial image is misclassified, else 0. */
  readonly success: 0 | 1;
  /** Attack step (from 1) at which the image first fell, 0 for the clean image or the start; empty where it did not. */
  readonly firstStep: number | "";
  /** Seed of the attack. */
  readonly seed: number;
}

/** Columns of `evaluation.csv`, in order. */
export const EVALUATION_COLUMNS = ["method", "attack", "eps", "n", "correct", "rate", "low", "high"] as const;

/** Columns of `evidence.csv`, in order. */
export const EVIDENCE_COLUMNS = [
  "method",
  "attack",
  "eps",
  "image",
  "label",
  "cleanMargin",
  "margin",
  "success",
  "firstStep",
  "seed",
] as const;

/** Columns of `measurements.csv`, in order. */
export const MEASUREMENT_COLUMNS = [
  "method",
  "eps",
  "image",
  "localLinearity",
  "crossEntropy",
  "gradientNorm",
  "gradientGap",
  "gradientCosine",
] as const;

/** Columns of `analysis.csv`, in order. */
export const ANALYSIS_COLUMNS = ["method", "eps", "quantity", "n", "mean", "low", "high"] as const;

/** What the analysis measures, in the order of figures and tables. */
export const ANALYSIS_QUANTITIES: readonly AnalysisQuantity[] = [
  "local-linearity",
  "cross-entropy",
  "gradient-norm",
  "gradient-gap",
  "gradient-cosine",
];
/** Columns of `rows.csv` of a sweep, in order. */
export const SWEEP_COLUMNS = [
  "run",
  "method",
  "seed",
  "attack",
  "eps",
  "n",
  "correct",
  "rate",
  "low",
  "high",
  "images",
  "studentPasses",
  "teacherPasses",
] as const;

/** Columns of `means.csv` of a sweep, in order. */
export const SEEDS_COLUMNS = [
  "method",
  "attack",
  "eps",
  "seeds",
  "n",
  "rate",
  "low",
  "high",
  "interval",
] as const;

/** Columns of `bracket.csv`, in order. */
export const BRACKET_COLUMNS = [
  "method",
  "norm",
  "eps",
  "n",
  "finished",
  "standing",
  "lower",
  "lowerLow",
  "lowerHigh",
  "upper",
  "upperLow",
  "upperHigh",
] as const;

/** Columns of `epochs.csv`, in order. */
export const EPOCH_COLUMNS = [
  "method",
  "epoch",
  "n",
  "attack",
  "eps",
  "trainAccuracy",
  "cleanAccuracy",
  "robustAccuracy",
  "alarm",
  "gapL1",
  "gapL2",
  "linearity",
  "teacherLinearity",
  "cleanLossGap",
  "attackLossGap",
  "searchLossGap",
  "bound",
  "slack",
  "violations",
] as const;

/** Columns of `images.csv`, in order. */
export const IMAGE_COLUMNS = ["method", "image", "label", "cleanMargin", "smallestEps", "attack"] as const;

/** Columns of `cost.csv`, in order. */
export const COST_COLUMNS = [
  "method",
  "studentForward",
  "studentBackward",
  "teacherForward",
  "teacherBackward",
  "images",
  "seconds",
  "secondsPerImage",
] as const;

/** Columns of `distances.csv`, in order. */
export const DISTANCE_COLUMNS = ["method", "image", "attack", "norm", "distance"] as const;

/** Columns of `steps.csv` that every method has, in order; the terms follow. */
export const STEP_COLUMNS = ["method", "step", "epoch", "learningRate", "loss"] as const;

/** How far an attack has come after so many looks at each image: accuracy that is left, and where the margins lie. */
export interface ConvergenceRow extends EvaluationRow {
  /** Images that the attack has looked at and asked for a gradient there, trial after trial; 0 is the clean image. */
  readonly looks: number;
  /** Quantiles of the lowest margin that each image has shown so far, in logits, at {@linkcode MARGIN_QUANTILES}. */
  readonly margins: readonly [number, number, number, number, number];
}

/** Shares of the images that have a margin below each quantile of {@linkcode ConvergenceRow}. */
export const MARGIN_QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/** The loss at a point x + a d1 + b d2 of a plane through an image. */
export interface LossSurfaceRow {
  /** Name of the network. */
  readonly method: string;
  /** Image id in its data set. */
  readonly image: number;
  /** Radius of the ball around the image, in pixel units as text. */
  readonly eps: string;
  /** Way along the direction of the attack, whose largest entry is 1; in pixel units. */
  readonly a: number;
  /** Way along the random direction, whose entries are -1 and 1; in pixel units. */
  readonly b: number;
  /** Cross-entropy in nats. */
  readonly loss: number;
  /** Margin z_y - max_{k != y} z_k in logits: below 0 the class is another. */
  readonly margin: number;
  /** Linf distance of the point from the image, in pixel units. */
  readonly distance: number;
}
