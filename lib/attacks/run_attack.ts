import { DataError, type NdArray, type Rng } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { borrow } from "./_borrow.ts";
import { checkBatch } from "./_check_batch.ts";
import type { Attack, AttackBatch, AttackResult, AttackSpec } from "./attack.ts";
import { ATTACKS } from "./attacks_table.ts";
import { margins } from "./margins.ts";
import { projectImages } from "./threat_model.ts";
import { validateSpec } from "./validate_spec.ts";

/**
 * Runs an attack and reports what it did. The one place where input is checked, the result is brought into ball and box
 * once more, success is measured by a forward pass on that very image, and passes are counted: no attack can claim
 * otherwise.
 *
 * At eps = 0 nothing is run: the image itself is the result.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param batch Pixels in [0,1] [B, H, W, C] (off by 1e-6 at most), classes [B], ids [B].
 * @param spec The attack.
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the attack; starts are keyed by image id and restart below it, so the result for an image does
 * not depend on its batch.
 * @returns Images with ||xAdv - x|| <= eps to float32 rounding and pixels in [0,1], and what they do.
 * @throws {UsageError} If the spec or the radius cannot be used.
 * @throws {TypeError} If a dtype or length is wrong.
 * @throws {DataError} If the images do not fit the classifier, a pixel or label is out of range, or a margin or a
 * gradient is not finite.
 */
export async function runAttack(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  spec: AttackSpec,
  eps: number,
  rng: Rng,
): Promise<AttackResult> {
  validateSpec(spec, [eps]);
  const { y, ids } = batch;
  const x = checkBatch(classifier, batch);
  return await borrow(engine, classifier.weights, async (weights) => {
    const target = { ...classifier, weights };
    const attempt = eps === 0 ? untouched(x) : await attack(engine, target, { x, y, ids }, spec, eps, rng);
    const xAdv = projectImages(attempt.xAdv, x, spec.norm ?? "Linf", eps);
    await checkNumbers(engine, target, { x, y, ids }, xAdv);
    const margin = await margins(engine, target, { x: xAdv, y, ids });
    const { claimed, forwardPasses, backwardPasses } = attempt;
    return {
      xAdv,
      margin,
      success: Uint8Array.from(margin, (value) => value < 0 ? 1 : 0),
      // Where rounding in the last projection undid or made a success, the measured one counts.
      firstStep: Int32Array.from(margin, (value, i) => value < 0 ? Math.max(claimed[i]!, 0) : -1),
      forwardPasses: forwardPasses + 1,
      backwardPasses,
    };
  });
}

/** Tells a classifier without finite logits, which margins() reports, from one without finite gradients. */
async function checkNumbers(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  xAdv: NdArray<"float32">,
): Promise<void> {
  const bad = xAdv.data.findIndex(Number.isNaN);
  if (bad === -1) return;
  await margins(engine, classifier, batch);
  const image = batch.ids[Math.floor(bad / (xAdv.data.length / batch.ids.length))];
  throw new DataError(
    `Cannot attack image ${image} as the gradient there is not a number: use a classifier with finite gradients`,
  );
}

/** An attempt in memory. */
interface Attempt {
  readonly xAdv: NdArray<"float32">;
  readonly claimed: Int32Array;
  readonly forwardPasses: number;
  readonly backwardPasses: number;
}

function untouched(x: NdArray<"float32">): Attempt {
  return { xAdv: x, claimed: new Int32Array(x.shape[0]!), forwardPasses: 0, backwardPasses: 0 };
}

async function attack(
  engine: Engine,
  classifier: Classifier,
  batch: AttackBatch,
  spec: AttackSpec,
  eps: number,
  rng: Rng,
): Promise<Attempt> {
  const run = ATTACKS[spec.kind] as Attack<AttackSpec>;
  const { xAdv, firstStep, ...passes } = await run(engine, classifier, batch, spec, eps, rng);
  try {
    return { xAdv: await engine.read(xAdv) as NdArray<"float32">, claimed: firstStep, ...passes };
  } finally {
    xAdv.dispose();
  }
}
