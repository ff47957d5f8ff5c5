import { float32, scalar } from "../core/mod.ts";
import {
  add,
  clip,
  div,
  greater,
  maximum,
  minimum,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
  where,
  zerosLike,
} from "../engine/mod.ts";
import { crossEntropy, margin } from "../losses/mod.ts";
import { type DistanceAttack, insideBall } from "./_distance_attack.ts";
import { lengths } from "./_lengths.ts";
import type { DdnSpec } from "./attack.ts";
import { type SlotAttack, type SlotInputs, type SlotSetting, whereSlot } from "./slot_attack.ts";
import { steepestStep } from "./threat_model.ts";

/** What a slot keeps from step to step. */
interface State {
  /** Where it stands [B, H, W, C]. */
  readonly at: Tensor;
  /** The norm that is asked of its way from the original [B]. */
  readonly norm: Tensor;
}

/** What changes with the step. */
interface Feeds {
  /** Length of the gradient step [B]. */
  readonly rate: Tensor;
}

/**
 * DDN, decoupled direction and norm, in L2: gradient ascent of the cross-entropy on a sphere whose radius shrinks by the
 * factor 1 - gamma at every step at which the image is misclassified, and grows by 1 + gamma at the others.
 *
 * A step at x + delta, g the gradient there and rate_k = 0.01 + 0.99 (1 + cos(pi k / steps)) / 2:
 *
 *   delta <- delta + rate_k g / ||g||,   norm <- min(norm (1 -+ gamma), farthest),   delta <- norm delta / ||delta||,
 *
 * and x + delta is clipped to the box; `farthest` is the distance of the farthest corner of the box. The first step
 * looks at x itself, what the last one makes is not looked at.
 *
 * Differs from the official code in not rounding pixels to 256 levels (as its option `quantize` = false), in making no
 * step where the gradient is zero (theirs draws a random direction), and in taking no account of ties of logits: an
 * image counts as misclassified where its margin is below 0.
 *
 * Source: Rony et al., "Decoupling direction and norm for efficient gradient-based L2 adversarial attacks and defenses"
 * (2019), algorithm 1; jeromerony/fast_adversarial 45210b7c79e2deaeac9845d6c901dc2580d6e316, fast_adv/attacks/ddn.py.
 *
 * @param spec Its settings.
 * @param setting Classifier, radius and stream; nothing is drawn.
 * @returns The attack at the radius of the setting.
 */
export function ddn(spec: DdnSpec, setting: SlotSetting): SlotAttack {
  return insideBall(ddnDistance(spec, setting)) as unknown as SlotAttack;
}

/**
 * {@linkcode ddn} without a ball.
 *
 * @param spec Its settings.
 * @param _setting Not used.
 * @returns The attack.
 */
export function ddnDistance(spec: DdnSpec, _setting: SlotSetting): DistanceAttack<State, object, Feeds> {
  const { steps = 100, gamma = 0.05, initialNorm = 1 } = spec;
  return {
    key: `ddn ${gamma} ${initialNorm}`,
    norm: "L2",
    steps,
    trials: 1,
    forwardPasses: 1,
    backwardPasses: 1,
    state: (shape) => ({ at: float32(shape), norm: float32([shape[0]!]) }),
    trial: () => ({}),
    feeds: ({ step }) => ({ rate: scalar(0.01 + 0.99 * (1 + Math.cos(Math.PI * step / steps)) / 2) }),
    step: (inputs) => step(inputs, gamma, initialNorm),
  };
}

function step(
  { logits, x, y, fresh, state, feeds }: SlotInputs<State, object, Feeds>,
  gamma: number,
  initialNorm: number,
): ReturnType<DistanceAttack<State, object, Feeds>["step"]> {
  const at = whereSlot(fresh, x, state.at);
  const norm = whereSlot(fresh, add(zerosLike(state.norm), initialNorm), state.norm);
  const { grad, aux: z } = valueAndGrad((image: Tensor) => {
    const z = logits(image);
    return { value: sum(crossEntropy(z, y)), aux: z };
  }, at);
  const marginHere = margin(z, y);

  const [count = 0, ...axes] = x.shape;
  const each = (values: Tensor) => reshape(values, [count, ...axes.map(() => 1)]);
  const farthest = sqrt(sum(square(maximum(x, sub(1, x))), axes.map((_, k) => k + 1)));
  const factor = where(greater(0, marginHere), add(zerosLike(norm), 1 - gamma), add(zerosLike(norm), 1 + gamma));
  const nextNorm = minimum(mul(norm, factor), farthest);
  const ascended = add(sub(at, x), mul(steepestStep(grad, "L2"), each(feeds.rate)));
  const length = lengths(reshape(ascended, [count, -1]), "L2");
  const onSphere = mul(ascended, each(div(nextNorm, maximum(reshape(length, [count]), 1e-12))));
  return {
    state: { at: clip(add(x, onSphere), 0, 1), norm: nextNorm },
    looked: [{ image: at, margin: marginHere }],
  };
}
