import { float32, type NdArray, scalar } from "../core/mod.ts";
import {
  abs,
  add,
  cast,
  clip,
  div,
  greater,
  greaterEqual,
  type MapTensors,
  maxConstant,
  maximum,
  minimum,
  mul,
  reshape,
  sign,
  sub,
  sum,
  type Tensor,
  where,
  zerosLike,
} from "../engine/mod.ts";
import { type ApgdBest, type ApgdTrial, better } from "./_apgd_look.ts";
import type { Seen } from "./_iterated.ts";
import { NOT_LOOKED, type Slot, type SlotInputs, type SlotOutputs, whereSlot } from "./slot_attack.ts";
import { project } from "./threat_model.ts";

/** State of a trial in L1. */
export type SparseState = ApgdBest & {
  /** Where the next step begins, and the gradient there. */
  readonly at: Tensor;
  readonly grad: Tensor;
  /** Length of the next step. */
  readonly length: Tensor;
  /** Share of the pixels that the next step moves. */
  readonly share: Tensor;
  /** Pixels in which the best image of the last check differed from the clean one. */
  readonly changed: Tensor;
};

/** What changes with the step. */
export type SparseFeeds = {
  /** 1 at the first step of a phase. */
  readonly begin: Tensor;
  /** 1 where step length and share are checked after this step. */
  readonly check: Tensor;
  /** Radius of the phase over eps. */
  readonly factor: Tensor;
};

/** Steps at one radius. */
export interface Phase {
  /** Radius over eps. */
  readonly factor: number;
  /** Steps after the first look. */
  readonly steps: number;
}

/** A state of zeros. */
export function sparseState(shape: readonly number[]): MapTensors<SparseState, NdArray> {
  const image = () => float32(shape);
  const number = () => float32([shape[0]!]);
  return {
    best: image(),
    bestGrad: image(),
    bestLoss: number(),
    at: image(),
    grad: image(),
    length: number(),
    share: number(),
    changed: number(),
  };
}

/** The phases of a trial: one at eps, or 30 % of the steps at 3 eps, 30 % at 2 eps, and the rest. */
export function phasesOf(steps: number, largerReps: boolean): readonly Phase[] {
  if (!largerReps) return [{ factor: 1, steps }];
  const third = Math.ceil(0.3 * steps);
  return [{ factor: 3, steps: third }, { factor: 2, steps: third }, {
    factor: 1,
    steps: Math.max(steps - 2 * third, 0),
  }];
}

/** The feeds of a step. */
export function sparseFeeds({ step }: Slot, phases: readonly Phase[]): MapTensors<SparseFeeds, NdArray> {
  let at = step;
  let phase = 0;
  while (at > phases[phase]!.steps) at -= phases[phase++]!.steps + 1;
  const { factor, steps } = phases[phase]!;
  const check = at > 0 && at % Math.max(Math.floor(0.04 * steps), 1) === 0;
  return { begin: scalar(at === 0 ? 1 : 0), check: scalar(check ? 1 : 0), factor: scalar(factor) };
}

/** Where a step in L1 looks. */
export function sparsePlace(
  { x, fresh, eps, state, trial, feeds }: SlotInputs<SparseState, ApgdTrial, SparseFeeds>,
  phased: boolean,
): Tensor {
  const reach = mul(feeds.factor, eps);
  const inBall = (image: Tensor) => project(image, x, "L1", perImage(reach));
  const next = inBall(add(state.at, mul(direction(state.grad, state.share), perImage(state.length))));
  const goingOn = phased ? whereSlot(feeds.begin, inBall(state.best), next) : next;
  return whereSlot(fresh, inBall(add(x, trial.start)), goingOn);
}

/** What follows from what it has seen there. */
export function sparseUpdate(
  { x, eps, state, feeds }: SlotInputs<SparseState, ApgdTrial, SparseFeeds>,
  at: Tensor,
  { loss, grad, looked }: Seen,
  phased: boolean,
): SlotOutputs<SparseState> {
  const reach = mul(feeds.factor, eps);
  const top = better(feeds.begin, state, { at, grad, loss });

  const pixels = x.shape.slice(1).reduce((a, b) => a * b, 1);
  const none = zerosLike(loss);
  const all = add(none, pixels);
  const firstChanged = phased ? changedPixels(at, x) : all;
  const firstShare = phased ? shareOf(firstChanged, pixels) : add(none, 0.2);
  const before = whereSlot(feeds.begin, firstChanged, state.changed);
  const share = whereSlot(feeds.begin, firstShare, state.share);
  const length = whereSlot(feeds.begin, reach, state.length);

  const changed = changedPixels(top.best, x);
  const sparser = mul(feeds.check, cast(greater(mul(before, 0.95), changed), "float32"));
  const shorter = minimum(maximum(div(length, 1.5), div(reach, 10)), reach);
  return {
    looked: at,
    // What is looked at beyond eps is a step on the way.
    margin: where(greater(feeds.factor, 1), add(none, NOT_LOOKED), looked),
    state: {
      ...top,
      at: whereSlot(sparser, top.best, at),
      grad: whereSlot(sparser, top.bestGrad, grad),
      length: whereSlot(feeds.check, whereSlot(sparser, reach, shorter), length),
      share: whereSlot(feeds.check, shareOf(changed, pixels), share),
      changed: whereSlot(feeds.check, changed, before),
    },
  };
}

/** The signs of the largest entries of a gradient, a share of all, scaled to length 1 in L1. */
function direction(grad: Tensor, share: Tensor): Tensor {
  const pixels = grad.shape.slice(1).reduce((a, b) => a * b, 1);
  const size = abs(grad);
  const scaled = div(size, maximum(maxConstant(size, [1, 2, 3], true), 1.2e-38));
  // At most so many entries are left out; their number is whole, so that no floor is needed.
  const left = perImage(clip(mul(sub(1, share), pixels), 0, pixels - 1));
  // The largest number below which no more than these are, by bisection; entries that differ by less count as equal.
  let low = zerosLike(left);
  let high = add(low, 2);
  for (let k = 0; k < 33; k++) {
    const middle = mul(add(low, high), 0.5);
    const below = sum(cast(greater(middle, scaled), "float32"), [1, 2, 3], true);
    const few = greaterEqual(left, below);
    low = where(few, middle, low);
    high = where(few, high, middle);
  }
  const signs = mul(sign(grad), cast(greaterEqual(scaled, low), "float32"));
  return div(signs, maximum(sum(abs(signs), [1, 2, 3], true), 1));
}

function changedPixels(image: Tensor, x: Tensor): Tensor {
  return sum(cast(greater(abs(sub(image, x)), 0), "float32"), [1, 2, 3]);
}

function shareOf(changed: Tensor, pixels: number): Tensor {
  return div(div(changed, pixels), 1.5);
}

function perImage(each: Tensor): Tensor {
  return reshape(each, [-1, 1, 1, 1]);
}
