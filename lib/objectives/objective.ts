import type { NdArray, Rng } from "../core/mod.ts";
import type { Engine, Leaf, Tensor } from "../engine/mod.ts";
import type { Classifier, Mode, NetworkShape } from "../models/mod.ts";

/** A frozen network that an objective may need: the robust teacher, or one that was trained on clean images. */
export type TeacherRole = "teacher" | "naturalTeacher";

/** Student and teachers inside a traced step. */
export interface TracedPair {
  /** Forward pass of the student in training mode: pixels [B, H, W, C] -> logits [B, classes]. */
  readonly student: (x: Tensor) => Tensor;
  /** Forward pass of the frozen teacher in evaluation mode; undefined where the experiment has none. */
  readonly teacher: ((x: Tensor) => Tensor) | undefined;
  /** The same of a second teacher, trained on clean images; undefined where the experiment has none. */
  readonly naturalTeacher?: ((x: Tensor) => Tensor) | undefined;
}

/** A batch inside a traced step. */
export interface TracedBatch {
  /** Clean pixels in [0,1], [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B], int32; where training mixes or smooths labels, probabilities of the classes [B, classes], float32. */
  readonly y: Tensor;
  /** Perturbed pixels [B, H, W, C], where the objective makes them. */
  readonly xAdv: Tensor | undefined;
}

/** What changes from step to step, inside a traced step. */
export interface TracedContext {
  /** Share of training done, in [0,1], a scalar. */
  readonly progress: Tensor;
  /** What the objective carries, see {@linkcode Objective.state}; empty where it carries nothing. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** Random numbers of this step [B, n], see {@linkcode Objective.noise}; absent where it draws none. */
  readonly noise?: Tensor | undefined;
}

/** Named, already weighted scalar terms; the loss is their sum, in the order of the keys. */
export type Terms = Readonly<Record<string, Tensor>>;

/** What an objective makes of a batch. */
export interface Losses {
  /** Its terms. */
  readonly terms: Terms;
  /** What it carries on, of the names and shapes of {@linkcode Objective.state}; not differentiated. */
  readonly state?: Readonly<Record<string, Tensor>>;
}

/** Network passes per image and training step, inner attack included. */
export interface Passes {
  /** Forward passes of the student. */
  readonly studentForward: number;
  /** Backward passes of the student, to pixels or weights; one of second order counts twice. */
  readonly studentBackward: number;
  /** Forward passes of teachers. */
  readonly teacherForward: number;
  /** Backward passes of teachers, to pixels. */
  readonly teacherBackward: number;
}

/** What {@linkcode Objective.perturb} gets. */
export interface PerturbContext {
  /** Where attacks run. */
  readonly engine: Engine;
  /** The student of this step, as a classifier in the asked mode. */
  readonly student: (mode: Mode) => Classifier;
  /** The frozen teacher; undefined where the experiment has none. */
  readonly teacher: Classifier | undefined;
  /** A second frozen teacher, trained on clean images; undefined where the experiment has none. */
  readonly naturalTeacher?: Classifier | undefined;
  /** Clean pixels in [0,1], [B, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [B], int32; or probabilities of the classes [B, classes], float32. */
  readonly y: NdArray;
  /** Image ids [B]. */
  readonly ids: Int32Array;
  /** Share of training done, in [0,1]. */
  readonly progress: number;
  /** Stream of this step: key it further by image id. */
  readonly rng: Rng;
}

/** A training objective of one kind. */
export interface Objective<S> {
  /** Names of its terms for a spec, in order. */
  readonly termNames: (spec: S) => readonly string[];
  /** Frozen networks that it needs. */
  readonly needs: (spec: S) => readonly TeacherRole[];
  /** Network passes per image and step. */
  readonly passes: (spec: S) => Passes;
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
  /** What it carries from step to step, before the first one (weights that adapt, a discriminator); absent for most. */
  readonly state?: (spec: S, network: NetworkShape, rng: Rng) => Readonly<Record<string, NdArray<"float32">>>;
  /** Random numbers that the terms need for one image at one step, as many each time; undefined where there are none. */
  readonly noise?: (spec: S, network: NetworkShape, rng: Rng) => Float32Array | undefined;
  /** The terms, traced and differentiable, and what it carries on. */
  readonly losses: (pair: TracedPair, batch: TracedBatch, spec: S, context: TracedContext) => Losses;
}

/**
 * An objective that is written outside of this library. It is handed itself as its spec and may ignore it: its constants
 * are its own. {@linkcode checkObjective} says whether it keeps the contract.
 *
 * ```ts
 * import { mean, mul, type OwnObjective, square, stopGradient, sub, sum } from "@kdiga/kdiga";
 *
 * const halfSquared: OwnObjective = {
 *   kind: "half-squared",
 *   termNames: () => ["squares"],
 *   needs: () => ["teacher"],
 *   passes: () => ({ studentForward: 1, studentBackward: 1, teacherForward: 1, teacherBackward: 0 }),
 *   check: () => {},
 *   losses: ({ student, teacher }, { x }) => ({
 *     terms: { squares: mul(mean(sum(square(sub(student(x), stopGradient(teacher!(x)))), 1)), 0.5) },
 *   }),
 * }; // `objective` of train()
 * ```
 */
export interface OwnObjective extends Objective<unknown> {
  /** Its name, for messages. */
  readonly kind: string;
}
