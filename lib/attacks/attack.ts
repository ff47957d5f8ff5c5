import type { NdArray, Rng } from "../core/mod.ts";
import type { Engine, Leaf, Value } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";

/** Norm of a perturbation, over all of an image's pixels. */
export type Norm = "Linf" | "L2" | "L1";

/**
 * What the attacker raises: cross-entropy, the Carlini-Wagner margin max_{k != y} z_k - z_y, or the difference of logits
 * ratio, which does not depend on their scale (with fewer than three classes it is the margin).
 */
export type AttackLoss = "crossEntropy" | "margin" | "dlr";

/** Fast gradient sign method (Goodfellow et al. 2015): one step of length eps from x. */
export interface FgsmSpec {
  /** Discriminates the attacks. */
  readonly kind: "fgsm";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Exclude<Norm, "L1">;
  /** What is raised. @default {"crossEntropy"} */
  readonly loss?: AttackLoss;
  /** Draws of a classifier with random outputs whose mean gradient is followed. @default {1} */
  readonly samples?: number;
}

/** Projected gradient descent (Madry et al. 2018), the best iterate kept. */
export interface PgdSpec {
  /** Discriminates the attacks. */
  readonly kind: "pgd";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Exclude<Norm, "L1">;
  /** Gradient steps. */
  readonly steps: number;
  /** Length of a step as a share of eps, at most 2, the diameter. @default {2.5 / steps, at most 2} */
  readonly relativeStepSize?: number;
  /** Length of a step in pixel units ("2/255"); not together with relativeStepSize. */
  readonly stepSize?: string;
  /** Independent starts; the strongest result per image counts. @default {1} */
  readonly restarts?: number;
  /** Start uniformly in the ball. @default {true} */
  readonly randomStart?: boolean;
  /**
   * What is raised; "klToClean" is KL(p(x) || p(x')), the divergence from what the classifier says of the clean image,
   * whatever the class (Zhang et al. 2019, TRADES); "targetedDlr" is the difference of logits ratio towards a target
   * class (with fewer than four classes z_t - z_y alone). @default {"crossEntropy"}
   */
  readonly loss?: AttackLoss | "klToClean" | "targetedDlr";
  /** Share of the accumulated gradient that goes on to the next step (Dong et al. 2018). @default {none is kept} */
  readonly momentum?: number;
  /**
   * The class to be reached: that of the lowest clean logit but the label, the one after the label (after the last, the
   * first), or one class for all images. The loss of that class is lowered. @default {none: the label is to be left}
   */
  readonly target?: "leastLikely" | "next" | number;
  /** Draws of a classifier with random outputs whose mean gradient each step follows. @default {1} */
  readonly samples?: number;
}

/** Auto-PGD (Croce and Hein 2020): steps that halve themselves, until the image falls. */
export interface ApgdSpec {
  /** Discriminates the attacks. */
  readonly kind: "apgd";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Norm;
  /** What is raised; "dlr" and "targetedDlr" do not depend on the scale of the logits. @default {"crossEntropy"} */
  readonly loss?: AttackLoss | "targetedDlr";
  /** Gradient steps of a trial. @default {100} */
  readonly steps?: number;
  /** Independent starts, of each target class where there are some. @default {1} */
  readonly restarts?: number;
  /** Of "targetedDlr": classes that are tried, those of highest clean logit first. @default {9, or as many as exist} */
  readonly targets?: number;
  /** Share of the steps between two checks that must raise the loss, else the step is halved. @default {0.75} */
  readonly rho?: number;
  /** Of L1: spend 30 % of the steps at 3 eps and 30 % at 2 eps, each going on where the last ended. @default {false} */
  readonly largerReps?: boolean;
  /** Draws of a classifier with random outputs whose mean gradient each step follows. @default {1} */
  readonly samples?: number;
}

/** Fast adaptive boundary attack (Croce and Hein 2020): the nearest image across the decision boundary. */
export interface FabSpec {
  /** Discriminates the attacks. */
  readonly kind: "fab";
  /** Norm of the distance. @default {"Linf"} */
  readonly norm?: Norm;
  /** Steps of a trial. @default {100} */
  readonly steps?: number;
  /** Independent starts, of each target class where there are some. @default {1} */
  readonly restarts?: number;
  /** Target classes, those of highest clean logit first (FAB-T). @default {none: every class in every step} */
  readonly targets?: number;
  /** Largest weight of the way back to the original. @default {0.1} */
  readonly alphaMax?: number;
  /** Extrapolation beyond the boundary. @default {1.05} */
  readonly eta?: number;
  /** Share of the way that remains after a success. @default {0.9} */
  readonly beta?: number;
}

