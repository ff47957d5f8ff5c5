import {
  add,
  cachedProgram,
  type Engine,
  greater,
  greaterEqual,
  logicalAnd,
  logicalNot,
  mul,
  neg,
  type Program,
  reshape,
  sum,
  type Tensor,
  valueAndGrad,
  where,
  zerosLike,
} from "../engine/mod.ts";
import { crossEntropy, margin } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import type { AttackLoss, FgsmSpec } from "./attack.ts";
import { project, steepestStep } from "./threat_model.ts";

/** What the forward pass needs. */
export interface Forward {
  readonly weights: Weights<Tensor>;
  /** Where to ask, [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B]. */
  readonly y: Tensor;
}

/** What a start in the ball needs. */
export interface Start {
  /** Centres [B, H, W, C]. */
  readonly x: Tensor;
  /** Points of the unit ball [B, H, W, C]. */
  readonly unit: Tensor;
  /** Radius, a scalar. */
  readonly eps: Tensor;
}

/** What a step needs: the iterate xAdv in the ball of radius eps around x. */
export interface Step extends Forward {
  /** Iterate [B, H, W, C]. */
  readonly xAdv: Tensor;
  /** Radius, a scalar. */
  readonly eps: Tensor;
  /** Length of the step, a scalar. */
  readonly stepSize: Tensor;
}

/** The strongest image so far: the one of lowest margin. */
export interface Best {
  /** Images [B, H, W, C]. */
  readonly xAdv: Tensor;
  /** Their margins [B]. */
  readonly margin: Tensor;
  /** Step at which the image first fell, -1 where it did not, [B], float32. */
  readonly firstStep: Tensor;
}

/** What looking at an iterate needs. */
export interface Look extends Omit<Forward, "x"> {
  /** Iterate [B, H, W, C]. */
  readonly xAdv: Tensor;
  readonly best: Best;
  /** Number of the iterate, a scalar: 0 is the start. */
  readonly step: Tensor;
}

/** Norms of the attacks on a batch. */
type Norm = NonNullable<FgsmSpec["norm"]>;

/** A classifier's forward pass, whatever its weights. */
type Logits = Classifier["logits"];

/** Rises with the strength of the attack, [B]. */
const LOSS: { readonly [L in AttackLoss]: (logits: Tensor, y: Tensor) => Tensor } = {
  crossEntropy: (logits, y) => crossEntropy(logits, y),
  margin: (logits, y) => neg(margin(logits, y)),
};

/** Margins of images. */
export function marginProgram(engine: Engine, logits: Logits): Program<Forward, Tensor> {
  return cachedProgram(engine, logits, "margin", () => ({ weights, x, y }) => margin(logits(weights, x), y));
}

/** x + eps * unit, inside the box. */
export function startProgram(engine: Engine, norm: Norm): Program<Start, Tensor> {
  return cachedProgram(
    engine,
    startProgram,
    `attack start ${norm}`,
    () => ({ x, unit, eps }) => project(add(x, mul(unit, eps)), x, norm, eps),
  );
}

/** One step of projected gradient ascent. */
export function stepProgram(engine: Engine, logits: Logits, norm: Norm, loss: AttackLoss): Program<Step, Tensor> {
  return cachedProgram(
    engine,
    logits,
    `attack step ${norm} ${loss}`,
    () => (inputs) => ascend(logits, norm, loss, inputs).next,
  );
}

/** One step of projected gradient ascent that also keeps the better of the iterate it starts from and the best. */
export function keepingStepProgram(
  engine: Engine,
  logits: Logits,
  norm: Norm,
  loss: AttackLoss,
): Program<Step & Look, { xAdv: Tensor; best: Best }> {
  return cachedProgram(engine, logits, `attack step, best kept ${norm} ${loss}`, () => (inputs) => {
    const { next, logits: z } = ascend(logits, norm, loss, inputs);
    return { xAdv: next, best: better(inputs, margin(z, inputs.y)) };
  });
}

/** Keeps the better of the last iterate and the best. */
export function keepProgram(engine: Engine, logits: Logits): Program<Look, Best> {
  return cachedProgram(
    engine,
    logits,
    "attack end, best kept",
    () => (inputs) => better(inputs, margin(logits(inputs.weights, inputs.xAdv), inputs.y)),
  );
}

function ascend(
  logits: Logits,
  norm: Norm,
  loss: AttackLoss,
  { weights, x, y, xAdv, eps, stepSize }: Step,
): { readonly next: Tensor; readonly logits: Tensor } {
  // The sum, not the mean: each image has its own gradient, whatever its batch is.
  const { grad, aux } = valueAndGrad((at: Tensor) => {
    const z = logits(weights, at);
    return { value: sum(LOSS[loss](z, y)), aux: z };
  }, xAdv);
  return { next: project(add(xAdv, mul(steepestStep(grad, norm), stepSize)), x, norm, eps), logits: aux };
}

/** A margin that is not a number is kept, so that runAttack() finds it and says so. */
function better({ xAdv, best, step }: Look, now: Tensor): Best {
  const lower = logicalNot(greaterEqual(now, best.margin));
  const fell = logicalAnd(greater(0, now), greater(0, best.firstStep));
  return {
    xAdv: where(reshape(lower, [-1, ...xAdv.shape.slice(1).map(() => 1)]), xAdv, best.xAdv),
    margin: where(lower, now, best.margin),
    firstStep: where(fell, add(zerosLike(best.firstStep), step), best.firstStep),
  };
}
