import { float32, int32, type NdArray, type Rng, sizeOf } from "../core/mod.ts";
import { disposeTree, type Engine, isValue } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { lend } from "./_borrow.ts";
import { checkBatch } from "./_check_batch.ts";
import { checkNumbers } from "./_check_numbers.ts";
import { type Claim, type QueuedImage, slotQueue } from "./_slot_queue.ts";
import type { Attack, AttackAttempt, AttackBatch, FgsmSpec, Norm, PgdSpec, SlotAttackSpec } from "./attack.ts";
import { ATTACKS, makeSlotAttack } from "./attacks_table.ts";
import { type Component, componentsOf } from "./autoattack.ts";
import { checkSamples } from "./check_samples.ts";
import { judgingPasses } from "./judging_passes.ts";
import { margins } from "./margins.ts";
import { type AnyAttack, checkAttack, type OwnAttack } from "./own_attack.ts";
import { projectImages } from "./threat_model.ts";

/** Images, in memory or made when they are needed. */
export interface ImageSource {
  /** Number of images; their positions are 0 to count - 1. */
  readonly count: number;
  /** Gives some images, in the order asked for. */
  readonly load: (positions: readonly number[]) => AttackBatch | Promise<AttackBatch>;
}

/** What an attack did to one image, verified on the image itself. */
export interface AttackedImage {
  /** Its place among the images. */
  readonly position: number;
  /** Its id. */
  readonly id: number;
  /** Adversarial image [H, W, C], inside the ball and the pixel box. */
  readonly xAdv: NdArray<"float32">;
  /** Margin z_y - max_{k != y} z_k of xAdv; negative where the attack succeeded. */
  readonly margin: number;
  /** Step (from 1, in its trial) at which the image first fell, 0 for the start, -1 where it never did. */
  readonly firstStep: number;
  /** Of an ensemble: the component whose image this is; {@linkcode componentsOf} lists them. */
  readonly component?: string;
  /** Trial (from 0: restarts, and target classes where there are some) in which it fell, or the last one. */
  readonly trial: number;
  /** Forward passes, those inside backward passes and the verifying one included. */
  readonly forwardPasses: number;
  /** Backward passes. */
  readonly backwardPasses: number;
}

/** What {@linkcode attackImages} tells. */
export type AttackEvent =
  /** An image is done; images come as they are done, not in their order. */
  | ({ readonly kind: "image" } & AttackedImage)
  /** Passes (forward and backward, per image) that were made since the last such event. */
  | { readonly kind: "passes"; readonly passes: number };

/** What an attack saw of one image. */
export interface AttackLook {
  /** Place of the image among the images. */
  readonly position: number;
  /** Number of the look among those at this image, from 0, trial after trial; they may be told in another order. */
  readonly look: number;
  /** Margin of what was looked at, in logits; {@linkcode NOT_LOOKED} where that was nothing inside of ball and box. */
  readonly margin: number;
}

/** How {@linkcode attackImages} is hurried and watched; what is found for an image depends on `look` alone. */
export interface AttackPace {
  /** Asked between calls of the engine: whether to end now; images that are done are told, the others are not. */
  readonly stop?: () => boolean;
  /** Asked when images are done: whether to verify and tell them now, rather than when a batch of them is full. */
  readonly verify?: () => boolean;
  /**
   * Told of every look at an image. No image is let go then when it falls: its path goes on through all of its trials, and
   * the image of lowest margin is what is found. Of an ensemble nothing is told.
   */
  readonly look?: (look: AttackLook) => void;
}

/**
 * Attacks any number of images, `batchSize` at a time, and reports what came of each. As {@linkcode runAttack}, the one
 * place where input is checked, results are brought into ball and box once more, success is measured by a forward pass
 * on that very image, and passes are counted.
 *
 * Of a classifier with random outputs ({@linkcode Classifier.noise}) success is that of its mean probabilities over draws
 * that no attack has seen ({@linkcode margins}); of the clean image an attack is told what was judged. An attack sees its
 * own draws, keyed by image id, trial and step: each step of fgsm, pgd and apgd as many as its `samples` say, one each
 * step of the others. No image is let go then before its last trial is over; the one of lowest margin over the draws of
 * its step is judged.
 *
 * Attacks over slots (apgd, fab, square) let go of an image when it falls, and its place in the batch goes to the next
 * one. What is found for an image does not depend on the others: on the reference engine bit for bit at any batch size,
 * on native engines at the same batch size (another one gives other sums of the same numbers).
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param images The images.
 * @param spec The attack.
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the attack; draws are keyed by image id below it.
 * @param batchSize Images per batch; where there are fewer images the batch is filled up.
 * @param pace How it is hurried and watched; an ensemble takes its time.
 * @returns Every image once, as it is done; ending the loop early ends the attack.
 * @throws {UsageError} If the spec or the radius cannot be used, or draws are to be averaged where nothing is drawn.
 * @throws {RangeError} If the batch size is not a positive integer.
 * @throws {TypeError} If a dtype or length is wrong.
 * @throws {DataError} If images do not fit the classifier, a pixel or label is out of range, or a margin or a gradient
 * is not finite.
 */
