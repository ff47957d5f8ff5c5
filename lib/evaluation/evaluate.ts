import { type EvidenceRow, float32, type NdArray, type Progress } from "../core/mod.ts";
import { type Batch, type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { type AnyAttack, attackImages, fewClasses, judgingPasses, margins } from "../attacks/mod.ts";
import { namesOf, type Run, runsOf } from "./_runs.ts";
import { evidenceKey } from "./evidence_key.ts";

/** What to evaluate. */
export interface EvaluateOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** Images to evaluate on; each id once. */
  readonly dataset: Dataset;
  /** Attacks, of this library or your own; may be none. */
  readonly attacks: readonly { readonly attack: AnyAttack }[];
  /** Radii of every attack in pixel units: "8/255". */
  readonly eps: readonly string[];
  /** Seed of the random starts; the same for all networks, so that they are compared under the same starts. */
  readonly seed: number;
  /** Images per batch; changes the time it takes, and the rows by no more than an engine's rounding. */
  readonly batchSize: number;
  /**
   * Images of the evaluation that these are a part of: batches are as large as its own, so that the rows are its own bit
   * for bit.
   *
   * @default {the number of images}
   */
  readonly of?: number;
  /**
   * Rows that exist, by their keys ({@linkcode evidenceKey}): they are not yielded again. With the rows themselves an
   * ensemble goes on where it was; with the keys alone its first stages are run again for the images it has not
   * finished.
   *
   * @default none
   */
  readonly done?: ReadonlySet<string> | ReadonlyMap<string, EvidenceRow>;
  /**
   * Rows by their keys, of `narrow` or of an evaluation of a part of the images: what an attack did to an image need not
   * be done again. They are no rows of this evaluation.
   *
   * @default none
   */
  readonly found?: ReadonlyMap<string, EvidenceRow>;
  /**
   * Tell the adversarial images as well, which takes the memory of all of an attack at one radius.
   *
   * @default {false}
   */
  readonly images?: boolean;
}

/** New rows of evidence. */
export interface EvidenceEvent {
  /** Discriminates the events. */
  readonly kind: "evidence";
  /** Rows, to be appended to those before. */
  readonly rows: readonly EvidenceRow[];
}

/**
 * How far the evaluation has come, in passes: an image forward or back through the network is one. The total is what is
 * needed at most: images that are found misclassified without an attack leave it, and so does what an attack spares by
 * letting go of an image that fell.
 */
export interface EvaluationProgressEvent extends Progress {
  /** Discriminates the events. */
  readonly kind: "progress";
}

/**
 * The adversarial images of an attack at a radius, after its last row: of each image that was attacked in this call, the
 * one that its row speaks of. Those of rows that existed, and of `found`, are not among them; images that are wrong
 * without an attack are their own.
 */
export interface EvaluationImagesEvent {
  /** Discriminates the events. */
  readonly kind: "images";
  /** Attack, as in its rows; of an ensemble the whole. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Image ids [N]. */
  readonly ids: Int32Array;
  /** Adversarial images [N, H, W, C]. */
  readonly xAdv: NdArray<"float32">;
}

/** What {@linkcode evaluate} tells. */
export type EvaluationEvent = EvidenceEvent | EvaluationProgressEvent | EvaluationImagesEvent;

/**
 * Evaluates a network: without attack (attack "clean" at eps "0"), then under every attack at every radius, one row of
 * evidence per image.
 *
 * An image that is misclassified as it is needs no attack: in its rows success is 1 and the first step 0, and the
 * others are packed into full batches. An image that fell at a smaller radius is attacked anew at a larger one, though
 * what was found there would do: a row says what this attack does at this radius, so that a curve that does not fall
 * (a sign of masked gradients, or of too few steps) can be seen.
 *
 * An ensemble ("autoattack") has rows for each of its stages, "autoattack.apgd-ce", "autoattack.apgd-t", ...: what is
 * left after this attack and those before it, with the lowest margin so far. So the first of them that has success 1
 * says which attack broke the image. The row "autoattack" is that of the last stage: the worst over all of its attacks.
 *
 * A classifier with random outputs is judged by its mean probabilities over draws of its own ({@linkcode margins}), clean
 * and under attack; `{ kind: "autoattack", version: "rand" }` is the ensemble that is made for it.
 *
 * Interrupted, it can be called again with the rows that exist: images that have theirs are not attacked again, and what
 * is found for an image does not depend on the others in its batch. The rows are those of an uninterrupted run, bit for
 * bit: at the same batch size on native engines, which sum in another order at another size.
 *
 * @param engine Where it runs.
 * @param options What to evaluate.
 * @returns Events, rows in the order of attacks, radii, stages and images, those that are wrong without an attack first;
 * ending the loop early ends the evaluation.
 * @throws {UsageError} If an attack, a radius or the batch size cannot be used, draws are to be averaged where nothing is
 * drawn, two attacks have one name, or there is nothing to evaluate.
 * @throws {DataError} If images or labels do not fit the classifier, or its logits are not finite.
 */
