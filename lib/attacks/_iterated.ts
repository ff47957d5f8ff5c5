import { float32, type NdArray, scalar } from "../core/mod.ts";
import {
  abs,
  add,
  flatten,
  isTensor,
  logSoftmax,
  type MapTensors,
  mapTree,
  maximum,
  mul,
  neg,
  reshape,
  softplus,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
  zerosLike,
} from "../engine/mod.ts";
import { margin } from "../losses/mod.ts";
import {
  NOT_LOOKED,
  type Slot,
  type SlotAttack,
  type SlotInputs,
  type SlotOutputs,
  type SlotSetting,
  whereSlot,
} from "./slot_attack.ts";

/** What an attack sees where it looks. */
export interface Seen {
  /** Loss [B]. */
  readonly loss: Tensor;
  /** Its gradient [B, H, W, C]. */
  readonly grad: Tensor;
  /** Margin [B]. */
  readonly looked: Tensor;
}

/** An attack over slots that asks for one gradient per step: where it looks, and what it makes of what it sees. */
export interface Iterated<S extends object, T extends object, F extends object>
  extends Pick<SlotAttack<S, T, F>, "key" | "steps" | "trials" | "state" | "trial" | "feeds"> {
  /** What is raised, traced: rises with the strength of the attack, [B]. */
  readonly loss: (logits: Tensor, y: Tensor, trial: T) => Tensor;
  /** Where to look, traced: images [B, H, W, C]. */
  readonly place: (inputs: SlotInputs<S, T, F>) => Tensor;
  /** What follows, traced. */
  readonly update: (inputs: SlotInputs<S, T, F>, at: Tensor, seen: Seen) => SlotOutputs<S>;
}

/**
 * Makes an attack over slots of an iterated one. Where the classifier draws, each step is spread over `samples` calls,
 * one draw each, so that the program and its memory are those of a single draw (expectation over transformation).
 *
 * @param attack The attack.
 * @param setting Classifier and stream; draws are keyed by image id, trial, step and number below it.
 * @param samples Draws per step; 1 where the classifier does not draw.
 * @returns The attack over slots.
 */
export function iterated<S extends object, T extends object, F extends object>(
  attack: Iterated<S, T, F>,
  setting: SlotSetting,
  samples: number,
): SlotAttack {
  const passes = { forwardPasses: 1, backwardPasses: 1 };
  if (setting.noise !== undefined) return { ...passes, ...expected(attack, setting, samples) } as unknown as SlotAttack;
  const { loss, place, update, ...others } = attack;
  const plain: SlotAttack<S, T, F> = {
    ...passes,
    ...others,
    step: (inputs) => {
      const at = place(inputs);
      // The sum, not the mean: each image has its own gradient, whatever its batch is.
      const { grad, aux } = valueAndGrad((at: Tensor) => {
        const z = inputs.logits(at);
        const each = loss(z, inputs.y, inputs.trial);
        return { value: sum(each), aux: { loss: each, looked: margin(z, inputs.y) } };
      }, at);
      return update(inputs, at, { grad, ...aux });
    },
  };
  return plain as unknown as SlotAttack;
}

/** State of an attack whose steps are spread over draws. */
type ExpectedState<S> = {
  /** That of the attack, after its last whole step. */
  readonly inner: S;
  /** Where it looks [B, H, W, C]. */
  readonly at: Tensor;
  /** Sums over the draws so far: gradients [B, H, W, C], losses [B]. */
  readonly grad: Tensor;
  readonly loss: Tensor;
  /** Logarithms of the summed probabilities [B, classes]. */
  readonly scores: Tensor;
};

/** What changes with the draw. */
type ExpectedFeeds<F> = {
  readonly inner: F;
  /** 1 in all draws of the first step of a trial. */
  readonly first: Tensor;
  /** 1 at the first and at the last draw of a step. */
  readonly begin: Tensor;
  readonly end: Tensor;
  /** 1 / samples. */
  readonly share: Tensor;
  readonly noise: readonly Tensor[];
};

