import { type Rng, scalar, UsageError } from "../core/mod.ts";
import { disposeTree, type Engine, type Leaf, type MapTensors, type Value } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { borrow } from "./_borrow.ts";
import { planOf } from "./_plan.ts";
import { aimOf } from "./_aim.ts";
import { atRest, type Path, startProgram, stepProgram } from "./_programs.ts";
import type { AttackLeaves, FgsmSpec, PgdSpec } from "./attack.ts";
import { unitStarts } from "./random_start.ts";

/**
 * Perturbs images for adversarial training: the last iterate of the attack, as Madry et al. (2018) train on.
 *
 * Differs from {@linkcode runAttack}: nothing is verified or read, the best iterate is not kept, and the images stay on
 * the engine.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked, in evaluation or in training mode.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @param spec The attack; one start.
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of this training step; starts are keyed by image id below it.
 * @returns xAdv [B, H, W, C], inside ball and box; the caller owns it.
 * @throws {UsageError} If the spec or the radius cannot be used, or the spec has several restarts or samples.
 */
export async function perturb(
  engine: Engine,
  classifier: Classifier,
  batch: AttackLeaves,
  spec: FgsmSpec | PgdSpec,
  eps: number,
  rng: Rng,
): Promise<Value> {
  const plan = planOf(spec, eps);
  const { norm, steps, stepSize, restarts, randomStart } = plan;
  if (restarts !== 1) {
    throw new UsageError(`Cannot train on an attack with restarts = ${restarts} as the last iterate is taken: write 1`);
  }
  if (spec.samples !== undefined && spec.samples !== 1) {
    throw new UsageError(
      `Cannot train on an attack with samples = ${spec.samples} as a network in training has no random outputs: leave it out`,
    );
  }
  const step = stepProgram(engine, classifier.logits, plan);
  const { ids } = batch;
  return await borrow(engine, { weights: classifier.weights, x: batch.x, y: batch.y }, async ({ weights, x, y }) => {
    const radius = scalar(eps);
    const length = scalar(stepSize);
    const aim = await aimOf(engine, { ...classifier, weights }, { x, y, ids }, plan);
    let at: Partial<MapTensors<Path, Leaf>> = atRest(x.shape, plan);
    try {
      if (randomStart) {
        const unit = unitStarts(x.shape, norm, ids, rng, 0);
        at = { ...at, xAdv: await startProgram(engine, norm)({ x, unit, eps: radius }) };
      }
      for (let k = 0; k < steps; k++) {
        const before = at;
        at = {};
        try {
          at = await step({ weights, x, y, aim, xAdv: x, ...before, eps: radius, stepSize: length });
        } finally {
          disposeTree(before);
        }
      }
    } finally {
      disposeTree([aim, at.velocity]);
    }
    return at.xAdv as Value;
  });
}
