import { float32, int32, type NdArray, type Rng, sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  clip,
  concat,
  div,
  greater,
  maximum,
  minimum,
  mul,
  oneHot,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
  where,
} from "../engine/mod.ts";
import { margin } from "../losses/mod.ts";
import { type DistanceAttack, insideBall } from "./_distance_attack.ts";
import { towardsHyperplane } from "./_hyperplane_projection.ts";
import { DUAL, lengths } from "./_lengths.ts";
import type { FabSpec, Norm } from "./attack.ts";
import { type SlotAttack, type SlotInputs, type SlotSetting, whereSlot } from "./slot_attack.ts";

/** What a slot keeps from step to step. */
interface State {
  /** Where it stands [B, H, W, C]. */
  readonly at: Tensor;
}

/** What is fixed for a trial. */
interface Trial {
  /** A point of the sphere of radius 1/2 [B, H, W, C], zeros in the first trial of a target; absent of one restart. */
  readonly start?: Tensor;
  /** Target class [B], int32; absent where all classes are looked at. */
  readonly target?: Tensor;
}

/**
 * FAB, the fast adaptive boundary attack, and FAB-T where the spec has targets: the image goes to the hyperplane on
 * which the linearised classifier changes its mind, on the shortest way inside of the pixel box, drawn to the original
 * a little; after a success it goes back towards the original by a tenth of the way.
 *
 * A step at x': f = z_k - z_y and its gradient w there, k the class whose hyperplane is nearest (|f| / ||w||, dual
 * norm), or the target of the trial. d and d0 are the shortest ways from x' and from the original x onto
 * { v : f + <w, v - x'> = 0 } in the box. With alpha = min(||d|| / (||d|| + ||d0||), alphaMax),
 *
 *   x' <- clip((1 - alpha) (x' + eta d) + alpha (x + eta d0)),
 *
 * and, if x' is misclassified then, x' <- x + beta (x' - x).
 *
 * The first trial of each target starts at x, further ones at a random point at a distance of eps / 2. Targets are the
 * classes of highest clean logit but the label.
 *
 * Differs from the official code: random starts are keyed by image, target and restart, not drawn per batch; an image
 * counts as misclassified where its margin is below 0, a tie of logits does not; x' is looked at after the way back
 * too, which costs nothing, as the next step needs its logits, and sometimes finds a nearer image; in a ball of radius eps, the image is let go as soon as it is misclassified in the
 * ball, and what is found outside of it is no result (as theirs); the projections are those of
 * {@linkcode towardsHyperplane}. Like the official code of AutoAttack, and unlike that of the paper, there is no final
 * search on the segment to the original.
 *
 * Source: Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack" (2020),
 * algorithm 1; targets: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
 * parameter-free attacks" (2020), appendix; fra31/auto-attack a39220048b3c9f2cca9a4d3a54604793c68eca7e,
 * autoattack/fab_base.py and fab_pt.py.
 *
 * @param spec Its settings.
 * @param setting Classifier, radius and stream.
 * @returns The attack at the radius of the setting.
 */
export function fab(spec: FabSpec, setting: SlotSetting): SlotAttack {
  return insideBall(fabDistance(spec, setting)) as unknown as SlotAttack;
}

/**
 * {@linkcode fab} without a ball; the radius of the setting is that of random starts alone.
 *
 * @param spec Its settings.
 * @param setting Classifier, radius and stream.
 * @returns The attack.
 */
export function fabDistance(spec: FabSpec, setting: SlotSetting): DistanceAttack<State, Trial, object> {
  const { norm = "Linf", steps = 100, restarts = 1, alphaMax = 0.1, eta = 1.05, beta = 0.9 } = spec;
  const { classes, inputShape, rng } = setting;
  const targets = spec.targets === undefined ? undefined : Math.min(spec.targets, classes - 1);
  return {
    key: ["fab", norm, classes, targets !== undefined, restarts > 1, alphaMax, eta, beta].join(" "),
    norm,
    steps,
    trials: restarts * (targets ?? 1),
    forwardPasses: 2,
    backwardPasses: targets === undefined ? classes - 1 : 1,
    state: (shape) => ({ at: float32(shape) }),
    trial: ({ id, trial, order }) => {
      const [target, restart] = [Math.floor(trial / restarts), trial % restarts];
      return {
        ...restarts > 1 && { start: startOf(inputShape, norm, restart, rng.child("start", id, target, restart)) },
        ...targets !== undefined && { target: int32([], [order[target]!]) },
      };
    },
    feeds: () => ({}),
    step: (inputs) => step(inputs, { norm, alphaMax, eta, beta, classes }),
  };
}

