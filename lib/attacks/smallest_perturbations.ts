import { float32, int32, type NdArray, type Rng, sizeOf, UsageError } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { lend } from "./_borrow.ts";
import { checkBatch } from "./_check_batch.ts";
import { checkNumbers } from "./_check_numbers.ts";
import { nearest } from "./_distance_attack.ts";
import { type Claim, slotQueue } from "./_slot_queue.ts";
import type { AttackBatch, DdnSpec, FabSpec, Norm } from "./attack.ts";
import type { ImageSource } from "./attack_images.ts";
import { ddnDistance } from "./ddn.ts";
import { fabDistance } from "./fab.ts";
import { margins } from "./margins.ts";
import type { SlotAttack, SlotSetting } from "./slot_attack.ts";
import { validateSpec } from "./validate_spec.ts";

/** The smallest perturbation that was found for one image, verified on the image itself. */
export interface SmallestPerturbation {
  /** Its place among the images. */
  readonly position: number;
  /** Its id. */
  readonly id: number;
  /** The nearest misclassified image that was found [H, W, C], in the pixel box; the image itself where none was. */
  readonly xAdv: NdArray<"float32">;
  /** Its margin z_y - max_{k != y} z_k; negative where one was found. */
  readonly margin: number;
  /**
   * Its distance from the image in pixel units, which bounds the image's robustness from above: 0 where the image is
   * misclassified as it is (margin below 0), Infinity where none was found. An image of margin 0 lies on the boundary and
   * is not misclassified: what counts is the nearest image that is.
   */
  readonly distance: number;
  /** Forward passes, those inside backward passes and the verifying one included. */
  readonly forwardPasses: number;
  /** Backward passes. */
  readonly backwardPasses: number;
}

/** What {@linkcode smallestPerturbations} tells. */
export type SmallestPerturbationEvent =
  /** An image is done; images come as they are done, not in their order. */
  | ({ readonly kind: "image" } & SmallestPerturbation)
  /** Passes (forward and backward, per image) that were made since the last such event. */
  | { readonly kind: "passes"; readonly passes: number };

/**
 * Looks for the nearest misclassified image of each image, without a radius: one run tells for every radius whether the
 * attack breaks an image there, namely where `distance` <= eps.
 *
 * Unlike in {@linkcode attackImages}, no image is let go before its last trial is over but those that are misclassified
 * as they are.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param images The images.
 * @param spec The attack; random starts of "fab" lie at half of 0.3 (Linf), 1 (L2) or 5 (L1) from the image.
 * @param rng Stream of the attack; draws are keyed by image id below it.
 * @param batchSize Images per batch; fewer where there are fewer images.
 * @returns Every image once, as it is done; ending the loop early ends the attack.
 * @throws {UsageError} If the spec cannot be used, or the classifier's outputs are random.
 * @throws {TypeError} If a dtype or length is wrong.
 * @throws {DataError} If images do not fit the classifier, a pixel or label is out of range, or a margin or a gradient
 * is not finite.
 *
 * Source: the radii of the starts are those of fra31/auto-attack a39220048b3c9f2cca9a4d3a54604793c68eca7e,
 * autoattack/fab_base.py, where none is given.
 */
export async function* smallestPerturbations(
  engine: Engine,
  classifier: Classifier,
  images: ImageSource,
  spec: FabSpec | DdnSpec,
  rng: Rng,
  batchSize: number,
): AsyncGenerator<SmallestPerturbationEvent, void, void> {
  validateSpec(spec);
  if (classifier.noise !== undefined) {
    throw new UsageError(
      "Cannot look for the smallest perturbations of a classifier with random outputs as its boundary moves with every " +
        "draw: attack it at radii, by attackImages() with samples",
    );
  }
  if (images.count === 0) return;
  const norm = spec.norm ?? "Linf";
  const eps = START_RADIUS[norm];
  const { classes, inputShape } = classifier;
  const attack = attackOf(spec, { classes, inputShape, eps, rng });
  const size = Math.min(batchSize, images.count);
  const { values: weights, giveBack } = lend(engine, classifier.weights);
  const target = { ...classifier, weights };
  const load = async (positions: readonly number[]): Promise<AttackBatch> => {
    // Batches have one size: what is missing repeats the first.
    const batch = await images.load(Array.from({ length: size }, (_, k) => positions[k] ?? positions[0]!));
    return { ...batch, x: checkBatch(classifier, batch) };
  };
  const pending: Claim[] = [];
  try {
    for await (const event of slotQueue(engine, target, load, images.count, attack, eps, size)) {
      if (event.kind === "passes") yield event;
      else pending.push(...event.claims);
      while (pending.length >= size) yield* await verify(engine, target, pending.splice(0, size), size, norm);
    }
    if (pending.length > 0) yield* await verify(engine, target, pending, size, norm);
  } finally {
    giveBack();
  }
}

