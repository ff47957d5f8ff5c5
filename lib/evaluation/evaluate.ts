import { type EvidenceRow, formatEps, parseEps, type Progress, type Rng, rng, UsageError } from "../core/mod.ts";
import { type Batch, type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { attackName, attackPasses, type AttackSpec, margins, runAttack, validateSpec } from "../attacks/mod.ts";
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
   * Keys ({@linkcode evidenceKey}) of rows that exist: they are not yielded again.
   *
   * @default none
   */
  readonly done?: ReadonlySet<string>;
}

/** New rows of evidence. */
export interface EvidenceEvent {
  /** Discriminates the events. */
  readonly kind: "evidence";
  /** Rows, to be appended to those before. */
  readonly rows: readonly EvidenceRow[];
}

/**
 * How far the evaluation has come, in passes: an image forward or back through the network is one. Images that are
 * found misclassified without an attack leave the total.
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
 * Interrupted, it can be called again with the keys of the rows that exist. Batches are composed as before and a batch
 * of which a row is missing is run again as a whole, so the rows are those of an uninterrupted run, bit for bit.
 *
 * @param engine Where it runs.
 * @param options What to evaluate.
 * @returns Events, rows in the order of attacks, radii, and images; ending the loop early ends the evaluation.
 * @throws {UsageError} If an attack, a radius or the batch size cannot be used, two attacks have one name, or there is
 * nothing to evaluate.
 * @throws {DataError} If images or labels do not fit the classifier, or its logits are not finite.
 */
export async function* evaluate(engine: Engine, options: EvaluateOptions): AsyncGenerator<EvaluationEvent> {
  const { method, classifier, dataset, seed, done = new Set<string>() } = options;
  const attacks = stagesOf(options);
  const images = Array.from(dataset.ids.keys());
  const size = Math.min(options.batchSize, images.length);
  const isNew = ({ attack, eps }: Stage, i: number): boolean =>
    !done.has(evidenceKey({ method, attack, eps, image: dataset.ids[i]! }));
  if (![CLEAN, ...attacks].some((stage) => images.some((i) => isNew(stage, i)))) return;

  // Batches are composed of image positions alone, never of what is done: a resumed run computes the same numbers.
  const load = (indices: readonly number[]): Batch =>
    gather(dataset, Array.from({ length: size }, (_, k) => indices[k] ?? indices[0]!), indices.length);
  const clean = new Float32Array(images.length);
  const row = (
    { attack, eps }: Stage,
    i: number,
    margin = clean[i]!,
    firstStep = margin < 0 ? 0 : -1,
  ): EvidenceRow => ({
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

  let passed = 0;
  let total = images.length * [CLEAN, ...attacks].reduce((passes, stage) => passes + stage.passes, 0);
  for (const indices of chunks(images, size)) {
    const found = await margins(engine, classifier, load(indices));
    indices.forEach((i, k) => clean[i] = found[k]!);
    yield* evidence(indices.filter((i) => isNew(CLEAN, i)).map((i) => row(CLEAN, i)));
    passed += indices.length;
    yield { kind: "progress", label: CLEAN.attack, done: passed, total };
  }

  const standing = images.filter((i) => clean[i]! >= 0);
  const work = attacks.map((stage) => {
    const attacked = stage.radius === 0 ? [] : standing;
    const settled = stage.radius === 0 ? images : images.filter((i) => clean[i]! < 0);
    return { stage, settled, batches: chunks(attacked, size).filter((batch) => batch.some((i) => isNew(stage, i))) };
  });
  total = work.reduce((sum, { stage, batches }) => sum + stage.passes * batches.flat().length, passed);
  for (const { stage, settled, batches } of work) {
    yield* evidence(settled.filter((i) => isNew(stage, i)).map((i) => row(stage, i)));
    for (const indices of batches) {
      const { spec, radius, stream } = stage;
      const { margin, firstStep } = await runAttack(engine, classifier, load(indices), spec!, radius, stream!);
      const rows = indices.map((i, k) => row(stage, i, margin[k]!, firstStep[k]!));
      yield* evidence(rows.filter((_, k) => isNew(stage, indices[k]!)));
      passed += stage.passes * indices.length;
      yield { kind: "progress", label: `${stage.attack} at ${stage.eps}`, done: passed, total };
    }
  }
}

/** One attack at one radius. */
interface Stage {
  readonly attack: string;
  readonly eps: string;
  readonly radius: number;
  /** Passes per image. */
  readonly passes: number;
  readonly spec?: AttackSpec;
  readonly stream?: Rng;
}

const CLEAN: Stage = { attack: "clean", eps: "0", radius: 0, passes: 1 };

function stagesOf({ attacks, eps, seed, dataset, batchSize }: EvaluateOptions): Stage[] {
  if (dataset.ids.length === 0) {
    throw new UsageError(`Cannot evaluate on "${dataset.name}" as it has no images: use a data set with some`);
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new UsageError(`Cannot evaluate in batches of ${batchSize} images: write a positive integer`);
  }
  const radii = new Map(eps.map((text) => [formatEps(text), parseEps(text)]));
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
  return attacks.flatMap(({ attack: spec }, i) => {
    const { forwardPasses, backwardPasses } = attackPasses(spec);
    // Not keyed by the radius: at every radius the starts lie in the same directions.
    const stream = rng(seed, "attack", names[i]!);
    return [...radii].map(([text, radius]) => ({
      attack: names[i]!,
      eps: text,
      radius,
      passes: radius === 0 ? 0 : forwardPasses + backwardPasses,
      spec,
      stream,
    }));
  });
}

function chunks(indices: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(indices.length / size) }, (_, k) => indices.slice(k * size, (k + 1) * size));
}

function* evidence(rows: readonly EvidenceRow[]): Generator<EvidenceEvent> {
  if (rows.length > 0) yield { kind: "evidence", rows };
}