export async function* evaluate(engine: Engine, options: EvaluateOptions): AsyncGenerator<EvaluationEvent> {
  const { classifier, dataset, done = new Set<string>(), found: alone = new Map<string, EvidenceRow>() } = options;
  const runs = runsOf(options);
  const images = Array.from(dataset.ids.keys());
  const size = Math.min(options.batchSize, options.of ?? images.length);
  const clean = new Float32Array(images.length);
  const book: Book = {
    images,
    size,
    keepsImages: options.images ?? false,
    load: (indices) => gather(dataset, indices),
    untouched: (i) => ({ margin: clean[i]!, firstStep: clean[i]! < 0 ? 0 : -1 }),
    isNew: (attack, eps, i) => !done.has(keyOf(options, attack, eps, i)),
    known: (attack, eps, i) => done instanceof Map ? done.get(keyOf(options, attack, eps, i)) : undefined,
    alone: (attack, eps, i) => alone.get(keyOf(options, attack, eps, i)),
    rowOf: (attack, eps, i, { margin, firstStep }) => ({
      method: options.method,
      attack,
      eps,
      image: dataset.ids[i]!,
      label: dataset.labels[i]!,
      cleanMargin: clean[i]!,
      margin,
      success: margin < 0 ? 1 : 0,
      firstStep: firstStep < 0 ? "" : firstStep,
      seed: options.seed,
    }),
  };
  const anyNew = (run: Run, i: number): boolean => namesOf(run).some((name) => book.isNew(name, run.eps, i));
  if (!images.some((i) => book.isNew("clean", "0", i) || runs.some((run) => anyNew(run, i)))) return;

  let passed = 0;
  const asking = judgingPasses(classifier);
  let total = images.length * (asking + runs.reduce((sum, run) => sum + passesOf(run), 0));
  for (const indices of chunks(images, size)) {
    const padded = Array.from({ length: size }, (_, k) => indices[k] ?? indices[0]!);
    const found = await margins(engine, classifier, book.load(padded));
    indices.forEach((i, k) => clean[i] = found[k]!);
    yield* evidence(book, "clean", "0", indices, book.untouched);
    passed += indices.length * asking;
    yield { kind: "progress", label: "clean", done: passed, total };
  }

  const standing = images.filter((i) => clean[i]! >= 0);
  const work = runs.map((run) => ({ run, asked: run.radius === 0 ? [] : standing.filter((i) => anyNew(run, i)) }));
  total = work.reduce((sum, { run, asked }) => sum + asked.length * passesOf(run), passed);
  for (const { run, asked } of work) {
    for await (const event of attacked(engine, classifier, book, run, asked)) {
      if (event.kind !== "passes") {
        if (event.kind === "evidence") yield event;
        else if (book.keepsImages) yield packed(dataset, run, event.images);
        continue;
      }
      total -= event.spared;
      passed += event.passes;
      if (event.passes > 0) yield { kind: "progress", label: event.label, done: passed, total };
    }
  }
}

/** Images and the rows that exist of them. */
interface Book {
  /** Positions in the data set. */
  readonly images: readonly number[];
  /** Images per batch. */
  readonly size: number;
  /** Whether adversarial images are told. */
  readonly keepsImages: boolean;
  readonly load: (indices: readonly number[]) => Batch;
  /** Outcome of no attack. */
  readonly untouched: (i: number) => Outcome;
  readonly isNew: (attack: string, eps: string, i: number) => boolean;
  /** The row of this attack that was made by itself. */
  readonly alone: (attack: string, eps: string, i: number) => EvidenceRow | undefined;
  /** The row of an attack that was run before. */
  readonly known: (attack: string, eps: string, i: number) => EvidenceRow | undefined;
  readonly rowOf: (attack: string, eps: string, i: number, outcome: Outcome) => EvidenceRow;
}

/** What comes of an attack at a radius: rows, images, and passes made and passes that need not be made. */
type AttackedEvent =
  | EvidenceEvent
  | { readonly kind: "images"; readonly images: ReadonlyMap<number, NdArray<"float32">> }
  | { readonly kind: "passes"; readonly label: string; readonly passes: number; readonly spared: number };

