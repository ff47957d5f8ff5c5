import { float32, type NdArray } from "../core/mod.ts";
import {
  abs,
  add,
  argMax,
  cachedProgram,
  div,
  type Engine,
  greater,
  greaterEqual,
  logicalAnd,
  logicalNot,
  maximum,
  mul,
  neg,
  oneHot,
  type Program,
  reshape,
  sum,
  type Tensor,
  valueAndGrad,
  where,
  zerosLike,
} from "../engine/mod.ts";
import { crossEntropy, dlr, klDivergence, margin, targetedDlr } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import type { Plan } from "./_plan.ts";
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

/** What the loss of an attack may depend on beside the logits and the classes. */
export interface Aim {
  /** Classes to be reached [B]; without them, the label is to be left. */
  readonly target?: Tensor;
  /** Logits of the clean images [B, classes], for "klToClean". */
  readonly clean?: Tensor;
}

/** Where a path of steps is. */
export interface Path {
  /** Iterate [B, H, W, C]. */
  readonly xAdv: Tensor;
  /** Accumulated gradient [B, H, W, C]; without it, steps follow the gradient alone. */
  readonly velocity?: Tensor;
}

/** Where a path begins, but for the image: with momentum, at rest. */
export function atRest(shape: readonly number[], { momentum }: Manner): { readonly velocity?: NdArray } {
  return momentum === undefined ? {} : { velocity: float32(shape) };
}

/** What a step needs: the iterate xAdv in the ball of radius eps around x. */
export interface Step extends Forward, Path {
  readonly aim: Aim;
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

/** A classifier's forward pass, whatever its weights. */
type Logits = Classifier["logits"];

/** How a gradient attack steps. */
type Manner = Pick<Plan, "norm" | "loss" | "momentum">;

/** Manner as text: programs are kept by it. */
function keyOf({ norm, loss, momentum }: Manner): string {
  return `${norm} ${loss}${momentum === undefined ? "" : ` momentum ${momentum}`}`;
}

/** Rises with the strength of the attack, [B]. */
export const LOSS: { readonly [L in Plan["loss"]]: (logits: Tensor, y: Tensor, aim: Aim) => Tensor } = {
  crossEntropy: (logits, y, { target }) => target ? neg(crossEntropy(logits, target)) : crossEntropy(logits, y),
  margin: (logits, y, { target }) => target ? margin(logits, target) : neg(margin(logits, y)),
  dlr: (logits, y) => dlr(logits, y),
  targetedDlr: (logits, y, { target }) => targetedDlr(logits, y, target!),
  klToClean: (logits, _y, { clean }) => klDivergence(clean!, logits),
};

/** Logits of images. */
export function logitsProgram(
  engine: Engine,
  logits: Logits,
): Program<Omit<Forward, "y"> & { readonly noise?: readonly Tensor[] }, Tensor> {
  return cachedProgram(engine, logits, "logits", () => ({ weights, x, noise }) => logits(weights, x, noise));
}

/** The class of the lowest logit but the label, int32 [B]. */
export function leastLikelyProgram(engine: Engine, logits: Logits): Program<Forward, Tensor> {
  return cachedProgram(engine, logits, "least likely class", () => ({ weights, x, y }) => {
    const z = logits(weights, x);
    return argMax(neg(add(z, mul(oneHot(y, z.shape[1]!), 2e38))), -1);
  });
}

/** Margins of images. */
export function marginProgram(engine: Engine, logits: Logits): Program<Forward, Tensor> {
  return cachedProgram(engine, logits, "margin", () => ({ weights, x, y }) => margin(logits(weights, x), y));
}

/** x + eps * unit, inside the box. */
export function startProgram(engine: Engine, norm: Plan["norm"]): Program<Start, Tensor> {
  return cachedProgram(
    engine,
    startProgram,
    `attack start ${norm}`,
    () => ({ x, unit, eps }) => project(add(x, mul(unit, eps)), x, norm, eps),
  );
}

/** One step of projected gradient ascent. */
export function stepProgram(engine: Engine, logits: Logits, manner: Manner): Program<Step, Path> {
  return cachedProgram(
    engine,
    logits,
    `attack step ${keyOf(manner)}`,
    () => (inputs) => ascend(logits, manner, inputs).next,
  );
}

/** One step of projected gradient ascent that also keeps the better of the iterate it starts from and the best. */
export function keepingStepProgram(
  engine: Engine,
  logits: Logits,
  manner: Manner,
): Program<Step & Look, Path & { readonly best: Best }> {
  return cachedProgram(engine, logits, `attack step, best kept ${keyOf(manner)}`, () => (inputs) => {
    const { next, logits: z } = ascend(logits, manner, inputs);
    return { ...next, best: better(inputs, margin(z, inputs.y)) };
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
  { norm, loss, momentum = 0 }: Manner,
  { weights, x, y, xAdv, velocity, aim, eps, stepSize }: Step,
): { readonly next: Path; readonly logits: Tensor } {
  // The sum, not the mean: each image has its own gradient, whatever its batch is.
  const { grad, aux } = valueAndGrad((at: Tensor) => {
    const z = logits(weights, at);
    return { value: sum(LOSS[loss](z, y, aim)), aux: z };
  }, xAdv);
  const after = velocity && add(mul(velocity, momentum), unitL1(grad));
  const next = project(add(xAdv, mul(steepestStep(after ?? grad, norm), stepSize)), x, norm, eps);
  return { next: { xAdv: next, ...after && { velocity: after } }, logits: aux };
}

/** g / ||g||_1 of each image; 0 where g is. */
export function unitL1(grad: Tensor): Tensor {
  const axes = grad.shape.slice(1).map((_, axis) => axis + 1);
  return div(grad, maximum(sum(abs(grad), axes, true), 1.2e-38));
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
