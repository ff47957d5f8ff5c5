import { UsageError } from "../core/mod.ts";
import { add, mul, sub, type Tensor } from "../engine/mod.ts";
import { checkRules, isDecayed, rateOf, zerosOfTrained } from "./_parameter_rules.ts";
import type { Optimizer, OptimizerBase } from "./optimizer.ts";

/** Stochastic gradient descent with momentum and weight decay; the learning rate comes from the schedule. */
export interface SgdSpec extends OptimizerBase {
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
    const { momentum = 0.9, nesterov = false } = spec;
    if (!(momentum >= 0 && momentum < 1)) {
      throw new UsageError(`Cannot use the momentum ${momentum}: it must be at least 0 and below 1`);
    }
    if (nesterov && momentum === 0) {
      throw new UsageError("Cannot use Nesterov's step without momentum: set momentum above 0");
    }
    checkRules(spec, Object.keys(parameters));
    return momentum === 0 ? {} : { velocity: zerosOfTrained(spec, parameters) };
  },

  update(spec, { parameters, gradients, optimizerState, learningRate }) {
    const { momentum = 0.9, weightDecay = 0, nesterov = false } = spec;
    const next: Record<string, Tensor> = {};
    const velocity: Record<string, Tensor> = {};
    for (const [name, parameter] of Object.entries(parameters)) {
      const raw = gradients[name]!;
      const gradient = isDecayed(spec, name) ? add(raw, mul(parameter, weightDecay)) : raw;
      let direction = gradient;
      if (momentum > 0) {
        const v = velocity[name] = add(mul(optimizerState["velocity"]![name]!, momentum), gradient);
        direction = nesterov ? add(gradient, mul(v, momentum)) : v;
      }
      next[name] = sub(parameter, mul(direction, rateOf(spec, name, learningRate)));
    }
    return { parameters: next, optimizerState: momentum === 0 ? {} : { velocity } };
  },
};
