import { float32, type NdArray, type Rng, scalar } from "../core/mod.ts";
import { disposeTree, type Engine, type Leaf, type MapTensors, type Value } from "../engine/mod.ts";
import { borrow } from "./_borrow.ts";
import { planOf } from "./_plan.ts";
import { aimOf, aimPasses } from "./_aim.ts";
import { atRest, type Best, keepingStepProgram, keepProgram, type Path, startProgram } from "./_programs.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackAttempt, AttackLeaves, PgdSpec } from "./attack.ts";
import { unitStarts } from "./random_start.ts";

/**
 * Projected gradient descent: xAdv <- project(xAdv + stepSize * direction), direction = sign(g) for Linf and g / ||g||
 * for L2, g = d loss / d xAdv, from a random point of the ball.
 *
 * - With momentum mu, g is the velocity v <- mu v + (d loss / d xAdv) / ||d loss / d xAdv||_1 instead. The published
 *   MI-FGSM is momentum 1, no random start and relativeStepSize 1 / steps.
 * - With a target class t, the loss of t is lowered: -CE(z, t), or z_t - max_{k != t} z_k. What counts as success stays
 *   that an image is misclassified, and the iterate of lowest margin of its label is returned.
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
 * length 2.5 eps / steps, which reaches the border of the ball from any start, from its paragraph on L2 attacks. Dong et
 * al., "Boosting adversarial attacks with momentum" (2018), equations 6 and 7. Kurakin, Goodfellow, Bengio, "Adversarial
 * machine learning at scale" (2017), section 2, for the least likely class. Zhang et al., "Theoretically principled
 * trade-off between robustness and accuracy" (2019), algorithm 1, for "klToClean".
 */
export async function pgd(
  engine: Engine,
  classifier: Classifier,
  batch: AttackLeaves,
  spec: PgdSpec,
  eps: number,
  rng: Rng,
): Promise<AttackAttempt> {
  const plan = planOf(spec, eps);
  const { norm, steps, stepSize, restarts, randomStart } = plan;
  const keepingStep = keepingStepProgram(engine, classifier.logits, plan);
  const keep = keepProgram(engine, classifier.logits);
  const { ids } = batch;
  return await borrow(engine, { weights: classifier.weights, x: batch.x, y: batch.y }, async ({ weights, x, y }) => {
    const none = { xAdv: x, margin: filled(ids.length, 3e38), firstStep: filled(ids.length, -1) };
    const radius = scalar(eps);
    const length = scalar(stepSize);
    let at: Partial<MapTensors<Path, Leaf>> = {};
    let best: MapTensors<Best, Value> | undefined;
    const aim = await aimOf(engine, { ...classifier, weights }, { x, y, ids }, plan);
    try {
      for (let restart = 0; restart < restarts; restart++) {
        at = atRest(x.shape, plan);
        if (randomStart) {
          const unit = unitStarts(x.shape, norm, ids, rng, restart);
          at = { ...at, xAdv: await startProgram(engine, norm)({ x, unit, eps: radius }) };
        }
        for (let k = 0; k < steps; k++) {
          const old = { at, best };
          const look = { weights, y, xAdv: x, ...at, best: best ?? none, step: scalar(k) };
          ({ best, ...at } = await keepingStep({ ...look, x, aim, eps: radius, stepSize: length }));
          disposeTree(old);
        }
        const old = { at, best };
        best = await keep({ weights, y, xAdv: at.xAdv ?? x, best: best ?? none, step: scalar(steps) });
        at = {};
        disposeTree(old);
      }
      return {
        xAdv: best!.xAdv,
        firstStep: await readSteps(engine, best!),
        forwardPasses: restarts * (steps + 1) + aimPasses(spec),
        backwardPasses: restarts * steps,
      };
    } catch (error) {
      disposeTree({ at, best });
      throw error;
    } finally {
      disposeTree(aim);
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