export async function* attackImages(
  engine: Engine,
  classifier: Classifier,
  images: ImageSource,
  spec: AnyAttack,
  eps: number,
  rng: Rng,
  batchSize: number,
  pace: AttackPace = {},
): AsyncGenerator<AttackEvent, void, void> {
  checkAttack(spec, [eps]);
  checkSamples(spec, classifier);
  if (images.count === 0) return;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`Cannot attack images in batches of ${batchSize}: it needs a positive integer`);
  }
  if (spec.kind === "autoattack" && eps > 0) {
    yield* ensemble(engine, classifier, images, componentsOf(spec), eps, rng, batchSize);
    return;
  }
  const size = batchSize;
  const { values: weights, giveBack } = lend(engine, classifier.weights);
  const target = { ...classifier, weights };
  const load = async (positions: readonly number[]): Promise<AttackBatch> => {
    // Batches have one size: what is missing repeats the first.
    const batch = await images.load(Array.from({ length: size }, (_, k) => positions[k] ?? positions[0]!));
    return { ...batch, x: checkBatch(classifier, batch) };
  };
  const pending: Claim[] = [];
  const verified = async function* (claims: readonly Claim[], all: boolean): AsyncGenerator<AttackEvent> {
    pending.push(...claims);
    while (pending.length >= size || all && pending.length > 0) {
      const some = pending.splice(0, size);
      yield* await verify(engine, target, some, size, spec.norm ?? "Linf", eps);
      yield { kind: "passes", passes: some.length * judgingPasses(classifier) };
    }
  };
  const { verify: isDue = () => false } = pace;
  try {
    for await (const event of claimsOf(engine, target, images.count, load, spec, eps, rng, size, pace)) {
      if (event.kind === "passes") yield event;
      else yield* verified(event.claims, isDue());
    }
    yield* verified([], true);
  } finally {
    giveBack();
  }
}

/** Runs attacks in a row, each on the images that are left standing; the image of lowest margin counts. */
async function* ensemble(
  engine: Engine,
  classifier: Classifier,
  images: ImageSource,
  components: readonly Component[],
  eps: number,
  rng: Rng,
  batchSize: number,
): AsyncGenerator<AttackEvent, void, void> {
  let standing = Array.from({ length: images.count }, (_, position) => position);
  const found = new Map<number, AttackedImage>();
  for (const [k, { name, spec }] of components.entries()) {
    const source: ImageSource = {
      count: standing.length,
      load: (positions) => images.load(positions.map((position) => standing[position]!)),
    };
    const next: number[] = [];
    for await (
      const event of attackImages(engine, classifier, source, spec, eps, rng.child(name), batchSize)
    ) {
      if (event.kind === "passes") {
        yield event;
        continue;
      }
      const position = standing[event.position]!;
      const image = worse(found.get(position), { ...event, position, component: name });
      if (image.margin < 0 || k === components.length - 1) {
        found.delete(position);
        yield { kind: "image", ...image };
      } else {
        found.set(position, image);
        next.push(position);
      }
    }
    standing = next.sort((a, b) => a - b);
  }
}

/** The stronger of two results for one image, with the passes of both. */
function worse(before: AttackedImage | undefined, now: AttackedImage): AttackedImage {
  if (before === undefined) return now;
  return {
    ...now.margin < before.margin ? now : before,
    forwardPasses: before.forwardPasses + now.forwardPasses,
    backwardPasses: before.backwardPasses + now.backwardPasses,
  };
}

type ClaimEvent =
  | { readonly kind: "claims"; readonly claims: readonly Claim[] }
  | { readonly kind: "passes"; readonly passes: number };