/** Runs one attack at one radius, stage by stage, on the images that need it. */
async function* attacked(
  engine: Engine,
  classifier: Classifier,
  book: Book,
  { name, eps, radius, stages }: Run,
  asked: readonly number[],
): AsyncGenerator<AttackedEvent> {
  const outcomes = new Map<number, Outcome>();
  const images = new Map<number, NdArray<"float32">>();
  const outcomeOf = (i: number): Outcome => outcomes.get(i) ?? book.untouched(i);
  let left = asked;
  for (const [k, stage] of stages.entries()) {
    const note = fewClasses(stage.spec, classifier.classes);
    const label = `${name} at ${eps}${stage.name === name ? "" : `: ${stage.name.slice(name.length + 1)}`}` +
      (note === undefined ? "" : ` (${note})`);
    const later = stages.slice(k + 1).reduce((sum, { passes }) => sum + passes, 0);
    const spared = (i: number, passes: number) => stage.passes - passes + (outcomeOf(i).margin < 0 ? later : 0);
    const open = new Set(left);
    yield* evidence(book, stage.name, eps, book.images.filter((i) => !open.has(i)), outcomeOf);

    const queue: number[] = [];
    for (const i of left) {
      const row = book.known(stage.name, eps, i);
      if (row === undefined) {
        queue.push(i);
        continue;
      }
      if (row.margin !== outcomes.get(i)?.margin) images.delete(i);
      outcomes.set(i, outcomeOfRow(row));
      yield { kind: "passes", label, passes: 0, spared: spared(i, 0) };
    }
    const finished = new Set<number>();
    for (const i of queue) {
      const row = book.alone(stage.name, eps, i);
      if (row === undefined) continue;
      if (isWorse(outcomeOfRow(row), outcomes.get(i))) {
        outcomes.set(i, outcomeOfRow(row));
        images.delete(i);
      }
      finished.add(i);
      yield { kind: "passes", label, passes: 0, spared: spared(i, 0) };
    }
    let written = 0;
    // Images are done in any order; their rows wait for those before them, so that a file can be gone on with.
    const inOrder = function* (): Generator<EvidenceEvent> {
      const from = written;
      while (finished.has(queue[written]!)) written++;
      yield* evidence(book, stage.name, eps, queue.slice(from, written), outcomeOf);
    };
    yield* inOrder();
    const toRun = queue.filter((i) => !finished.has(i));
    const source = { count: toRun.length, load: (at: readonly number[]) => book.load(at.map((k) => toRun[k]!)) };
    for await (
      const event of attackImages(engine, classifier, source, stage.spec, radius, stage.stream, book.size)
    ) {
      if (event.kind === "passes") {
        yield { kind: "passes", label, passes: event.passes, spared: 0 };
        continue;
      }
      const i = toRun[event.position]!;
      if (isWorse(event, outcomes.get(i))) {
        outcomes.set(i, { margin: event.margin, firstStep: event.firstStep });
        if (book.keepsImages) images.set(i, event.xAdv);
      }
      yield { kind: "passes", label, passes: 0, spared: spared(i, event.forwardPasses + event.backwardPasses) };
      finished.add(i);
      yield* inOrder();
    }
    left = left.filter((i) => outcomeOf(i).margin >= 0);
  }
  if (stages[0]!.name !== name) yield* evidence(book, name, eps, book.images, outcomeOf);
  yield { kind: "images", images };
}

/** Images by position as one array. */
function packed(
  dataset: Dataset,
  { name, eps }: Run,
  images: ReadonlyMap<number, NdArray<"float32">>,
): EvaluationImagesEvent {
  const order = [...images.keys()].sort((a, b) => a - b);
  const xAdv = float32([order.length, ...dataset.imageShape]);
  const pixels = xAdv.data.length / (order.length || 1);
  order.forEach((i, row) => xAdv.data.set(images.get(i)!.data, row * pixels));
  return { kind: "images", attack: name, eps, ids: Int32Array.from(order, (i) => dataset.ids[i]!), xAdv };
}

/** What is known of an image after some attacks. */
interface Outcome {
  /** Lowest margin so far. */
  readonly margin: number;
  /** Step of its attack at which the image fell, -1 where it stands. */
  readonly firstStep: number;
}

function isWorse({ margin }: Outcome, before: Outcome | undefined): boolean {
  return before === undefined || margin < before.margin;
}

function outcomeOfRow({ margin, firstStep }: EvidenceRow): Outcome {
  return { margin, firstStep: firstStep === "" ? -1 : firstStep };
}

function passesOf({ radius, stages }: Run): number {
  return radius === 0 ? 0 : stages.reduce((sum, { passes }) => sum + passes, 0);
}

function chunks(indices: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(indices.length / size) }, (_, k) => indices.slice(k * size, (k + 1) * size));
}

/** The rows of some images that do not exist yet. */
function* evidence(
  { isNew, rowOf }: Book,
  attack: string,
  eps: string,
  indices: readonly number[],
  outcomeOf: (i: number) => Outcome,
): Generator<EvidenceEvent> {
  const rows = indices.filter((i) => isNew(attack, eps, i)).map((i) => rowOf(attack, eps, i, outcomeOf(i)));
  if (rows.length > 0) yield { kind: "evidence", rows };
}

function keyOf({ method, dataset }: EvaluateOptions, attack: string, eps: string, i: number): string {
  return evidenceKey({ method, attack, eps, image: dataset.ids[i]! });
}
