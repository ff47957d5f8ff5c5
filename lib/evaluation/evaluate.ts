import { type EvidenceRow, formatEps, parseEps, type Progress, type Rng, rng, UsageError } from "../core/mod.ts";
import { type Batch, type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import {
  attackImages,
  attackName,
  attackPasses,
  type AttackSpec,
  componentsOf,
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
 * Interrupted, it can be called again with the rows that exist: images that have theirs are not attacked again, and what
 * is found for an image does not depend on the others in its batch. The rows are those of an uninterrupted run, bit for
 * bit: at the same batch size on native engines, which sum in another order at another size.
 *
 * @param engine Where it runs.
 * @param options What to evaluate.
 * @returns Events, rows in the order of attacks, radii, stages and images, those that are wrong without an attack first;
 * ending the loop early ends the evaluation.
 * @throws {UsageError} If an attack, a radius or the batch size cannot be used, two attacks have one name, or there is
 * nothing to evaluate.
 * @throws {DataError} If images or labels do not fit the classifier, or its logits are not finite.
 */
export async function* evaluate(engine: Engine, options: EvaluateOptions): AsyncGenerator<EvaluationEvent> {
  const { method, classifier, dataset, seed, done = new Set<string>() } = options;
  const runs = runsOf(options);
  const images = Array.from(dataset.ids.keys());
  const size = Math.min(options.batchSize, images.length);
  const keyOf = (attack: string, eps: string, i: number): string =>
    evidenceKey({ method, attack, eps, image: dataset.ids[i]! });
  const isNew = (attack: string, eps: string, i: number): boolean => !done.has(keyOf(attack, eps, i));
  const anyNew = (run: Run, i: number): boolean => namesOf(run).some((name) => isNew(name, run.eps, i));
  if (!images.some((i) => isNew("clean", "0", i) || runs.some((run) => anyNew(run, i)))) return;

  const load = (indices: readonly number[]): Batch => gather(dataset, indices);
  const clean = new Float32Array(images.length);
  const rowOf = (attack: string, eps: string, i: number, { margin, firstStep }: Outcome): EvidenceRow => ({
    method,
    attack,
    eps,
    image: dataset.ids[i]!,
    label: dataset.labels[i]!,
    cleanMargin: clean[i]!,
    margin,
    success: margin < 0 ? 1 : 0,
    firstStep: firstStep < 0 ? "" : firstStep,
    seed,
  });
  const untouched = (i: number): Outcome => ({ margin: clean[i]!, firstStep: clean[i]! < 0 ? 0 : -1 });
  const newRows = (
    attack: string,
    eps: string,
    indices: readonly number[],
    outcomeOf: (i: number) => Outcome,
  ): EvidenceRow[] => indices.filter((i) => isNew(attack, eps, i)).map((i) => rowOf(attack, eps, i, outcomeOf(i)));

  let passed = 0;
  let total = images.length * (1 + runs.reduce((sum, run) => sum + passesOf(run), 0));
  for (const indices of chunks(images, size)) {
    const padded = Array.from({ length: size }, (_, k) => indices[k] ?? indices[0]!);
    const found = await margins(engine, classifier, load(padded));
    indices.forEach((i, k) => clean[i] = found[k]!);
    yield* evidence(newRows("clean", "0", indices, untouched));
    passed += indices.length;
    yield { kind: "progress", label: "clean", done: passed, total };
  }

  const standing = images.filter((i) => clean[i]! >= 0);
  const work = runs.map((run) => ({ run, asked: run.radius === 0 ? [] : standing.filter((i) => anyNew(run, i)) }));
  total = work.reduce((sum, { run, asked }) => sum + asked.length * passesOf(run), passed);
  for (const { run, asked } of work) {
    const { name, eps, radius, stages } = run;
    const outcomes = new Map<number, Outcome>();
    const outcomeOf = (i: number): Outcome => outcomes.get(i) ?? untouched(i);
    let left = asked;
    for (const [k, stage] of stages.entries()) {
      const settled = new Set(left);
      yield* evidence(newRows(stage.name, eps, images.filter((i) => !settled.has(i)), outcomeOf));
      const later = stages.slice(k + 1).reduce((sum, { passes }) => sum + passes, 0);
      const spared = (i: number, passes: number) => stage.passes - passes + (outcomeOf(i).margin < 0 ? later : 0);
      for (const i of left) {
        const before = done instanceof Map ? done.get(keyOf(stage.name, eps, i)) as EvidenceRow | undefined : undefined;
        if (before === undefined) continue;
        outcomes.set(i, { margin: before.margin, firstStep: before.firstStep === "" ? -1 : before.firstStep });
        total -= spared(i, 0);
      }
      const attacked = left.filter((i) => !(done instanceof Map && done.has(keyOf(stage.name, eps, i))));
      const source = { count: attacked.length, load: (at: readonly number[]) => load(at.map((k) => attacked[k]!)) };
      const label = `${name} at ${eps}${stages.length > 1 ? `: ${stage.name.slice(name.length + 1)}` : ""}`;
      const finished = new Set<number>();
      let written = 0;
      for await (
        const event of attackImages(engine, classifier, source, stage.spec, radius, stage.stream, size)
      ) {
        if (event.kind === "passes") {
          passed += event.passes;
          yield { kind: "progress", label, done: passed, total };
          continue;
        }
        const i = attacked[event.position]!;
        outcomes.set(i, worse(outcomes.get(i), event));
        total -= spared(i, event.forwardPasses + event.backwardPasses);
        finished.add(i);
        // Images are done in any order; their rows wait for those before them, so that a file can be gone on with.
        const from = written;
        while (finished.has(attacked[written]!)) written++;
        yield* evidence(newRows(stage.name, eps, attacked.slice(from, written), outcomeOf));
      }
      left = left.filter((i) => outcomeOf(i).margin >= 0);
    }
    if (stages[0]!.name !== name) yield* evidence(newRows(name, eps, images, outcomeOf));
  }
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
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice !== -1) {
    throw new UsageError(`Cannot evaluate under "${names[twice]}" twice: leave out attacks[${twice}]`);
  }
  return attacks.flatMap(({ attack }, i) => {
    const name = names[i]!;
    // Not keyed by the radius: at every radius the starts lie in the same directions.
    const stream = rng(seed, "attack", name);
    const stage = (name: string, spec: AttackSpec, stream: Rng): Stage => {
      const { forwardPasses, backwardPasses } = attackPasses(spec, classifier.classes);
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

function* evidence(rows: readonly EvidenceRow[]): Generator<EvidenceEvent> {
  if (rows.length > 0) yield { kind: "evidence", rows };
}