/** The attack with mean loss, mean gradient and the margin of the mean probabilities over draws. */
function expected<S extends object, T extends object, F extends object>(
  { key, steps, trials, state, trial, feeds, loss, place, update }: Iterated<S, T, F>,
  { rng, noise, classes }: SlotSetting,
  samples: number,
): Pick<
  SlotAttack<ExpectedState<S>, T, ExpectedFeeds<F>>,
  "key" | "steps" | "samples" | "trials" | "state" | "trial" | "feeds" | "step"
> {
  return {
    key: `${key}, expected over draws`,
    steps: steps * samples,
    samples,
    trials,
    state: (shape) => ({
      inner: state(shape),
      at: float32(shape),
      grad: float32(shape),
      loss: float32([shape[0]!]),
      scores: float32([shape[0]!, classes]),
    } as MapTensors<ExpectedState<S>, NdArray>),
    trial,
    feeds: (slot) => {
      const [step, draw] = [Math.floor(slot.step / samples), slot.step % samples];
      return {
        inner: feeds({ ...slot, step }),
        first: scalar(step === 0 ? 1 : 0),
        begin: scalar(draw === 0 ? 1 : 0),
        end: scalar(draw === samples - 1 ? 1 : 0),
        share: scalar(1 / samples),
        noise: noise!(drawOf(rng, slot)),
      } as MapTensors<ExpectedFeeds<F>, NdArray>;
    },
    step: (given) => {
      const { x, y, eps, state: before, trial, feeds: { inner, first, begin, end, share, noise } } = given;
      const inputs = { logits: given.logits, x, y, eps, trial, fresh: first, state: before.inner, feeds: inner };
      const at = whereSlot(begin, place(inputs), before.at);
      const { grad, aux } = valueAndGrad((at: Tensor) => {
        const z = given.logits(at, noise);
        const each = loss(z, y, trial);
        return { value: sum(each), aux: { loss: each, scores: logSoftmax(z) } };
      }, at);
      const sumOf = (was: Tensor, now: Tensor) => add(whereSlot(begin, zerosLike(was), was), now);
      const sums = {
        grad: sumOf(before.grad, grad),
        loss: sumOf(before.loss, aux.loss),
        scores: whereSlot(begin, aux.scores, logAddExp(before.scores, aux.scores)),
      };
      const made = update(inputs, at, {
        grad: mul(sums.grad, reshape(share, [-1, 1, 1, 1])),
        loss: mul(sums.loss, share),
        // All scores lack the same -log(samples).
        looked: margin(sums.scores, y),
      });
      return {
        state: { inner: chosen(end, made.state, before.inner), at, ...sums },
        looked: at,
        margin: whereSlot(end, made.margin, add(zerosLike(made.margin), NOT_LOOKED)),
      };
    },
  };
}

/** Stream of one call of a slot. */
function drawOf(rng: SlotSetting["rng"], { id, trial, step }: Slot): SlotSetting["rng"] {
  return rng.child("draw", id, trial, step);
}

/**
 * An attack that takes the classifier for one that does not draw, on one that does: all passes of a call see one draw.
 *
 * @param attack The attack.
 * @param setting Classifier and stream; draws are keyed by image id, trial and step below it.
 * @returns The attack; as it is where the classifier does not draw.
 */
export function drawing(attack: SlotAttack, { noise, rng }: SlotSetting): SlotAttack {
  if (noise === undefined) return attack;
  type Feeds = { readonly own: object; readonly noise: readonly Tensor[] };
  const drawn: SlotAttack<object, object, Feeds> = {
    ...attack,
    key: `${attack.key}, drawing`,
    feeds: (slot) => ({ own: attack.feeds(slot), noise: noise(drawOf(rng, slot)) }) as MapTensors<Feeds, NdArray>,
    step: ({ logits, feeds: { own, noise }, ...others }) =>
      attack.step({ ...others, feeds: own, logits: (at) => logits(at, noise) }),
  };
  return drawn as unknown as SlotAttack;
}

/** log(e^a + e^b). */
function logAddExp(a: Tensor, b: Tensor): Tensor {
  return add(maximum(a, b), softplus(neg(abs(sub(a, b)))));
}

/** Every tensor of a tree from the one or the other. */
function chosen<S extends object>(flag: Tensor, now: S, before: S): S {
  const was = new Map(flatten(before, isTensor));
  return mapTree(now, isTensor, (tensor, path) => whereSlot(flag, tensor, was.get(path)!)) as S;
}
