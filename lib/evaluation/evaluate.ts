import { type EvidenceRow, formatEps, parseEps, type Progress, type Rng, rng, UsageError } from "../core/mod.ts";
import { type Batch, type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import {
  attackImages,
  attackName,
  attackPasses,
  type AttackSpec,
  checkSamples,
  componentsOf,
  fewClasses,
  judgingPasses,
  margins,
  MAX_EPS,
  validateSpec,
} from "../attacks/mod.ts";
import { evidenceKey } from "./evidence_key.ts";

/** What to evaluate. */
export interface EvaluateOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** Images to evaluate on; each id once. */
  readonly dataset: Dataset;
  /** Attacks; may be none. */
  readonly attacks: readonly { readonly attack: AttackSpec }[];
  /** Radii of every attack in pixel units: "8/255". */
  readonly eps: readonly string[];
  /** Seed of the random starts; the same for all networks, so that they are compared under the same starts. */
  readonly seed: number;
  /** Images per batch; changes the time it takes, and the rows by no more than an engine's rounding. */
  readonly batchSize: number;
  /**
   * Rows that exist, by their keys ({@linkcode evidenceKey}): they are not yielded again. With the rows themselves an
   * ensemble goes on where it was; with the keys alone its first stages are run again for the images it has not
   * finished.
   *
   * @default none
   */
  readonly done?: ReadonlySet<string> | ReadonlyMap<string, EvidenceRow>;
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

/** What {@linkcode evaluate} tells. */
export type EvaluationEvent = EvidenceEvent | EvaluationProgressEvent;

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
 * @throws {UsageError} If an attack, a radius or the batch size cannot be used, draws are to be averaged where nothing is drawn, two attacks have one name, or there is
 * nothing to evaluate.
 * @throws {DataError} If images or labels do not fit the classifier, or its logits are not finite.
 */
export async function* evaluate(engine: Engine, options: EvaluateOptions): AsyncGenerator<EvaluationEvent> {
  const { classifier, dataset, done = new Set<string>() } = options;
  const runs = runsOf(options);
  const images = Array.from(dataset.ids.keys());
  const size = Math.min(options.batchSize, images.length);
  const clean = new Float32Array(images.length);
  const book: Book = {
    images,
    size,
    load: (indices) => gather(dataset, indices),
    untouched: (i) => ({ margin: clean[i]!, firstStep: clean[i]! < 0 ? 0 : -1 }),
    isNew: (attack, eps, i) => !done.has(keyOf(options, attack, eps, i)),
    known: (attack, eps, i) => done instanceof Map ? done.get(keyOf(options, attack, eps, i)) : undefined,
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
      if (event.kind === "evidence") {
        yield event;
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
  readonly load: (indices: readonly number[]) => Batch;
  /** Outcome of no attack. */
  readonly untouched: (i: number) => Outcome;
  readonly isNew: (attack: string, eps: string, i: number) => boolean;
  /** The row of an attack that was run before. */
  readonly known: (attack: string, eps: string, i: number) => EvidenceRow | undefined;
  readonly rowOf: (attack: string, eps: string, i: number, outcome: Outcome) => EvidenceRow;
}

/** What comes of an attack at a radius: rows, and passes made and passes that need not be made. */
type AttackedEvent =
  | EvidenceEvent
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
      outcomes.set(i, { margin: row.margin, firstStep: row.firstStep === "" ? -1 : row.firstStep });
      yield { kind: "passes", label, passes: 0, spared: spared(i, 0) };
    }
    const source = { count: queue.length, load: (at: readonly number[]) => book.load(at.map((k) => queue[k]!)) };
    const finished = new Set<number>();
    let written = 0;
    for await (
      const event of attackImages(engine, classifier, source, stage.spec, radius, stage.stream, book.size)
    ) {
      if (event.kind === "passes") {
        yield { kind: "passes", label, passes: event.passes, spared: 0 };
        continue;
      }
      const i = queue[event.position]!;
      outcomes.set(i, worse(outcomes.get(i), event));
      yield { kind: "passes", label, passes: 0, spared: spared(i, event.forwardPasses + event.backwardPasses) };
      finished.add(i);
      // Images are done in any order; their rows wait for those before them, so that a file can be gone on with.
      const from = written;
      while (finished.has(queue[written]!)) written++;
      yield* evidence(book, stage.name, eps, queue.slice(from, written), outcomeOf);
    }
    left = left.filter((i) => outcomeOf(i).margin >= 0);
  }
  if (stages[0]!.name !== name) yield* evidence(book, name, eps, book.images, outcomeOf);
}

/** What is known of an image after some attacks. */
interface Outcome {
  /** Lowest margin so far. */
  readonly margin: number;
  /** Step of its attack at which the image fell, -1 where it stands. */
  readonly firstStep: number;
}

function worse(before: Outcome | undefined, { margin, firstStep }: Outcome): Outcome {
  return before === undefined || margin < before.margin ? { margin, firstStep } : before;
}

/** One attack at one radius. */
interface Run {
  readonly name: string;
  readonly eps: string;
  readonly radius: number;
  /** The attack itself, or those of an ensemble. */
  readonly stages: readonly Stage[];
}

interface Stage {
  /** Name in rows. */
  readonly name: string;
  readonly spec: AttackSpec;
  readonly stream: Rng;
  /** Passes per image at most. */
  readonly passes: number;
}

function namesOf({ name, stages }: Run): string[] {
  return [...new Set([...stages.map((stage) => stage.name), name])];
}

function passesOf({ radius, stages }: Run): number {
  return radius === 0 ? 0 : stages.reduce((sum, { passes }) => sum + passes, 0);
}

function runsOf({ attacks, eps, seed, dataset, classifier, batchSize }: EvaluateOptions): Run[] {
  if (dataset.ids.length === 0) {
    throw new UsageError(`Cannot evaluate on "${dataset.name}" as it has no images: use a data set with some`);
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new UsageError(`Cannot evaluate in batches of ${batchSize} images: write a positive integer`);
  }
  const most = Math.max(1, ...attacks.map(({ attack: { norm = "Linf" } }) => MAX_EPS[norm]));
  const radii = new Map(eps.map((text) => [formatEps(text, most), parseEps(text, most)]));
  if (attacks.length > 0 && radii.size === 0) {
    throw new UsageError('Cannot run attacks without a radius: write eps such as ["8/255"], or leave out the attacks');
  }
  const names = attacks.map(({ attack }, i) =>
    attackName(validateSpec(attack, [...radii.values()], `attacks[${i}].attack`))
  );
  attacks.forEach(({ attack }) => checkSamples(attack, classifier));
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice !== -1) {
    throw new UsageError(`Cannot evaluate under "${names[twice]}" twice: leave out attacks[${twice}]`);
  }
  return attacks.flatMap(({ attack }, i) => {
    const name = names[i]!;
    // Not keyed by the radius: at every radius the starts lie in the same directions.
    const stream = rng(seed, "attack", name);
    const stage = (name: string, spec: AttackSpec, stream: Rng): Stage => {
      const { forwardPasses, backwardPasses } = attackPasses(spec, classifier.classes, classifier);
      return { name, spec, stream, passes: forwardPasses + backwardPasses };
    };
    const stages = attack.kind === "autoattack"
      ? componentsOf(attack).map((each) => stage(`${name}.${each.name}`, each.spec, stream.child(each.name)))
      : [stage(name, attack, stream)];
    return [...radii].map(([eps, radius]) => ({ name, eps, radius, stages }));
  });
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
