import {
  type ConvergenceRow,
  formatEps,
  MARGIN_QUANTILES,
  parseEps,
  type Progress,
  rng,
  UsageError,
  wilson,
} from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import {
  type ApgdSpec,
  attackImages,
  type AttackLook,
  attackName,
  attackPasses,
  type FgsmSpec,
  margins,
  MAX_EPS,
  type PgdSpec,
} from "../attacks/mod.ts";

/** What to trace. */
export interface TraceAttacksOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** Images, each id once. */
  readonly dataset: Dataset;
  /** Attacks that take one gradient of every image that they look at. */
  readonly attacks: readonly (FgsmSpec | PgdSpec | ApgdSpec)[];
  /** Radius in pixel units as text: "8/255". */
  readonly eps: string;
  /** Seed of starts; those of `evaluate` with the same seed. */
  readonly seed: number;
  /** Images per batch. */
  readonly batchSize: number;
}

/** What {@linkcode traceAttacks} tells. */
export type TraceEvent =
  /** The rows of an attack that is done, from the clean images to its last look. */
  | { readonly kind: "rows"; readonly rows: readonly ConvergenceRow[] }
  /** How far it has come, in passes: an image forward or back through the network is one. */
  | ({ readonly kind: "progress" } & Progress);

/**
 * Runs attacks and tells what they had reached after each look at an image: of every image the lowest margin among the clean
 * image and all that the attack has looked at so far, which can only fall; the accuracy that is left is the share of
 * images whose lowest margin is not below 0. The attacks are those of {@linkcode attackImages}, but for going on after a
 * success, so that the margins show how far below 0 they get.
 *
 * A quantile lies between two margins linearly (type 7 of Hyndman and Fan 1996).
 *
 * @param engine Where it runs.
 * @param options What to trace.
 * @returns Events; rows as each attack is done, in the order of the attacks.
 * @throws {UsageError} If an attack or the radius cannot be used, there is no image, or outputs are random.
 * @throws {DataError} As `attackImages`.
 */
export async function* traceAttacks(
  engine: Engine,
  options: TraceAttacksOptions,
): AsyncGenerator<TraceEvent, void, void> {
  const { method, classifier, dataset, attacks, seed, batchSize } = options;
  const n = dataset.ids.length;
  if (n === 0) throw new UsageError(`Cannot trace attacks on "${method}" without an image: give one at least`);
  if (classifier.noise !== undefined) {
    throw new UsageError(
      `Cannot trace attacks on "${method}" as each look at random outputs sees another draw: leave the noise out`,
    );
  }
  const clean = await cleanMargins(engine, classifier, dataset, batchSize);
  for (const spec of attacks) {
    const attack = attackName(spec);
    const max = MAX_EPS[spec.norm ?? "Linf"];
    const eps = parseEps(options.eps, max);
    const passes = attackPasses(spec, classifier.classes);
    const seen = Array.from(clean, (): number[] => []);
    const label = `trace ${attack} at ${options.eps}`;
    const total = n * (passes.forwardPasses + passes.backwardPasses);
    let done = 0;
    const source = { count: n, load: (positions: readonly number[]) => gather(dataset, positions) };
    const look = (at: AttackLook): void => void (seen[at.position]![at.look] = at.margin);
    const stream = rng(seed, "attack", attack);
    for await (const event of attackImages(engine, classifier, source, spec, eps, stream, batchSize, { look })) {
      if (event.kind !== "passes") continue;
      // PGD takes a few passes more where it is watched.
      done = Math.min(total, done + event.passes);
      yield { kind: "progress", label, done, total };
    }
    // Images that are misclassified as they are cost nothing more.
    yield { kind: "progress", label, done: total, total };
    yield { kind: "rows", rows: rowsOf({ method, attack, eps: formatEps(eps, max), n }, clean, seen) };
  }
}

/** Rows from the margins of every look at every image; of one that is misclassified as it is there are none. */
function rowsOf(
  about: Pick<ConvergenceRow, "method" | "attack" | "eps" | "n">,
  clean: Float32Array,
  seen: readonly (readonly number[])[],
): ConvergenceRow[] {
  const lowest = clean.slice();
  const most = seen.reduce((most, { length }) => Math.max(most, length), 0);
  return Array.from({ length: 1 + most }, (_, looks): ConvergenceRow => {
    if (looks > 0) lowest.forEach((before, i) => lowest[i] = Math.min(before, seen[i]![looks - 1] ?? Infinity));
    const sorted = lowest.toSorted();
    const correct = sorted.reduce((count, margin) => count + (margin >= 0 ? 1 : 0), 0);
    const [q5, q25, q50, q75, q95] = MARGIN_QUANTILES.map((share) => quantile(sorted, share));
    return {
      ...about,
      looks,
      correct,
      ...wilson(correct, about.n),
      margins: [q5!, q25!, q50!, q75!, q95!],
    };
  });
}

function quantile(sorted: Float32Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - below);
}

async function cleanMargins(
  engine: Engine,
  classifier: Classifier,
  dataset: Dataset,
  batchSize: number,
): Promise<Float32Array> {
  const n = dataset.ids.length;
  const result = new Float32Array(n);
  for (let from = 0; from < n; from += batchSize) {
    const count = Math.min(batchSize, n - from);
    const batch = gather(dataset, Array.from({ length: batchSize }, (_, k) => from + (k < count ? k : 0)), count);
    result.set((await margins(engine, classifier, batch)).subarray(0, count), from);
  }
  return result;
}
