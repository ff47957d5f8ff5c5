import { float32, type NdArray, scalar } from "../core/mod.ts";
import {
  add,
  cast,
  clip,
  equal,
  greater,
  greaterEqual,
  type MapTensors,
  maximum,
  mul,
  reshape,
  sub,
  type Tensor,
  zerosLike,
} from "../engine/mod.ts";
import { type ApgdBest, type ApgdTrial, better } from "./_apgd_look.ts";
import type { Seen } from "./_iterated.ts";
import type { Norm } from "./attack.ts";
import { type Slot, type SlotInputs, type SlotOutputs, whereSlot } from "./slot_attack.ts";
import { project, steepestStep } from "./threat_model.ts";

/** State of a trial in Linf or L2. */
export type DenseState = ApgdBest & {
  /** Where the next step begins, and the gradient there. */
  readonly at: Tensor;
  readonly grad: Tensor;
  /** Where the last step began. */
  readonly previous: Tensor;
  /** Loss of the last image. */
  readonly loss: Tensor;
  /** Steps since the last check that have raised the loss. */
  readonly rises: Tensor;
  /** Length of the next step. */
  readonly length: Tensor;
  /** Best loss at the last check. */
  readonly checkedLoss: Tensor;
  /** 1 where the last check has halved the step. */
  readonly halved: Tensor;
};

/** What changes with the step. */
export type DenseFeeds = {
  /** Weight of the gradient step against the last step's direction. */
  readonly weight: Tensor;
  /** 1 where the step length is checked after this step. */
  readonly check: Tensor;
  /** Rises up to which a check halves the step. */
  readonly enough: Tensor;
};

/** A state of zeros. */
export function denseState(shape: readonly number[]): MapTensors<DenseState, NdArray> {
  const image = () => float32(shape);
  const number = () => float32([shape[0]!]);
  return {
    best: image(),
    bestGrad: image(),
    bestLoss: number(),
    at: image(),
    grad: image(),
    previous: image(),
    loss: number(),
    rises: number(),
    length: number(),
    checkedLoss: number(),
    halved: number(),
  };
}

/** Steps after which the step length is checked, and how many steps each check looks back on. */
export function checksOf(steps: number): ReadonlyMap<number, number> {
  const share = (part: number) => Math.max(Math.floor(part * steps), 1);
  const checks = new Map<number, number>();
  let window = share(0.22);
  for (let at = window; at <= steps; at += window) {
    checks.set(at, window);
    window = Math.max(window - share(0.03), share(0.06));
  }
  return checks;
}

/** The feeds of a step. */
export function denseFeeds(
  { step }: Slot,
  checks: ReadonlyMap<number, number>,
  rho: number,
): MapTensors<DenseFeeds, NdArray> {
  const window = checks.get(step);
  return {
    weight: scalar(step <= 1 ? 1 : 0.75),
    check: scalar(window === undefined ? 0 : 1),
    enough: scalar(rho * (window ?? 0)),
  };
}

/** Where a step in Linf or L2 looks. */
export function densePlace(
  inputs: SlotInputs<DenseState, ApgdTrial, DenseFeeds>,
  norm: Exclude<Norm, "L1">,
): Tensor {
  const { x, fresh, eps, trial } = inputs;
  return whereSlot(fresh, clip(add(x, mul(trial.start, eps)), 0, 1), moved(inputs, norm));
}

/** What follows from what it has seen there. */
export function denseUpdate(
  { fresh, eps, state, feeds }: SlotInputs<DenseState, ApgdTrial, DenseFeeds>,
  at: Tensor,
  { loss, grad, looked }: Seen,
): SlotOutputs<DenseState> {
  const top = better(fresh, state, { at, grad, loss });

  const none = zerosLike(loss);
  const rises = whereSlot(fresh, none, add(state.rises, asNumber(greater(loss, state.loss))));
  const length = whereSlot(fresh, add(none, mul(eps, 2)), state.length);
  const checkedLoss = whereSlot(fresh, loss, state.checkedLoss);
  const halved = whereSlot(fresh, add(none, 1), state.halved);

  const tooFew = asNumber(greaterEqual(feeds.enough, rises));
  const noBetter = mul(asNumber(equal(halved, 0)), asNumber(greaterEqual(checkedLoss, top.bestLoss)));
  const halve = mul(feeds.check, maximum(tooFew, noBetter));
  return {
    looked: at,
    margin: looked,
    state: {
      ...top,
      at: whereSlot(halve, top.best, at),
      grad: whereSlot(halve, top.bestGrad, grad),
      previous: whereSlot(fresh, at, state.at),
      loss,
      rises: whereSlot(feeds.check, none, rises),
      length: whereSlot(halve, mul(length, 0.5), length),
      checkedLoss: whereSlot(feeds.check, top.bestLoss, checkedLoss),
      halved: whereSlot(feeds.check, halve, halved),
    },
  };
}

/** The image after a gradient step and, of weight 1 - a, the last step's direction again. */
function moved(
  { x, eps, state: { at, grad, previous, length }, feeds }: SlotInputs<DenseState, ApgdTrial, DenseFeeds>,
  norm: Exclude<Norm, "L1">,
): Tensor {
  const perImage = (each: Tensor) => reshape(each, [-1, 1, 1, 1]);
  const weight = perImage(feeds.weight);
  const climbed = project(add(at, mul(steepestStep(grad, norm), perImage(length))), x, norm, eps);
  const pulled = add(add(at, mul(sub(climbed, at), weight)), mul(sub(at, previous), sub(1, weight)));
  return project(pulled, x, norm, eps);
}

function asNumber(flag: Tensor): Tensor {
  return cast(flag, "float32");
}
