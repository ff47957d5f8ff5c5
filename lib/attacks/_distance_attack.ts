import {
  add,
  greater,
  greaterEqual,
  logicalNot,
  mul,
  reshape,
  sub,
  type Tensor,
  where,
  zerosLike,
} from "../engine/mod.ts";
import { lengths } from "./_lengths.ts";
import type { Norm } from "./attack.ts";
import { NOT_LOOKED, type SlotAttack, type SlotInputs, whereSlot } from "./slot_attack.ts";

/** Images whose margin was measured, traced. */
export interface Looked {
  /** Images [B, H, W, C]. */
  readonly image: Tensor;
  /** Margins z_y - max_{k != y} z_k [B]. */
  readonly margin: Tensor;
}

/**
 * An attack for a small distance, which knows no ball: as {@linkcode SlotAttack}, but what its step looked at is judged
 * by who runs it.
 */
export interface DistanceAttack<S extends object, T extends object, F extends object>
  extends Omit<SlotAttack<S, T, F>, "step"> {
  /** The norm of the distance. */
  readonly norm: Norm;
  /**
   * One step of all slots, traced; at least one image per slot is looked at, and they come in the order in which they
   * are made: one that is not a number makes the next one so.
   */
  step(inputs: SlotInputs<S, T, F>): { readonly state: S; readonly looked: readonly Looked[] };
}

/**
 * The attack at a radius: of the images of a step, the one of lowest margin inside the ball counts.
 *
 * @param attack The attack.
 * @returns The attack as the queue runs it.
 */
export function insideBall<S extends object, T extends object, F extends object>(
  attack: DistanceAttack<S, T, F>,
): SlotAttack<S, T, F> {
  return scored(attack, (margin, distance, eps) => where(greater(distance, eps), filled(margin, NOT_LOOKED), margin));
}

/**
 * The attack for the smallest distance: the distance of a misclassified image stands in place of its margin, so that the
 * queue, which keeps the image of lowest margin and lets go where it is negative, keeps the nearest and goes on.
 *
 * @param attack The attack.
 * @returns The attack as the queue runs it. Distances are scaled by {@linkcode DISTANCE_SCALE}.
 */
export function nearest<S extends object, T extends object, F extends object>(
  attack: DistanceAttack<S, T, F>,
): SlotAttack<S, T, F> {
  // What is not a number is so after this as well: it lets the image go, and the verification says whose it is.
  const score = (margin: Tensor, distance: Tensor) =>
    where(greaterEqual(margin, 0), filled(margin, NOT_LOOKED), mul(distance, DISTANCE_SCALE));
  return { ...scored(attack, score), key: `${attack.key}, nearest`, cleanCounts: false };
}

/** What distances are scaled by in place of margins: an image that is misclassified as it is keeps its own. */
export const DISTANCE_SCALE = 2 ** -90;

function scored<S extends object, T extends object, F extends object>(
  attack: DistanceAttack<S, T, F>,
  score: (margin: Tensor, distance: Tensor, eps: Tensor) => Tensor,
): SlotAttack<S, T, F> {
  return {
    ...attack,
    step: (inputs) => {
      const { state, looked } = attack.step(inputs);
      const [count = 0] = inputs.x.shape;
      const [first, ...others] = looked.map(({ image, margin }) => {
        const away = reshape(sub(image, inputs.x), [count, -1]);
        return { looked: image, margin: score(margin, reshape(lengths(away, attack.norm), [count]), inputs.eps) };
      });
      const best = others.reduce((best, next) => {
        const lower = logicalNot(greaterEqual(next.margin, best.margin));
        return {
          looked: whereSlot(lower, next.looked, best.looked),
          margin: where(lower, next.margin, best.margin),
        };
      }, first!);
      return { state, ...best };
    },
  };
}

function filled(like: Tensor, value: number): Tensor {
  return add(zerosLike(like), value);
}