async function* claimsOf(
  engine: Engine,
  classifier: Classifier,
  count: number,
  load: (positions: readonly number[]) => Promise<AttackBatch>,
  spec: AnyAttack,
  eps: number,
  rng: Rng,
  size: number,
  { stop = () => false, look }: AttackPace,
): AsyncGenerator<ClaimEvent, void, void> {
  const { classes, inputShape, noise } = classifier;
  if (
    eps > 0 && spec.kind !== "own" &&
    (noise !== undefined || look !== undefined || spec.kind !== "fgsm" && spec.kind !== "pgd")
  ) {
    const setting = { classes, inputShape, eps, rng, ...noise === undefined ? {} : { noise } };
    const attack = makeSlotAttack(spec as FgsmSpec | PgdSpec | SlotAttackSpec, setting);
    yield* slotQueue(engine, classifier, load, count, attack, eps, size, stop, look);
    return;
  }
  for (let from = 0; from < count && !stop(); from += size) {
    const positions = Array.from({ length: Math.min(size, count - from) }, (_, k) => from + k);
    const batch = await load(positions);
    const queued = positions.map((position, row): QueuedImage => ({
      position,
      id: batch.ids[row]!,
      label: batch.y.data[row]!,
      x: rowOf(batch.x, row),
    }));
    const untouched = { firstStep: 0, trial: 0, forwardPasses: 0, backwardPasses: 0 };
    if (eps === 0) {
      yield { kind: "claims", claims: queued.map((image) => ({ ...image, xAdv: image.x, ...untouched })) };
      continue;
    }
    const { xAdv: value, firstStep, ...passes } = spec.kind === "own"
      ? await ownAttempt(engine, classifier, batch, spec, eps, rng)
      : await plain(engine, classifier, batch, spec as FgsmSpec | PgdSpec, eps, rng);
    let xAdv: NdArray<"float32">;
    try {
      xAdv = await engine.read(value) as NdArray<"float32">;
    } finally {
      value.dispose();
    }
    yield { kind: "passes", passes: positions.length * (passes.forwardPasses + passes.backwardPasses) };
    yield {
      kind: "claims",
      claims: queued.map((image, row) => ({
        ...image,
        xAdv: rowOf(xAdv, row),
        firstStep: firstStep[row]!,
        trial: 0,
        ...passes,
      })),
    };
  }
}

function plain(...call: Parameters<Attack<FgsmSpec | PgdSpec>>): Promise<AttackAttempt> {
  const [, , , { kind }] = call;
  return (ATTACKS[kind] as Attack<FgsmSpec | PgdSpec>)(...call);
}

/** What an attack from elsewhere claims; it counts no steps. */
async function ownAttempt(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  { name, run, forwardPasses = 0, backwardPasses = 0 }: OwnAttack,
  eps: number,
  rng: Rng,
): Promise<AttackAttempt> {
  const made = await run(engine, classifier, batch, eps, rng);
  if (made.dtype !== "float32" || made.shape.join() !== batch.x.shape.join()) {
    disposeTree(made);
    throw new TypeError(
      `Cannot use the images of "${name}" as they are ${made.dtype} [${made.shape}]: float32 [${batch.x.shape}] is needed`,
    );
  }
  const firstStep = new Int32Array(batch.ids.length).fill(1);
  return { xAdv: isValue(made) ? made : engine.put(made), firstStep, forwardPasses, backwardPasses };
}

/** Brings images into ball and box and measures their margins, in a batch of the usual size. */
async function verify(
  engine: Engine,
  classifier: Classifier,
  claims: readonly Claim[],
  size: number,
  norm: Norm,
  eps: number,
): Promise<AttackEvent[]> {
  const shape = [size, ...classifier.inputShape];
  const pixels = sizeOf(classifier.inputShape);
  const padded = Array.from({ length: size }, (_, row) => claims[row] ?? claims[0]!);
  const pack = (of: (claim: Claim) => Float32Array): NdArray<"float32"> => {
    const packed = float32(shape);
    padded.forEach((claim, row) => packed.data.set(of(claim), row * pixels));
    return packed;
  };
  const x = pack((claim) => claim.x);
  const y = int32([size], padded.map(({ label }) => label));
  const ids = Int32Array.from(padded, ({ id }) => id);
  const xAdv = projectImages(pack((claim) => claim.xAdv), x, norm, eps);
  await checkNumbers(engine, classifier, { x, y, ids }, xAdv);
  const margin = await margins(engine, classifier, { x: xAdv, y, ids });
  return claims.map((claim, row): AttackEvent => ({
    kind: "image",
    position: claim.position,
    id: claim.id,
    xAdv: float32(classifier.inputShape, rowOf(xAdv, row)),
    margin: margin[row]!,
    // Where rounding in the last projection undid or made a success, the measured one counts.
    firstStep: margin[row]! < 0 ? Math.max(claim.firstStep, 0) : -1,
    trial: claim.trial,
    forwardPasses: claim.forwardPasses + judgingPasses(classifier),
    backwardPasses: claim.backwardPasses,
  }));
}

function rowOf(images: NdArray<"float32">, row: number): Float32Array {
  const size = sizeOf(images.shape.slice(1));
  return images.data.slice(row * size, (row + 1) * size);
}
