import { float32, int32, type NdArray, scalar, sizeOf } from "../core/mod.ts";
import {
  cachedProgram,
  disposeTree,
  type Engine,
  flatten,
  greaterEqual,
  isLeaf,
  type Leaf,
  logicalNot,
  type MapTensors,
  mapTree,
  type Program,
  type Tensor,
  type Value,
  where,
} from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { lend } from "./_borrow.ts";
import { scores } from "./_scores.ts";
import type { AttackBatch } from "./attack.ts";
import { judgingPasses } from "./judging_passes.ts";
import { type Slot, type SlotAttack, whereSlot } from "./slot_attack.ts";

/** One image as it goes through the slots. */
export interface QueuedImage {
  /** Its place among the images. */
  readonly position: number;
  readonly id: number;
  readonly label: number;
  /** Pixels [H * W * C]. */
  readonly x: Float32Array;
}

/** What is claimed of an image that has left its slot, before it is verified. */
export interface Claim extends QueuedImage {
  readonly xAdv: Float32Array;
  /** Step at which it fell, from 0; -1 where it stands. */
  readonly firstStep: number;
  /** Trial in which it fell, or the last one. */
  readonly trial: number;
  readonly forwardPasses: number;
  readonly backwardPasses: number;
}

/** What the queue tells. */
export type QueueEvent =
  | { readonly kind: "claims"; readonly claims: readonly Claim[] }
  /** Passes that were just made for images, without those of idle slots. */
  | { readonly kind: "passes"; readonly passes: number };

/** An image in its slot. */
interface Occupant extends QueuedImage {
  /** Margin of the clean image. */
  readonly margin: number;
  readonly order: Int32Array;
  /** Logits of the clean image. */
  readonly clean: Float32Array;
  trial: number;
  step: number;
  calls: number;
  /** Where it fell first. */
  fell?: { readonly trial: number; readonly step: number };
}

/**
 * An image leaves when its margin is below this, in logits: nearer to 0 another program's rounding, that of the
 * verification, could undo the success. It goes on then, and its best image is what counts.
 */
const CLEARLY = -1e-4;

/** Inputs of the compiled step. */
interface CallInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
  /** 1 where a trial begins [B]. */
  readonly fresh: Tensor;
  /** 1 where an image begins, and the margin of the clean image there [B]. */
  readonly first: Tensor;
  readonly cleanMargin: Tensor;
  readonly eps: Tensor;
  readonly state: object;
  readonly best: Best;
  readonly trial: object;
  readonly feeds: object;
}

/** The image of lowest margin of each slot. */
interface Best {
  readonly xAdv: Tensor;
  readonly margin: Tensor;
}

/**
 * Runs an attack over slots: every image from its first trial to its last or its fall, `size` of them at a time. Images
 * that are misclassified as they are need no slot.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param load Gives checked images of positions, `size` of them (the last repeated where there are fewer).
 * @param count Number of images.
 * @param attack The attack.
 * @param eps Radius in pixel units.
 * @param size Number of slots.
 * @returns Claims as images leave their slots, and passes after every call.
 */
