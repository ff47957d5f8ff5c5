import type { Rng } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackAttempt, AttackLeaves, FgsmSpec } from "./attack.ts";
import { perturb } from "./perturbation.ts";

/**
 * Fast gradient sign method: xAdv = clip(x + eps * sign(d loss / dx)), and for L2 x + eps * g / ||g||.
 *
 * The image after the step is the result even where it is weaker than x.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @param spec Its settings.
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the attack; not used.
 * @returns The images, unverified: call it through {@linkcode runAttack}.
 * @throws {UsageError} If the spec or the radius cannot be used.
 *
 * Source: Goodfellow, Shlens, Szegedy, "Explaining and harnessing adversarial examples" (2015), section 4.
 */
export async function fgsm(
  engine: Engine,
  classifier: Classifier,
  batch: AttackLeaves,
  spec: FgsmSpec,
  eps: number,
  rng: Rng,
): Promise<AttackAttempt> {
  return {
    xAdv: await perturb(engine, classifier, batch, spec, eps, rng),
    firstStep: new Int32Array(batch.ids.length).fill(1),
    forwardPasses: 1,
    backwardPasses: 1,
  };
}
