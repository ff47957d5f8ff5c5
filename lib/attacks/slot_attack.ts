import type { NdArray, Rng } from "../core/mod.ts";
import { greater, type MapTensors, reshape, type Tensor, where } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { SlotAttackSpec } from "./attack.ts";

/** Where the image of a slot stands. */
export interface Slot {
  /** Its id: random numbers are keyed by it. */
  readonly id: number;
  /** Its class. */
  readonly label: number;
  /** Number of the trial, from 0: restarts, and target classes where there are some. */
  readonly trial: number;
  /** Number of the step in its trial, from 0. */
  readonly step: number;
  /** The other classes, that of the highest clean logit first (of equal ones the lower class). */
  readonly order: Int32Array;
  /** What the classifier says of the clean image: its logits [classes], as {@linkcode margins} takes them. */
  readonly clean?: Float32Array;
}

/** What one step is given, traced. B slots; every leaf of `state`, `trial` and `feeds` begins with the axis of slots. */
export interface SlotInputs<S, T, F> {
  /**
   * The classifier: pixels [N, H, W, C] -> logits [N, classes], for any N. Where its outputs are random it takes what was
   * drawn for the N images as well.
   */
  readonly logits: (x: Tensor, noise?: readonly Tensor[]) => Tensor;
  /** Clean images [B, H, W, C]. */
  readonly x: Tensor;
  /** Classes [B], int32. */
  readonly y: Tensor;
  /**
   * 1 where the slot is at step 0 of a trial, else 0 [B]. There the state is another image's and may be NaN: take it
   * with {@linkcode whereSlot}, never by a product.
   */
  readonly fresh: Tensor;
  /** Radius in pixel units, a scalar. */
  readonly eps: Tensor;
  /** What the last step returned. */
  readonly state: S;
  /** What {@linkcode SlotAttack.trial} gave at the beginning of the trial. */
  readonly trial: T;
  /** What {@linkcode SlotAttack.feeds} gave for this step. */
  readonly feeds: F;
}

/** What one step returns, traced. */
export interface SlotOutputs<S> {
  /** What the next step is given. */
  readonly state: S;
  /** Images whose margin was measured [B, H, W, C]. */
  readonly looked: Tensor;
  /**
   * Their margins z_y - max_{k != y} z_k [B]. An image outside of ball and box does not count: give
   * {@linkcode NOT_LOOKED} there.
   */
  readonly margin: Tensor;
}

/** Margin that stands for "no image inside the ball was looked at". */
export const NOT_LOOKED = 3e38;

/**
 * An attack at one radius as a machine that advances every slot by one step per call. A slot holds one image at its own
 * trial and step; when the image falls or its trials are used up, the slot goes to the next image. So nothing of an
 * image's path may depend on the other slots.
 *
 * @typeParam S State: a tree of tensors.
 * @typeParam T What is fixed for a trial, such as a start or a target class.
 * @typeParam F What changes with the step, such as a step length.
 */
export interface SlotAttack<S extends object = object, T extends object = object, F extends object = object> {
  /** Everything that the traced function depends on but shapes, as text: programs are kept by it. */
  readonly key: string;
  /** Calls of `step` in a trial; each of them looks at one image per slot. */
  readonly steps: number;
  /** Calls that make one step of the attack, each with another draw of a classifier with random outputs. @default {1} */
  readonly samples?: number;
  /**
   * Whether a step changes the state only where it measures a margin below all that were measured before in the trial
   * (the step 0 aside): then free slots may try the steps that follow, from the same state. @default {false}
   */
  readonly greedy?: boolean;
  /** Trials of an image: restarts times targets. */
  readonly trials: number;
  /** Forward passes per image of one step, those inside backward passes included. */
  readonly forwardPasses: number;
  /** Backward passes per image of one step. */
  readonly backwardPasses: number;
  /**
   * Whether a clean image that is not misclassified is the first that counts, as the one of lowest margin so far; false
   * where `margin` stands for something else. @default {true}
   */
  readonly cleanCounts?: boolean;
  /** A state for the first call, of which nothing is used: zeros. `shape` is [B, H, W, C]. */
  state(shape: readonly number[]): MapTensors<S, NdArray>;
  /** What a trial needs, for one slot at step 0: leaves without the axis of slots, always of the same shapes. */
  trial(slot: Slot): MapTensors<T, NdArray>;
  /** What a step needs, for one slot: leaves without the axis of slots ([] for a number), always of the same shapes. */
  feeds(slot: Slot): MapTensors<F, NdArray>;
  /** One step of all slots, traced; it must not depend on radius, seed or image but through its inputs. */
  step(inputs: SlotInputs<S, T, F>): SlotOutputs<S>;
}

/** What an attack over slots is made for. */
export interface SlotSetting {
  /** Number of classes. */
  readonly classes: number;
  /** Shape of one image [H, W, C]. */
  readonly inputShape: readonly number[];
  /** Radius in pixel units. */
  readonly eps: number;
  /** Stream of the attack; draws are keyed by image id, trial and step below it. */
  readonly rng: Rng;
  /** What the classifier draws, where its outputs are random. */
  readonly noise?: Classifier["noise"];
}

/** Makes an attack of one kind. */
export type MakeSlotAttack<K extends SlotAttackSpec> = (spec: K, setting: SlotSetting) => SlotAttack;

/**
 * Chooses by slot, traced: a where the flag is 1, else b.
 *
 * @param flag 0 or 1, or bool [B].
 * @param a Values [B, ...].
 * @param b Values of the same shape; may be anything, NaN too, where they are not taken.
 * @returns Values of that shape.
 */
export function whereSlot(flag: Tensor, a: Tensor, b: Tensor): Tensor {
  const condition = flag.dtype === "bool" ? flag : greater(flag, 0);
  return where(reshape(condition, [-1, ...a.shape.slice(1).map(() => 1)]), a, b);
}