export async function* slotQueue(
  engine: Engine,
  classifier: Classifier,
  load: (positions: readonly number[]) => Promise<AttackBatch>,
  count: number,
  attack: SlotAttack,
  eps: number,
  size: number,
): AsyncGenerator<QueueEvent, void, void> {
  const pixels = sizeOf(classifier.inputShape);
  const shape = [size, ...classifier.inputShape];
  const { values: weights, giveBack } = lend(engine, classifier.weights);
  const target = { ...classifier, weights };
  const program = stepProgram(engine, target, attack);
  const asking = judgingPasses(classifier);
  const passesOfCall = attack.forwardPasses + attack.backwardPasses;
  const slots: (Occupant | undefined)[] = Array.from({ length: size }, () => undefined);
  const x = float32(shape);
  const y = int32([size]);
  const rows = { trial: undefined as unknown, feeds: undefined as unknown };
  const waiting: Occupant[] = [];
  let loaded = 0;
  let held: { state: unknown; best: unknown } = {
    state: attack.state(shape),
    best: { xAdv: float32(shape), margin: float32([size]) },
  };
  let put: { x?: Value; trial?: unknown } = {};
  try {
    while (true) {
      const fresh = float32([size]);
      const first = float32([size]);
      const cleanMargin = float32([size]);
      for (let s = 0; s < size; s++) {
        if (slots[s] === undefined) {
          while (waiting.length === 0 && loaded < count) {
            const positions = Array.from({ length: Math.min(size, count - loaded) }, (_, k) => loaded + k);
            loaded += positions.length;
            const some = await occupants(engine, target, await load(positions), positions);
            yield { kind: "passes", passes: some.length * asking };
            // What is not a number leaves too: the verification says whose it is.
            const wrong = some.filter(({ margin }) => !(margin >= CLEARLY));
            if (wrong.length > 0) yield { kind: "claims", claims: wrong.map((image) => untouched(image, asking)) };
            waiting.push(...some.filter(({ margin }) => margin >= CLEARLY));
          }
          slots[s] = waiting.shift();
          if (slots[s] !== undefined) {
            x.data.set(slots[s]!.x, s * pixels);
            y.data[s] = slots[s]!.label;
            first.data[s] = 1;
            cleanMargin.data[s] = slots[s]!.margin;
          }
        }
        // An idle slot begins its last image again and again; nobody looks.
        const slot = slots[s];
        if (slot === undefined || slot.step === 0) fresh.data[s] = 1;
        if (slot?.step === 0) rows.trial = setRow(rows.trial, attack.trial(slotOf(slot)), s, size);
        if (slot !== undefined) rows.feeds = setRow(rows.feeds, attack.feeds(slotOf(slot)), s, size);
      }
      const busy = slots.filter((slot) => slot !== undefined);
      if (busy.length === 0) return;
      if (first.data.includes(1)) {
        disposeTree(put.x);
        put = { ...put, x: engine.put(copy(x)) };
      }
      if (busy.some(({ step }) => step === 0)) {
        disposeTree(put.trial);
        put = { ...put, trial: mapTree(rows.trial, isLeaf, (leaf) => engine.put(copy(leaf as NdArray))) };
      }
      const result = await program({
        weights,
        x: put.x!,
        y: copy(y),
        fresh,
        first,
        cleanMargin,
        eps: scalar(eps),
        ...held,
        trial: put.trial,
        feeds: mapTree(rows.feeds, isLeaf, (leaf) => copy(leaf as NdArray)),
      } as unknown as MapTensors<CallInputs, Leaf>);
      const before = held;
      const { margin: looked, ...next } = result;
      held = next;
      disposeTree(before);
      const margin = (await engine.read(looked)).data;
      looked.dispose();
      yield { kind: "passes", passes: busy.length * passesOfCall };

      const leaving: { readonly s: number; readonly slot: Occupant }[] = [];
      slots.forEach((slot, s) => {
        if (slot === undefined) return;
        slot.calls++;
        // What is not a number falls as well: the verification says whose it is.
        const step = Math.floor(slot.step / (attack.samples ?? 1));
        if (!(margin[s]! >= 0)) slot.fell ??= { trial: slot.trial, step };
        const isLast = slot.step === attack.steps - 1;
        // A few draws of random outputs are no proof: the image of lowest margin is judged at the end.
        const settled = classifier.noise === undefined ? !(margin[s]! >= CLEARLY) : Number.isNaN(margin[s]!);
        if (settled || isLast && slot.trial === attack.trials - 1) {
          leaving.push({ s, slot });
          slots[s] = undefined;
        } else if (isLast) {
          slot.trial++;
          slot.step = 0;
        } else slot.step++;
      });
      if (leaving.length === 0) continue;
      const xAdv = (await engine.read(result.best.xAdv)).data as Float32Array;
      yield {
        kind: "claims",
        claims: leaving.map(({ s, slot: { position, id, label, x, trial, calls, fell } }) => ({
          position,
          id,
          label,
          x,
          xAdv: xAdv.slice(s * pixels, (s + 1) * pixels),
          firstStep: fell?.step ?? -1,
          trial: fell?.trial ?? trial,
          forwardPasses: calls * attack.forwardPasses + asking,
          backwardPasses: calls * attack.backwardPasses,
        })),
      };
    }
  } finally {
    disposeTree(held);
    disposeTree(put);
    giveBack();
  }
}

