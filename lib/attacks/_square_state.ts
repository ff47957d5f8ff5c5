import { float32, type NdArray } from "../core/mod.ts";
import { cast, greater, type MapTensors, maximum, type Tensor } from "../engine/mod.ts";
import type { SlotAttack } from "./slot_attack.ts";

/** Shape of the images. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The best image so far. It is never NaN: it holds zeros or what a query looked at. */
export interface SquareState {
  /** Linf: signs of its perturbation; L2 and L1: the image itself [B, H, W, C]. */
  readonly best: Tensor;
  /** Its margin [B]. */
  readonly loss: Tensor;
}

/** What depends on the norm. */
export type SquareMachine<T extends object, F extends object> = Pick<
  SlotAttack<SquareState, T, F>,
  "key" | "state" | "trial" | "feeds" | "step"
>;

/** The state before the first query. */
export function noState([slots = 0, ...image]: readonly number[]): MapTensors<SquareState, NdArray> {
  return { best: float32([slots, ...image]), loss: float32([slots]) };
}

/**
 * Which slots take what they looked at as their best image: those that have just begun, and those whose margin fell.
 *
 * @param now Margins that were measured [B].
 * @param loss Margins of the best images [B].
 * @param fresh 1 where a slot has just begun [B].
 * @returns 1 where they do, else 0 [B].
 */
export function taken(now: Tensor, loss: Tensor, fresh: Tensor): Tensor {
  return maximum(cast(greater(loss, now), "float32"), fresh);
}
