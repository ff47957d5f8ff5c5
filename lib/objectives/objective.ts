import type { NdArray, Rng } from "../core/mod.ts";
import type { Engine, Leaf, Tensor } from "../engine/mod.ts";
import type { Classifier, Mode } from "../models/mod.ts";

/** Student and teacher inside a traced step. */
export interface TracedPair {
  /** Forward pass of the student in training mode: pixels [B, H, W, C] -> logits [B, classes]. */
  readonly student: (x: Tensor) => Tensor;
  /** Forward pass of the frozen teacher in evaluation mode; undefined where the experiment has none. */
  readonly teacher: ((x: Tensor) => Tensor) | undefined;
}

/** A batch inside a traced step. */
export interface TracedBatch {
  /** Clean pixels in [0,1], [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B], int32. */
  readonly y: Tensor;
  /** Perturbed pixels [B, H, W, C], where the objective makes them. */
  readonly xAdv: Tensor | undefined;
}

/** Named, already weighted scalar terms; the loss is their sum, in the order of the keys. */
export type Terms = Readonly<Record<string, Tensor>>;

/** What {@linkcode Objective.perturb} gets. */
export interface PerturbContext {
  /** Where attacks run. */
  readonly engine: Engine;
  /** The student of this step, as a classifier in the asked mode. */
  readonly student: (mode: Mode) => Classifier;
  /** The frozen teacher; undefined where the experiment has none. */
  readonly teacher: Classifier | undefined;
  /** Clean pixels in [0,1], [B, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [B]. */
  readonly y: NdArray<"int32">;
  /** Image ids [B]. */
  readonly ids: Int32Array;
  /** Stream of this step: key it further by image id. */
  readonly rng: Rng;
}

/** A training objective of one kind. */
export interface Objective<S> {
  /** Names of its terms for a spec, in order. */
  readonly termNames: (spec: S) => readonly string[];
  /** Whether it needs a teacher. */
  readonly needsTeacher: boolean;
  /**
   * Checks what the types of a spec cannot say; called once, before training.
   *
   * @throws {UsageError} If a field is out of its range.
   */
  readonly check: (spec: S) => void;
  /**
   * Perturbed pixels [B, H, W, C] (an inner attack, or noise), not differentiated; undefined where this spec wants
   * none. The caller owns the value.
   */
  readonly perturb?: (context: PerturbContext, spec: S) => Promise<Leaf | undefined>;
  /** The terms, traced and differentiable. `progress` is the share of training done, in [0,1], a scalar. */
  readonly terms: (pair: TracedPair, batch: TracedBatch, spec: S, progress: Tensor) => Terms;
}