/** Square attack (Andriushchenko et al. 2020): random search with square changes, without gradients. */
export interface SquareSpec {
  /** Discriminates the attacks. */
  readonly kind: "square";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Norm;
  /** Forward passes of a trial. @default {5000} */
  readonly queries?: number;
  /** Share of the pixels that the first squares change. @default {0.8} */
  readonly pInit?: number;
  /** Independent trials. @default {1} */
  readonly restarts?: number;
}

/** Decoupled direction and norm (Rony et al. 2019): a small L2 distance by gradients of the cross-entropy. */
export interface DdnSpec {
  /** Discriminates the attacks. */
  readonly kind: "ddn";
  /** Norm of the distance; there is no other. */
  readonly norm: "L2";
  /** Gradient steps. @default {100} */
  readonly steps?: number;
  /** Share by which the norm shrinks after a success and grows after a failure. @default {0.05} */
  readonly gamma?: number;
  /** Norm of the first step, in pixel units. @default {1} */
  readonly initialNorm?: number;
}

/** An attack that runs over slots: every image on its own, until it falls. */
export type SlotAttackSpec = ApgdSpec | FabSpec | DdnSpec | SquareSpec;

/** AutoAttack (Croce and Hein 2020): attacks in a row, each on the images that are left standing. */
export interface AutoAttackSpec {
  /** Discriminates the attacks. */
  readonly kind: "autoattack";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Norm;
  /**
   * The published ensembles by name ("rand" is the one for classifiers with random outputs), or attacks of one's own, all
   * of this norm. @default {"standard"}
   */
  readonly version?: "standard" | "plus" | "rand" | readonly (FgsmSpec | PgdSpec | SlotAttackSpec)[];
}

/** Any attack, as plain JSON. */
export type AttackSpec = FgsmSpec | PgdSpec | SlotAttackSpec | AutoAttackSpec;

/** Images to attack. */
export interface AttackBatch {
  /** Pixels in [0,1], [B, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [B]. */
  readonly y: NdArray<"int32">;
  /** Image ids [B]: random numbers are keyed by them. */
  readonly ids: Int32Array;
}

/** What an attack did, verified on the images themselves. */
export interface AttackResult {
  /** Adversarial images [B, H, W, C], inside the ball and the pixel box. */
  readonly xAdv: NdArray<"float32">;
  /** Margin z_y - max_{k != y} z_k of xAdv [B]; negative where the attack succeeded. */
  readonly margin: Float32Array;
  /** 1 where xAdv is misclassified [B]. */
  readonly success: Uint8Array;
  /** Step (from 1, in its restart) at which the image first fell, 0 for the start, -1 where it never did [B]. */
  readonly firstStep: Int32Array;
  /**
   * Forward passes per image, those inside backward passes and the verifying one included; of the image that took most,
   * where an attack lets go of those that fall.
   */
  readonly forwardPasses: number;
  /** Backward passes per image, likewise. */
  readonly backwardPasses: number;
}

/** Images to attack, as a traced program takes them. */
export interface AttackLeaves {
  /** Pixels in [0,1], [B, H, W, C]. */
  readonly x: Leaf;
  /** Classes [B], int32. */
  readonly y: Leaf;
  /** Image ids [B]: random numbers are keyed by them. */
  readonly ids: Int32Array;
}

/** What an attack claims, before {@linkcode runAttack} has verified it. */
export interface AttackAttempt {
  /** Images [B, H, W, C] that should lie inside the ball and the box; owned by who receives them. */
  readonly xAdv: Value;
  /** Step (from 1) at which the image first fell, 0 for the start, -1 where it never did [B]. */
  readonly firstStep: Int32Array;
  /** Forward passes per image, those inside backward passes included. */
  readonly forwardPasses: number;
  /** Backward passes per image. */
  readonly backwardPasses: number;
}

/**
 * An attack on one batch, in which every image takes the same steps. It may assume that its input was checked, and nobody believes its output: both are the task of
 * {@linkcode runAttack}. `eps` is the radius in pixel units, in [0,1].
 */
export type Attack<S extends FgsmSpec | PgdSpec> = (
  engine: Engine,
  classifier: Classifier,
  batch: AttackLeaves,
  spec: S,
  eps: number,
  rng: Rng,
) => Promise<AttackAttempt>;
