import { type EvidenceRow, float32, int32, type NdArray, parseEps, type Progress, rng } from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { type AnyAttack, attackName, attackPasses, type Norm, runAttack } from "../attacks/mod.ts";

/** Images of an evaluation under one attack at one radius, with what its evidence says of them. */
export interface AdversarialImages {
  /** Name of the attacked network. */
  readonly method: string;
  /** Name of the attack. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Norm of the ball. */
  readonly norm: Norm;
  /** Seed of the attack. */
  readonly seed: number;
  /** Image ids [N]. */
  readonly ids: Int32Array;
  /** Originals, pixels in [0,1], [N, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** What the attack made of them [N, H, W, C]; the original where it was misclassified as it was. */
  readonly xAdv: NdArray<"float32">;
  /** Classes [N]. */
  readonly y: NdArray<"int32">;
  /** Margins that the evidence claims [N]; below 0 is a success. */
  readonly margin: Float32Array;
}

/** What to attack, and how it was attacked. */
export interface AdversarialImagesOptions {
  /** The network. */
  readonly classifier: Classifier;
  /** Images. */
  readonly dataset: Dataset;
  /** The attack. */
  readonly attack: AnyAttack;
  /** Evidence of one network under this attack at one radius: a row for each image that is wanted. */
  readonly rows: readonly EvidenceRow[];
  /** Images per batch. */
  readonly batchSize: number;
  /** Those that `evaluate` told, by image id [H * W * C]; the attack is not run on them again. @default {none} */
  readonly made?: ReadonlyMap<number, Float32Array>;
}

/**
 * Gathers the images of rows of evidence. Those that are not at hand any more are made anew: the attack is run again with
 * the same random streams on the same images. On the same engine, in batches of the same size, the images are those of
 * the evaluation; else to its rounding.
 *
 * @param engine Where it runs.
 * @param options What to attack.
 * @returns Progress in passes; at the end the images, in the order of the rows.
 * @throws {RangeError} If there is no row, or a row's image is not in the data set.
 * @throws {UsageError} If the attack cannot be used.
 * @throws {DataError} As `runAttack`.
 */
export async function* adversarialImages(
  engine: Engine,
  options: AdversarialImagesOptions,
): AsyncGenerator<Progress, AdversarialImages, void> {
  const { classifier, dataset, attack: spec, rows, made } = options;
  if (rows.length === 0) throw new RangeError("Cannot make images without a row of evidence: it needs at least one");
  const { method, eps, seed } = rows[0]!;
  const name = attackName(spec);
  const position = new Map(Array.from(dataset.ids, (id, i) => [id, i]));
  const indices = rows.map(({ image }) => position.get(image) ?? NaN);
  const { x, y, ids } = gather(dataset, indices);
  const xAdv = float32(x.shape, x.data.slice());
  const pixels = x.data.length / ids.length;
  const radius = parseEps(eps, Infinity);
  const attacked = rows.flatMap(({ cleanMargin }, row) => cleanMargin >= 0 && radius > 0 ? [row] : []);
  const pixelsOf = (row: number): Float32Array | undefined => made?.get(rows[row]!.image);
  for (const row of attacked) xAdv.data.set(pixelsOf(row) ?? [], row * pixels);
  const standing = attacked.filter((row) => pixelsOf(row) === undefined);
  const size = Math.min(options.batchSize, rows.length);
  const { forwardPasses, backwardPasses } = attackPasses(spec, classifier.classes, classifier);
  const passes = forwardPasses + backwardPasses;
  const label = `images of ${method} under ${name} at ${eps}`;
  for (let from = 0; from < standing.length; from += size) {
    const chunk = standing.slice(from, from + size);
    const batch = gather(dataset, Array.from({ length: size }, (_, k) => indices[chunk[k] ?? chunk[0]!]!));
    const result = await runAttack(engine, classifier, batch, spec, radius, rng(seed, "attack", name));
    chunk.forEach((row, k) => xAdv.data.set(result.xAdv.data.subarray(k * pixels, (k + 1) * pixels), row * pixels));
    yield { label, done: passes * (from + chunk.length), total: passes * standing.length };
  }
  const margin = Float32Array.from(rows, (row) => row.margin);
  return {
    method,
    attack: name,
    eps,
    norm: spec.norm ?? "Linf",
    seed,
    ids,
    x,
    xAdv,
    y: int32([ids.length], y.data),
    margin,
  };
}
