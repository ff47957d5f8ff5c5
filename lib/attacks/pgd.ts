import { float32, type NdArray, type Rng, scalar } from "../core/mod.ts";
import { disposeTree, type Engine, type MapTensors, type Value } from "../engine/mod.ts";
import { borrow } from "./_borrow.ts";
import { planOf } from "./_plan.ts";
import { type Best, keepingStepProgram, keepProgram, startProgram } from "./_programs.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackAttempt, AttackLeaves, PgdSpec } from "./attack.ts";
import { unitStarts } from "./random_start.ts";

/**
 * Projected gradient descent: xAdv <- project(xAdv + stepSize * direction), direction = sign(g) for Linf and g / ||g||
 * for L2, g = d loss / d xAdv, from a random point of the ball.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B].
 * @param spec Its settings.
 * @param eps Radius in pixel units, in [0,1].
 * @param rng Stream of the attack; starts are keyed by image id and restart below it.
 * @returns The images, unverified: call it through {@linkcode runAttack}.
 * @throws {UsageError} If the spec or the radius cannot be used.
 *
 * Differs from Madry et al. in returning, for each image, the iterate of lowest margin over all steps and restarts, the
 * start included, rather than the last one.
 *
 * Source: Madry et al., "Towards deep learning models resistant to adversarial attacks" (2018), section 2.1; the step
 * length 2.5 eps / steps, which reaches the border of the ball from any start, from its paragraph on L2 attacks.
 */
export async function pgd(
  engine: Engine,
  classifier: Classifier,
  batch: AttackLeaves,
  spec: PgdSpec,
  eps: number,
  rng: Rng,
): Promise<AttackAttempt> {
  const { norm, loss, steps, stepSize, restarts, randomStart } = planOf(spec, eps);
  const keepingStep = keepingStepProgram(engine, classifier.logits, norm, loss);
  const keep = keepProgram(engine, classifier.logits);
  const { ids } = batch;
  return await borrow(engine, { weights: classifier.weights, x: batch.x, y: batch.y }, async ({ weights, x, y }) => {
    const none = { xAdv: x, margin: filled(ids.length, 3e38), firstStep: filled(ids.length, -1) };
    const radius = scalar(eps);
    const length = scalar(stepSize);
    let xAdv: Value | undefined;
    let best: MapTensors<Best, Value> | undefined;
    try {
      for (let restart = 0; restart < restarts; restart++) {
        if (randomStart) {
          const unit = unitStarts(x.shape, norm, ids, rng, restart);
          xAdv = await startProgram(engine, norm)({ x, unit, eps: radius });
        }
        for (let k = 0; k < steps; k++) {
          const old = { xAdv, best };
          const look = { weights, y, xAdv: xAdv ?? x, best: best ?? none, step: scalar(k) };
          ({ xAdv, best } = await keepingStep({ ...look, x, eps: radius, stepSize: length }));
          disposeTree(old);
        }
        const old = { xAdv, best };
        best = await keep({ weights, y, xAdv: xAdv ?? x, best: best ?? none, step: scalar(steps) });
        xAdv = undefined;
        disposeTree(old);
      }
      return {
        xAdv: best!.xAdv,
        firstStep: await readSteps(engine, best!),
        forwardPasses: restarts * (steps + 1),
        backwardPasses: restarts * steps,
      };
    } catch (error) {
      disposeTree({ xAdv, best });
      throw error;
    }
  });
}

async function readSteps(engine: Engine, { margin, firstStep }: MapTensors<Best, Value>): Promise<Int32Array> {
  const steps = await engine.read(firstStep);
  disposeTree([margin, firstStep]);
  return Int32Array.from(steps.data);
}

function filled(length: number, value: number): NdArray<"float32"> {
  return float32([length], new Float32Array(length).fill(value));
}
