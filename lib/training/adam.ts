import { scalar, UsageError } from "../core/mod.ts";
import { add, div, mul, sqrt, square, sub, type Tensor } from "../engine/mod.ts";
import { checkRules, isDecayed, rateOf, zerosOfTrained } from "./_parameter_rules.ts";
import type { Optimizer, OptimizerBase, UpdateInputs, UpdateOutputs } from "./optimizer.ts";

/** What Adam and AdamW are set by. */
export interface AdamFields extends OptimizerBase {
  /**
   * Shares of the running means of the gradient and of its square that are kept.
   * @default {[0.9, 0.999]}
   */
  readonly betas?: readonly [number, number];
  /**
   * Added to the square root of the mean square.
   * @default {1e-8}
   */
  readonly epsilon?: number;
}

/** Adam; weight decay is added to the gradient, and so is scaled as it is. */
export interface AdamSpec extends AdamFields {
  /** Discriminates the optimizers. */
  readonly kind: "adam";
}

/** Adam whose weight decay is apart from the gradient. */
export interface AdamWSpec extends AdamFields {
  /** Discriminates the optimizers. */
  readonly kind: "adamw";
}

/**
 * PyTorch's Adam: g <- g + wd p; m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2;
 * p <- p - lr (m / c1) / (sqrt(v / c2) + eps), c = 1 - b^t after t steps.
 *
 * c is kept as the same running mean of ones, c <- b c + (1 - b), which needs no power and loses no digits at the start.
 *
 * Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1; `torch.optim.Adam` (PyTorch
 * 2) for the decay.
 */
export const adam: Optimizer<AdamSpec> = {
  init,
  update: (spec, inputs) => update(spec, inputs, false),
};

/**
 * PyTorch's AdamW: p <- p - lr wd p, then {@linkcode adam} without decay.
 *
 * Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
 * Differs from the paper, as `torch.optim.AdamW` does, in multiplying the decay by the learning rate.
 */
export const adamw: Optimizer<AdamWSpec> = {
  init,
  update: (spec, inputs) => update(spec, inputs, true),
};

function init(spec: AdamSpec | AdamWSpec, parameters: Parameters<typeof zerosOfTrained>[1]) {
  const { betas = [0.9, 0.999], epsilon = 1e-8 } = spec;
  if (betas.length !== 2 || !betas.every((beta) => beta >= 0 && beta < 1)) {
    throw new UsageError(`Cannot use the betas [${betas.join(", ")}]: write two numbers of at least 0 and below 1`);
  }
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new UsageError(`Cannot use the epsilon ${epsilon}: write a positive number such as 1e-8`);
  }
  checkRules(spec, Object.keys(parameters));
  return {
    mean: zerosOfTrained(spec, parameters),
    square: zerosOfTrained(spec, parameters),
    ones: { mean: scalar(0), square: scalar(0) },
  };
}

function update(
  spec: AdamSpec | AdamWSpec,
  { parameters, gradients, optimizerState, learningRate }: UpdateInputs,
  decoupled: boolean,
): UpdateOutputs {
  const { betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = spec;
  const { mean: means, square: squares, ones } = optimizerState;
  const correction1 = follow(ones!["mean"]!, 1, beta1);
  const correction2 = follow(ones!["square"]!, 1, beta2);
  const root2 = sqrt(correction2);
  const next: Record<string, Tensor> = {};
  const nextMean: Record<string, Tensor> = {};
  const nextSquare: Record<string, Tensor> = {};
  for (const [name, before] of Object.entries(parameters)) {
    const rate = rateOf(spec, name, learningRate);
    const decayed = isDecayed(spec, name);
    const gradient = decayed && !decoupled ? add(gradients[name]!, mul(before, weightDecay)) : gradients[name]!;
    const parameter = decayed && decoupled ? mul(before, sub(1, mul(rate, weightDecay))) : before;
    const m = nextMean[name] = follow(means![name]!, gradient, beta1);
    const v = nextSquare[name] = follow(squares![name]!, square(gradient), beta2);
    const step = div(m, add(div(sqrt(v), root2), epsilon));
    next[name] = sub(parameter, mul(step, div(rate, correction1)));
  }
  return {
    parameters: next,
    optimizerState: { mean: nextMean, square: nextSquare, ones: { mean: correction1, square: correction2 } },
  };
}

/** A running mean: beta average + (1 - beta) value. */
function follow(average: Tensor, value: Tensor | number, beta: number): Tensor {
  return add(mul(average, beta), typeof value === "number" ? value * (1 - beta) : mul(value, 1 - beta));
}
