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
  takeRows,
  type Tensor,
  type Value,
  where,
} from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { lend } from "./_borrow.ts";
import { scores } from "./_scores.ts";
import type { AttackBatch } from "./attack.ts";
import type { AttackPace } from "./attack_images.ts";
import { judgingPasses } from "./judging_passes.ts";
import { NOT_LOOKED, type Slot, type SlotAttack, whereSlot } from "./slot_attack.ts";

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

/** An image on its way: some of its trials are done, one or more are in slots. */
interface Work extends QueuedImage {
  /** Margin of the clean image. */
  readonly margin: number;
  readonly order: Int32Array;
  /** Logits of the clean image. */
  readonly clean: Float32Array;
  /** The next trial to be begun. */
  next: number;
  /** Trials in which it fell beyond doubt end here: the first of them. */
  end: number;
  /** Calls, by trial. */
  readonly calls: number[];
  /** Step of the first success, by trial. */
  readonly fell: (number | undefined)[];
  /** Whether all steps are done, by trial. */
  readonly finished: boolean[];
  /** Lowest margin of the trials that have left their slots; of equal ones that of the first trial. */
  best: { readonly from: number; readonly margin: number; readonly xAdv: Float32Array };
  /** Calls of trials that count for certain and were told. */
  told: number;
}

/** What is in a slot: trials `from` to `trial` of an image, one after the other. */
interface Occupant {
  readonly work: Work;
  from: number;
  trial: number;
  step: number;
  /** Slot in which its state and its best image are: another one that has tried a later step for it, or its own. */
  home: number;
  /** Lowest margin of the trial. */
  lowest: number;
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
  /** Slot whose state and best image each slot goes on with [B], int32; its own where it is left out. */
  readonly source?: Tensor;
}

/** The image of lowest margin of each slot. */
interface Best {
  readonly xAdv: Tensor;
  readonly margin: Tensor;
}