const START_RADIUS: { readonly [N in Norm]: number } = { Linf: 0.3, L2: 1, L1: 5 };

function attackOf(spec: FabSpec | DdnSpec, setting: SlotSetting): SlotAttack {
  const attack = spec.kind === "fab" ? nearest(fabDistance(spec, setting)) : nearest(ddnDistance(spec, setting));
  return attack as unknown as SlotAttack;
}

/**
 * Measures margins and distances. The nearest images lie so close to the boundary that another program may see one on
 * its other side: those are moved on by a hundredth of their way and measured again.
 */
async function* verify(
  engine: Engine,
  classifier: Classifier,
  claims: readonly Claim[],
  size: number,
  norm: Norm,
): AsyncGenerator<SmallestPerturbationEvent, void, void> {
  const measured = await measure(engine, classifier, claims, size);
  const astray = measured.filter(({ margin, x, xAdv }) => margin >= 0 && xAdv.some((v, i) => v !== x[i]));
  const further = astray.map((claim) => ({
    ...claim,
    xAdv: claim.xAdv.map((v, i) => Math.min(Math.max(v + 0.01 * (v - claim.x[i]!), 0), 1)),
  }));
  const moved = further.length === 0 ? [] : await measure(engine, classifier, further, size);
  yield { kind: "passes", passes: measured.length + moved.length };
  for (const first of measured) {
    const { position, id, x, xAdv, margin, forwardPasses, backwardPasses } = moved[astray.indexOf(first)] ?? first;
    yield {
      kind: "image",
      position,
      id,
      xAdv: float32(classifier.inputShape, xAdv),
      margin,
      distance: margin < 0 ? DISTANCE[norm](xAdv, x) : Infinity,
      forwardPasses,
      backwardPasses,
    };
  }
}

/** Margins of claimed images, by one forward pass of a batch of the usual size. */
async function measure<C extends Claim>(
  engine: Engine,
  classifier: Classifier,
  claims: readonly C[],
  size: number,
): Promise<(C & { readonly margin: number })[]> {
  const padded = Array.from({ length: size }, (_, row) => claims[row] ?? claims[0]!);
  const pixels = sizeOf(classifier.inputShape);
  const pack = (of: (claim: Claim) => Float32Array): NdArray<"float32"> => {
    const packed = float32([size, ...classifier.inputShape]);
    padded.forEach((claim, row) => packed.data.set(of(claim), row * pixels));
    return packed;
  };
  const y = int32([size], padded.map(({ label }) => label));
  const ids = Int32Array.from(padded, ({ id }) => id);
  const xAdv = pack((claim) => claim.xAdv);
  await checkNumbers(engine, classifier, { x: pack(({ x }) => x), y, ids }, xAdv);
  const margin = await margins(engine, classifier, { x: xAdv, y, ids });
  return claims.map((claim, row) => ({ ...claim, margin: margin[row]!, forwardPasses: claim.forwardPasses + 1 }));
}

const DISTANCE: { readonly [N in Norm]: (a: Float32Array, b: Float32Array) => number } = {
  Linf: (a, b) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0),
  L2: (a, b) => Math.sqrt(a.reduce((all, v, i) => all + (v - b[i]!) ** 2, 0)),
  L1: (a, b) => a.reduce((all, v, i) => all + Math.abs(v - b[i]!), 0),
};
