import { float32, type NdArray, UsageError } from "../core/mod.ts";
import { add, mul, sub, type Tensor } from "../engine/mod.ts";
import { checkRules, isFrozen, rateFactor } from "./_parameter_rules.ts";

/** Stochastic gradient descent with momentum and weight decay; the learning rate comes from the schedule. */
export interface SgdSpec {
  /** Discriminates the optimizers. */
  readonly kind: "sgd";
  /**
   * Share mu of the velocity that is kept; 0 keeps no velocity.
   * @default {0.9}
   */
  readonly momentum?: number;
  /**
   * Steps along g + mu v in place of v.
   * @default {false}
   */
  readonly nesterov?: boolean;
  /**
   * Factor wd of the parameters that is added to their gradient.
   * @default {0}
   */
  readonly weightDecay?: number;
  /**
   * Regular expressions; parameters whose name matches one are not decayed, as `"\\.bias$"`.
   * @default {none: every parameter is decayed, as in PyTorch}
   */
  readonly noDecay?: readonly string[];
  /**
   * Globs of parameters that keep their bits: no gradient, no decay, no velocity. The last one that matches counts, and
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
}

/** A factor of the learning rate for some parameters. */
export interface LearningRateRule {
  /** Glob of their names: "layer1.*". */
  readonly match: string;
  /** The factor, positive. */
  readonly factor: number;
}

/** Any optimizer, as plain JSON. */
export type OptimizerSpec = SgdSpec;

/** Tensors or arrays by the names of the parameters. */
export type Named<T> = Readonly<Record<string, T>>;

/** What one update of an optimizer is made from, traced; without the frozen parameters. */
export interface UpdateInputs {
  /** Parameters before the step. */
  readonly parameters: Named<Tensor>;
  /** Gradient of the loss, of the same names and shapes. */
  readonly gradients: Named<Tensor>;
  /** Velocity before the step; empty where the optimizer keeps none. */
  readonly velocity: Named<Tensor>;
  /** Learning rate, a scalar. */
  readonly learningRate: Tensor;
}

/** What one update of an optimizer gives, traced. */
export interface UpdateOutputs {
  /** Parameters after the step. */
  readonly parameters: Named<Tensor>;
  /** Velocity after the step. */
  readonly velocity: Named<Tensor>;
}

/** An optimizer of one kind. */
export interface Optimizer<S> {
  /**
   * The velocity before the first step.
   *
   * @throws {UsageError} If the spec cannot be used with these parameters.
   */
  readonly init: (spec: S, parameters: Named<NdArray>) => Named<NdArray>;
  /** One update, traced. */
  readonly update: (spec: S, inputs: UpdateInputs) => UpdateOutputs;
}

/**
 * PyTorch's SGD: g <- g + wd p; v <- mu v + g (v = 0 before the first step, so that it becomes g);
 * p <- p - lr v, or p - lr (g + mu v) with Nesterov's momentum; dampening 0.
 *
 * Source: Sutskever, Martens, Dahl, Hinton (2013); the form of `torch.optim.SGD` (PyTorch 2).
 * Differs from Sutskever et al. in that the learning rate multiplies the velocity, not the gradient.
 */
export const sgd: Optimizer<SgdSpec> = {
  init(spec, parameters) {
    const { momentum = 0.9, weightDecay = 0, nesterov = false } = spec;
    if (!(momentum >= 0 && momentum < 1)) {
      throw new UsageError(`Cannot use the momentum ${momentum}: it must be at least 0 and below 1`);
    }
    if (!(weightDecay >= 0 && weightDecay < Infinity)) {
      throw new UsageError(`Cannot use the weight decay ${weightDecay}: it must be 0 or more`);
    }
    if (nesterov && momentum === 0) {
      throw new UsageError("Cannot use Nesterov's step without momentum: set momentum above 0");
    }
    const names = Object.keys(parameters);
    for (const pattern of spec.noDecay ?? []) {
      if (!names.some((name) => matches(pattern, name))) {
        throw new UsageError(
          `Cannot exempt "${pattern}" from weight decay as it matches no parameter: names are like "${names[0]}"`,
        );
      }
    }
    checkRules(spec, names);
    if (momentum === 0) return {};
    const trained = Object.entries(parameters).filter(([name]) => !isFrozen(spec, name));
    return Object.fromEntries(trained.map(([name, { shape }]) => [name, float32(shape)]));
  },

  update(spec, { parameters, gradients, velocity, learningRate }) {
    const { momentum = 0.9, weightDecay = 0, nesterov = false, noDecay = [] } = spec;
    const nextParameters: Record<string, Tensor> = {};
    const nextVelocity: Record<string, Tensor> = {};
    for (const [name, parameter] of Object.entries(parameters)) {
      const decayed = weightDecay > 0 && !noDecay.some((pattern) => matches(pattern, name));
      const raw = gradients[name]!;
      const gradient = decayed ? add(raw, mul(parameter, weightDecay)) : raw;
      let direction = gradient;
      if (momentum > 0) {
        const v = nextVelocity[name] = add(mul(velocity[name]!, momentum), gradient);
        direction = nesterov ? add(gradient, mul(v, momentum)) : v;
      }
      const factor = rateFactor(spec, name);
      nextParameters[name] = sub(parameter, mul(direction, factor === 1 ? learningRate : mul(learningRate, factor)));
    }
    return { parameters: nextParameters, velocity: nextVelocity };
  },
};

/** The optimizers by kind. */
export const OPTIMIZERS: { readonly [K in OptimizerSpec["kind"]]: Optimizer<Extract<OptimizerSpec, { kind: K }>> } = {
  sgd,
};

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    throw new UsageError(`Cannot read "${pattern}" as a regular expression: mend the pattern of noDecay`);
  }
}
