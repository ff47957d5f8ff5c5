import type { NdArray, Rng } from "../core/mod.ts";
import type { Engine, Leaf, Tensor, Value } from "../engine/mod.ts";
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
  /** Perturbed pixels, where the objective has an inner attack. */
  readonly xAdv: Tensor | undefined;
}

/** Named, already weighted scalar terms; the loss is their sum, in the order of the keys. */
export type Terms = Readonly<Record<string, Tensor>>;

/** What an inner attack gets. */
export interface PerturbContext {
  readonly engine: Engine;
  /** The student of this step in the asked mode. */
  readonly student: (mode: Mode) => Classifier;
  readonly teacher: Classifier | undefined;
  readonly x: Leaf;
  readonly y: Leaf;
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
  /** Inner attack: perturbed pixels [B, H, W, C], not differentiated. The caller owns the value. */
  readonly perturb?: (context: PerturbContext, spec: S) => Promise<Value | NdArray>;
  /** The terms, traced and differentiable. `progress` is the share of training done, in [0,1], a scalar. */
  readonly terms: (pair: TracedPair, batch: TracedBatch, spec: S, progress: Tensor) => Terms;
}
