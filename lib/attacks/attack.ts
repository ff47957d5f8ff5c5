import type { NdArray, Rng } from "../core/mod.ts";
import type { Engine, Leaf, Value } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";

/** Norm of a perturbation. */
export type Norm = "Linf" | "L2";

/** What the attacker raises: cross-entropy, or the Carlini-Wagner margin max_{k != y} z_k - z_y. */
export type AttackLoss = "crossEntropy" | "margin";

/** Fast gradient sign method (Goodfellow et al. 2015): one step of length eps from x. */
export interface FgsmSpec {
  /** Discriminates the attacks. */
  readonly kind: "fgsm";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Norm;
  /** What is raised. @default {"crossEntropy"} */
  readonly loss?: AttackLoss;
}

/** Projected gradient descent (Madry et al. 2018), the best iterate kept. */
export interface PgdSpec {
  /** Discriminates the attacks. */
  readonly kind: "pgd";
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Norm;
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
  /** What is raised. @default {"crossEntropy"} */
  readonly loss?: AttackLoss;
}

/** Any attack, as plain JSON. */
export type AttackSpec = FgsmSpec | PgdSpec;

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
  /** Forward passes per image, those inside backward passes and the verifying one included. */
  readonly forwardPasses: number;
  /** Backward passes per image. */
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
 * An attack of one kind. It may assume that its input was checked, and nobody believes its output: both are the task of
 * {@linkcode runAttack}. `eps` is the radius in pixel units, in [0,1].
 */
export type Attack<S extends AttackSpec> = (
  engine: Engine,
  classifier: Classifier,
  batch: AttackLeaves,
  spec: S,
  eps: number,
  rng: Rng,
) => Promise<AttackAttempt>;