/**
 * Runs an attack over slots: every image from its first trial to its last or its fall, `size` of them at a time. Images
 * that are misclassified as they are need no slot. When no image waits any more, free slots begin later trials of those
 * that are left; what comes of an image is what its trials in their order would have given, since those after the
 * first that breaks it do not count, nor do their passes. Of a greedy attack, free slots try the next steps of a trial
 * from its present state: the first of them that changes it counts, with those before, and the others are done again.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param load Gives checked images of positions, `size` of them (the last repeated where there are fewer).
 * @param count Number of images.
 * @param attack The attack.
 * @param eps Radius in pixel units.
 * @param size Number of slots.
 * @param stop Asked before every call: whether to end now.
 * @param look Told of every look at an image; images then stay to the end of their trials.
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
  stop: () => boolean = () => false,
  look?: AttackPace["look"],
): AsyncGenerator<QueueEvent, void, void> {
  const pixels = sizeOf(classifier.inputShape);
  const shape = [size, ...classifier.inputShape];
  const { values: weights, giveBack } = lend(engine, classifier.weights);
  const target = { ...classifier, weights };
  const program = stepProgram(engine, target, attack);
  const isGreedy = attack.greedy === true && classifier.noise === undefined;
  const asking = judgingPasses(classifier);
  const passesOfCall = attack.forwardPasses + attack.backwardPasses;
  const slots: (Occupant | undefined)[] = Array.from({ length: size }, () => undefined);
  const works = new Set<Work>();
  const x = float32(shape);
  const y = int32([size]);
  const rows = { trial: undefined as unknown, feeds: undefined as unknown };
  /** Whose image, and which trial, stand in the inputs of each slot. */
  const shown: { readonly work?: Work; readonly trial?: number }[] = slots.map(() => ({}));
  const waiting: Work[] = [];
  let loaded = 0;
  /** Takes the next trial of an image, if it has one that may still count. */
  const begin = (work: Work | undefined, s: number): Occupant | undefined => {
    if (work === undefined || work.next >= Math.min(attack.trials, work.end)) return undefined;
    const trial = work.next++;
    return { work, from: trial, trial, step: 0, home: s, lowest: Infinity };
  };
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
            const some = await worksOf(engine, target, await load(positions), positions);
            yield { kind: "passes", passes: some.length * asking };
            // What is not a number leaves too: the verification says whose it is.
            const wrong = some.filter(({ margin }) => !(margin >= CLEARLY));
            if (wrong.length > 0) yield { kind: "claims", claims: wrong.map((image) => untouched(image, asking)) };
            const others = some.filter(({ margin }) => margin >= CLEARLY);
            waiting.push(...(attack.cleanCounts === false ? others.map(uncounted) : others));
          }
          const work = waiting.shift();
          if (work !== undefined) works.add(work);
          slots[s] = begin(work ?? leastBegun(works, attack.trials), s);
        }
        const slot = slots[s];
        if (slot !== undefined && slot.step === 0 && slot.from === slot.trial) {
          first.data[s] = 1;
          cleanMargin.data[s] = slot.work.margin;
        }
        // An idle slot begins its last image again and again; nobody looks.
        if (slot === undefined || slot.step === 0) fresh.data[s] = 1;
      }
      const busy = slots.filter((slot) => slot !== undefined);
      if (busy.length === 0 || stop()) return;
      const helpers = isGreedy ? helpersOf(slots, attack.steps) : new Map<number, number[]>();
      const source = Int32Array.from({ length: size }, (_, s) => slots[s]?.home ?? s);
      let [hasNewImages, hasNewTrials] = [false, false];
      slots.forEach((slot, lead) => {
        if (slot === undefined) return;
        for (const [later, s] of [lead, ...helpers.get(lead) ?? []].entries()) {
          const at = slotOf({ ...slot, step: slot.step + later });
          const isNewImage = shown[s]!.work !== slot.work;
          if (isNewImage) {
            x.data.set(slot.work.x, s * pixels);
            y.data[s] = slot.work.label;
            hasNewImages = true;
          }
          if (isNewImage || shown[s]!.trial !== slot.trial) {
            rows.trial = setRow(rows.trial, attack.trial({ ...at, step: 0 }), s, size);
            hasNewTrials = true;
          }
          shown[s] = { work: slot.work, trial: slot.trial };
          rows.feeds = setRow(rows.feeds, attack.feeds(at), s, size);
          if (later > 0) fresh.data[s] = 0;
          source[s] = slot.home;
        }
      });
      if (hasNewImages) {
        disposeTree(put.x);
        put = { ...put, x: engine.put(copy(x)) };
      }
      if (hasNewTrials) {
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
        ...source.some((from, s) => from !== s) ? { source: int32([size], source) } : {},
      } as unknown as MapTensors<CallInputs, Leaf>);
      const before = held;
      const { margin: looked, ...next } = result;
      held = next;
      disposeTree(before);
      const margin = (await engine.read(looked)).data;
      looked.dispose();

      /** Slots whose best image has to be read, as it belongs to trials that are over. */
      const leaving: { readonly s: number; readonly from: number; readonly work: Work; readonly fell: boolean }[] = [];
      slots.forEach((slot, s) => {
        if (slot === undefined) return;
        const { work, from, trial } = slot;
        slot.home = s;
        let isSettled = false;
        for (const [later, tried] of [s, ...helpers.get(s) ?? []].entries()) {
          if (later > 0) slot.step++;
          work.calls[trial] = (work.calls[trial] ?? 0) + 1;
          const now = margin[tried]!;
          // What is not a number falls as well: the verification says whose it is.
          if (!(now >= 0)) work.fell[trial] ??= Math.floor(slot.step / (attack.samples ?? 1));
          look?.({ position: work.position, look: trial * attack.steps + slot.step, margin: now });
          // A few draws of random outputs are no proof: the image of lowest margin is judged at the end.
          isSettled = classifier.noise === undefined && look === undefined ? !(now >= CLEARLY) : Number.isNaN(now);
          if (now >= slot.lowest) continue;
          slot.lowest = now;
          slot.home = tried;
          break;
        }
        const { home, step } = slot;
        if (isSettled) {
          if (trial < work.end) {
            work.end = trial;
            leaving.push({ s: home, from, work, fell: true });
          }
          slots[s] = undefined;
        } else if (step < attack.steps - 1) slot.step++;
        else {
          work.finished[trial] = true;
          const next = begin(work, s);
          slots[s] = next;
          // The next trial goes on with the best image of those before it, which are all of this slot.
          if (next?.trial === trial + 1) slots[s] = { ...next, from, home };
          else leaving.push({ s: home, from, work, fell: false });
        }
      });
      slots.forEach((slot, s) => {
        if (slot !== undefined && slot.trial > slot.work.end) slots[s] = undefined;
      });
      if (leaving.length > 0) {
        const [images, margins] = await Promise.all([engine.read(result.best.xAdv), engine.read(result.best.margin)]);
        // A trial that fell comes after those of higher number, and lies below all that did not fall.
        for (const { s, from, work, fell } of leaving) {
          const margin = margins.data[s]!;
          const isLower = margin < work.best.margin || margin === work.best.margin && from < work.best.from;
          if (!fell && !isLower) continue;
          const xAdv = (images.data as Float32Array).slice(s * pixels, (s + 1) * pixels);
          work.best = { from, margin, xAdv };
        }
      }
      let counted = 0;
      const done: Claim[] = [];
      for (const work of works) {
        const { calls, isDone } = standing(work, attack.trials);
        counted += calls - work.told;
        work.told = calls;
        if (!isDone) continue;
        works.delete(work);
        done.push(claimOf(work, attack, asking));
      }
      if (counted > 0) yield { kind: "passes", passes: counted * passesOfCall };
      if (done.length > 0) yield { kind: "claims", claims: done };
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
    () => ({ weights, x, y, fresh, first, cleanMargin, eps, trial, feeds, source, ...held }: CallInputs) => {
      const { state, best } = source === undefined
        ? held
        : mapTree(held, isLeaf, (leaf) => takeRows(leaf as Tensor, source)) as typeof held;
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
async function worksOf(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  positions: readonly number[],
): Promise<Work[]> {
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
    const own = x.data.slice(row * size, (row + 1) * size);
    const margin = z.some(Number.isNaN) ? NaN : Math.fround(z[label]! - z[order[0]!]!);
    return {
      position,
      id: ids[row]!,
      label,
      x: own,
      margin,
      order,
      clean: z,
      next: 0,
      end: Infinity,
      calls: [],
      fell: [],
      finished: [],
      best: { from: 0, margin, xAdv: own },
      told: 0,
    };
  });
}