function stepProgram(
  engine: Engine,
  { logits }: Classifier,
  attack: SlotAttack,
): Program<CallInputs, { state: object; best: Best; margin: Tensor }> {
  return cachedProgram(
    engine,
    logits,
    `attack over slots, ${attack.key}`,
    () => ({ weights, x, y, fresh, first, cleanMargin, eps, state, best, trial, feeds }: CallInputs) => {
      const network = (at: Tensor, noise?: readonly Tensor[]) => logits(weights, at, noise);
      const made = attack.step({ logits: network, x, y, fresh, eps, state, trial, feeds });
      const before = {
        xAdv: whereSlot(first, x, best.xAdv),
        margin: whereSlot(first, cleanMargin, best.margin),
      };
      // A margin that is not a number is kept, so that the verification finds it and says so.
      const lower = logicalNot(greaterEqual(made.margin, before.margin));
      return {
        state: made.state,
        best: {
          xAdv: whereSlot(lower, made.looked, before.xAdv),
          margin: where(lower, made.margin, before.margin),
        },
        margin: made.margin,
      };
    },
  );
}

/** Images of a batch, with what the classifier says of them as they are. */
async function occupants(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  positions: readonly number[],
): Promise<Occupant[]> {
  const { x, y, ids } = batch;
  const { classes } = classifier;
  const all = await scores(engine, classifier, batch);
  const size = x.data.length / ids.length;
  return positions.map((position, row) => {
    const z = all.subarray(row * classes, (row + 1) * classes);
    const label = y.data[row]!;
    const order = Int32Array.from(
      Array.from(z.keys()).filter((k) => k !== label).sort((a, b) => z[b]! - z[a]! || a - b),
    );
    return {
      position,
      id: ids[row]!,
      label,
      x: x.data.slice(row * size, (row + 1) * size),
      margin: z.some(Number.isNaN) ? NaN : Math.fround(z[label]! - z[order[0]!]!),
      order,
      clean: z,
      trial: 0,
      step: 0,
      calls: 0,
    };
  });
}

function untouched({ position, id, label, x }: Occupant, forwardPasses: number): Claim {
  return { position, id, label, x, xAdv: x, firstStep: 0, trial: 0, forwardPasses, backwardPasses: 0 };
}

function slotOf({ id, label, trial, step, order, clean }: Occupant): Slot {
  return { id, label, trial, step, order, clean };
}

/** Writes the leaves of one slot into the arrays of all slots, which are made at the first time. */
function setRow(all: unknown, one: object, s: number, size: number): unknown {
  const leaves = flatten(one, isLeaf).map(([, leaf]) => leaf as NdArray);
  all ??= mapTree(one, isLeaf, (leaf) => {
    const { dtype, shape } = leaf as NdArray;
    const data = (leaf as NdArray).data;
    return {
      dtype,
      shape: [size, ...shape],
      data: new (data.constructor as Float32ArrayConstructor)(size * data.length),
    };
  });
  flatten(all, isLeaf).forEach(([, leaf], i) => {
    const { data } = leaf as NdArray;
    data.set(leaves[i]!.data, s * leaves[i]!.data.length);
  });
  return all;
}

/** The array as it is now: what is sent to an engine must not be changed afterwards. */
function copy(array: NdArray): NdArray {
  return { ...array, data: array.data.slice() } as NdArray;
}