interface Constants extends Required<Pick<FabSpec, "norm" | "alphaMax" | "eta" | "beta">> {
  readonly classes: number;
}

function step(
  { logits, x, y, fresh, eps, state, trial }: SlotInputs<State, Trial, object>,
  { norm, alphaMax, eta, beta, classes }: Constants,
): ReturnType<DistanceAttack<State, Trial, object>["step"]> {
  const start = trial.start === undefined ? x : clip(add(x, mul(trial.start, eps)), 0, 1);
  const at = whereSlot(fresh, start, state.at);
  const own = oneHot(y, classes);
  const others = trial.target === undefined
    ? Array.from({ length: classes - 1 }, (_, k) => rotated(own, k + 1))
    : [oneHot(trial.target, classes)];
  const planes = others.map((other) => planeTo(logits, at, sub(other, own), norm));
  const plane = planes.reduce((best, next) => {
    const nearer = greater(best.distance, next.distance);
    return {
      f: where(nearer, next.f, best.f),
      w: whereSlot(reshape(nearer, [-1]), next.w, best.w),
      distance: where(nearer, next.distance, best.distance),
      logits: best.logits,
    };
  });

  const flat = (image: Tensor) => reshape(image, [image.shape[0]!, -1]);
  const [here, origin] = [flat(at), flat(x)];
  const d = towardsHyperplane(here, plane.w, plane.f, norm);
  const gapOfOrigin = add(plane.f, sum(mul(plane.w, sub(origin, here)), 1, true));
  const d0 = towardsHyperplane(origin, plane.w, gapOfOrigin, norm);
  const [length, length0] = [d, d0].map((way) => maximum(lengths(way, norm), 1e-8)) as [Tensor, Tensor];
  const alpha = minimum(div(length, add(length, length0)), alphaMax);
  const moved = add(
    mul(add(here, mul(d, eta)), sub(1, alpha)),
    mul(add(origin, mul(d0, eta)), alpha),
  );
  const next = reshape(clip(moved, 0, 1), x.shape);
  const marginOfNext = margin(logits(next), y);
  const back = add(x, mul(sub(next, x), beta));
  return {
    state: { at: whereSlot(greater(0, marginOfNext), back, next) },
    looked: [{ image: at, margin: margin(plane.logits, y) }, { image: next, margin: marginOfNext }],
  };
}

/** Where the linearised classifier changes from one class to another. */
interface Plane {
  /** Difference of the logits [B, 1]. */
  readonly f: Tensor;
  /** Its gradient [B, D]. */
  readonly w: Tensor;
  /** |f| / ||w|| in the dual norm [B, 1]. */
  readonly distance: Tensor;
  /** Logits [B, classes]. */
  readonly logits: Tensor;
}

function planeTo(logits: (x: Tensor) => Tensor, at: Tensor, difference: Tensor, norm: Norm): Plane {
  const [count = 0] = at.shape;
  // The sum over the batch: each image has its own gradient.
  const { grad, aux } = valueAndGrad((image: Tensor) => {
    const z = logits(image);
    const f = sum(mul(z, difference), 1, true);
    return { value: sum(f), aux: { z, f } };
  }, at);
  const w = reshape(grad, [count, -1]);
  return { f: aux.f, w, distance: div(abs(aux.f), maximum(lengths(w, DUAL[norm]), 1.2e-38)), logits: aux.z };
}

/** One-hot rows of the classes k further on, in a circle. */
function rotated(own: Tensor, k: number): Tensor {
  const [count = 0, classes = 0] = own.shape;
  return concat([slice(own, [0, classes - k], [count, k]), slice(own, [0, 0], [count, classes - k])], 1);
}

/** A point of the sphere of radius 1/2; zero, the original, where the restart is the first. */
function startOf(shape: readonly number[], norm: Norm, restart: number, rng: Rng): NdArray<"float32"> {
  const size = sizeOf(shape);
  if (restart === 0) return float32(shape);
  const direction = norm === "Linf" ? rng.uniform(size, -1, 1) : rng.normal(size);
  const length = LENGTH[norm](direction);
  return float32(shape, direction.map((v) => v / (2 * length)));
}

const LENGTH: { readonly [N in Norm]: (d: Float32Array) => number } = {
  Linf: (d) => d.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
  L2: (d) => Math.sqrt(d.reduce((all, v) => all + v * v, 0)),
  L1: (d) => d.reduce((all, v) => all + Math.abs(v), 0),
};
