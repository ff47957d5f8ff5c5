import type { NdArray } from "../core/mod.ts";
import type { Tensor } from "../engine/mod.ts";
import { adam, type AdamSpec, adamw, type AdamWSpec } from "./adam.ts";
import type { ClipSpec } from "./clip_gradients.ts";
import { sgd, type SgdSpec } from "./sgd.ts";

/** What every optimizer has. */
export interface OptimizerBase {
  /**
   * Factor wd of the decay of the parameters; what it does is the optimizer's.
   * @default {0}
   */
  readonly weightDecay?: number;
  /**
   * Regular expressions; parameters whose name matches one are not decayed, as `"\\.bias$"`.
   * @default {none: every parameter is decayed, as in PyTorch}
   */
  readonly noDecay?: readonly string[];
  /**
   * Globs of parameters that keep their bits: no gradient, no decay, no state. The last one that matches counts, and
   * one with "!" in front takes out: `["*", "!fc.*"]` trains "fc.weight" and "fc.bias" alone. Batch norm's running
   * statistics are no parameters and move on, and its layers use those of the batch, as in PyTorch's `train()`.
   * @default {none}
   */
  readonly frozen?: readonly string[];
  /**
   * Factors of the learning rate for the parameters that match a glob, the first that does.
   * @default {none: 1 for every parameter}
   */
  readonly learningRates?: readonly LearningRateRule[];
  /**
   * Limits the gradient before the update.
   * @default {none}
   */
  readonly clip?: ClipSpec;
}

/** A factor of the learning rate for some parameters. */
export interface LearningRateRule {
  /** Glob of their names: "layer1.*". */
  readonly match: string;
  /** The factor, positive. */
  readonly factor: number;
}

/** Any optimizer, as plain JSON. */
export type OptimizerSpec = SgdSpec | AdamSpec | AdamWSpec;

/** Tensors or arrays by the names of the parameters. */
export type Named<T> = Readonly<Record<string, T>>;

/** What an optimizer keeps between steps: by slot ("velocity"), then by the name of the parameter. */
export type OptimizerState<T> = Readonly<Record<string, Named<T>>>;

/** What one update of an optimizer is made from, traced; without the frozen parameters. */
export interface UpdateInputs {
  /** Parameters before the step. */
  readonly parameters: Named<Tensor>;
  /** Gradient of the loss, of the same names and shapes. */
  readonly gradients: Named<Tensor>;
  /** What the optimizer kept from the step before; empty where it keeps nothing. */
  readonly optimizerState: OptimizerState<Tensor>;
  /** Learning rate, a scalar. */
  readonly learningRate: Tensor;
}

/** What one update of an optimizer gives, traced. */
export interface UpdateOutputs {
  /** Parameters after the step. */
  readonly parameters: Named<Tensor>;
  /** What the optimizer keeps, of the same slots and names. */
  readonly optimizerState: OptimizerState<Tensor>;
}

/** An optimizer of one kind. */
export interface Optimizer<S> {
  /**
   * What it keeps, before the first step; nothing of what is frozen.
   *
   * @throws {UsageError} If the spec cannot be used with these parameters.
   */
  readonly init: (spec: S, parameters: Named<NdArray>) => OptimizerState<NdArray>;
  /** One update, traced. */
  readonly update: (spec: S, inputs: UpdateInputs) => UpdateOutputs;
}

/** The optimizers by kind. */
export const OPTIMIZERS: { readonly [K in OptimizerSpec["kind"]]: Optimizer<Extract<OptimizerSpec, { kind: K }>> } = {
  sgd,
  adam,
  adamw,
};