/** Where margins stand for something else, the clean image is no candidate, unless it is misclassified. */
function uncounted(work: Work): Work {
  if (work.margin < 0) return work;
  return { ...work, margin: NOT_LOOKED, best: { ...work.best, margin: NOT_LOOKED } };
}

/** Free slots that try later steps for those that are under way: the slots of the next step, the one after, ... */
function helpersOf(slots: readonly (Occupant | undefined)[], steps: number): ReadonlyMap<number, number[]> {
  const leads = slots.flatMap((slot, s) => slot !== undefined && slot.step > 0 ? [s] : []);
  const helpers = new Map<number, number[]>(leads.map((lead) => [lead, []]));
  let free = slots.flatMap((slot, s) => slot === undefined ? [s] : []);
  for (let later = 1; free.length > 0; later++) {
    const able = leads.filter((lead) => slots[lead]!.step + later < steps);
    if (able.length === 0) break;
    able.slice(0, free.length).forEach((lead, i) => helpers.get(lead)!.push(free[i]!));
    free = free.slice(able.length);
  }
  return helpers;
}

/** The image of which the fewest trials have been begun, where it has some left. */
function leastBegun(works: ReadonlySet<Work>, trials: number): Work | undefined {
  let least: Work | undefined;
  for (const work of works) {
    if (work.next < Math.min(trials, work.end) && (least === undefined || work.next < least.next)) least = work;
  }
  return least;
}

/** How far an image is: calls of trials that count whatever comes, and whether it is done. */
function standing(
  { calls, finished, end }: Work,
  trials: number,
): { readonly calls: number; readonly isDone: boolean } {
  const last = Math.min(end, trials - 1);
  let head = 0;
  while (head < last && finished[head]) head++;
  return {
    calls: calls.slice(0, head + 1).reduce((sum, count) => sum + count, 0),
    isDone: head === last && (end === last || finished[last] === true),
  };
}

function untouched({ position, id, label, x }: Work, forwardPasses: number): Claim {
  return { position, id, label, x, xAdv: x, firstStep: 0, trial: 0, forwardPasses, backwardPasses: 0 };
}

function claimOf({ position, id, label, x, best, fell, end, told }: Work, attack: SlotAttack, asking: number): Claim {
  const last = Math.min(end, attack.trials - 1);
  const first = fell.findIndex((step, trial) => step !== undefined && trial <= last);
  return {
    position,
    id,
    label,
    x,
    xAdv: best.xAdv,
    firstStep: first === -1 ? -1 : fell[first]!,
    trial: first === -1 ? last : first,
    forwardPasses: told * attack.forwardPasses + asking,
    backwardPasses: told * attack.backwardPasses,
  };
}

function slotOf({ work: { id, label, order, clean }, trial, step }: Occupant): Slot {
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
