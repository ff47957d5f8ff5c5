import { float32, type NdArray, parseEps, scalar, UsageError } from "../core/mod.ts";
import {
  add,
  cast,
  concat,
  constant,
  equal,
  exp,
  greaterEqual,
  mean,
  mul,
  neg,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
  where,
} from "../engine/mod.ts";
import { classesOf, crossEntropy } from "../losses/mod.ts";
import { discriminate, initDiscriminator } from "./_gradient_discriminator.ts";
import { checkWeight, requireTeacher } from "./_distillation_terms.ts";
import { uniformNoise } from "./_uniform_noise.ts";
import { inputGradient } from "./input_gradient_alignment.ts";
import type { Objective } from "./objective.ts";

/** The network that tells the student's gradient maps from the teacher's, and how it is trained. */
export interface IgamDiscriminator {
  /** Convolutions of 4 x 4 and stride 2, as many of them as the image has sides for. */
  readonly layers: number;
  /** Channels of the first one; each has twice those of the one before. */
  readonly channels: number;
  /** Its learning rate. */
  readonly learningRate: number;
  /** Weight of half its squared filters and matrix. */
  readonly weightDecay: number;
  /** Steps of the student for each of its own. */
  readonly every: number;
}

/** Input gradient adversarial matching. */
export interface IgamSpec {
  /** Discriminates the objectives. */
  readonly kind: "igam";
  /** Weight beta of the discriminator's loss, which the student raises. */
  readonly adversarialWeight: number;
  /** Weight gamma of the squared distance of the gradients. */
  readonly weight: number;
  /**
   * "mean": mean over images. "sum": sum over images, as in the released code, so that the weight grows with the batch.
   * @default {"mean"}
   */
  readonly reduction?: "mean" | "sum";
  /** Share of training from which on gradients count; before it there is the cross-entropy alone. */
  readonly from: number;
  /** The discriminator. */
  readonly discriminator: IgamDiscriminator;
  /**
   * Radius of uniform noise on the pixels ("8/255"), which stay in [0,1].
   * @default {none}
   */
  readonly randomStart?: string;
}

/**
 * Input gradient adversarial matching, J the gradient of softmax(f(x))_y by the pixels:
 * ce = mean_i CE(f_S(x_i), y_i); iga = weight mean_i ||J_S,i - J_T,i||_2^2;
 * adv = -adversarialWeight L_D, L_D the mean cross-entropy of a discriminator that says of a gradient map whether it is the
 * student's or the teacher's. The last two are 0 before the share `from` of training.
 *
 * The discriminator is carried from step to step. It is a constant of the terms, and moves itself against L_D at constant
 * gradient maps, every so many steps by SGD with momentum 0.9.
 *
 * Source: Chan, Tay, Ong, "What it thinks is important is important" (2020), section 3; its released code,
 * alvinchangw/IGAM_CVPR2020 (f3dba12, train_igam.py, model_new.py).
 * Differs from the code in updating student and discriminator from the same gradient maps, where the code makes those of
 * the student anew after its update; and in weighing them at pixels in [0,1], not [0,255]: gradients are 255 times larger
 * here and `weight` is 1 / 65025 of its gamma. Both networks have the same images and classes here: the teacher of the
 * paper is finetuned to the student's classes before.
 */
export const igam: Objective<IgamSpec> = {
  termNames: () => ["ce", "adv", "iga"],
  needs: () => ["teacher"],
  // As kdiga; a traced step has no branches, so gradients cost as much before `from`. The discriminator is not counted.
  passes: () => ({ studentForward: 1, studentBackward: 3, teacherForward: 1, teacherBackward: 1 }),
  check({ adversarialWeight, weight, from, discriminator, randomStart }) {
    const { layers, channels, every, learningRate, weightDecay } = discriminator;
    const weights = { adversarialWeight, weight, learningRate, weightDecay };
    for (const [field, value] of Object.entries(weights)) checkWeight(field, value, 1);
    for (const [field, value] of Object.entries({ layers, channels, every })) {
      if (!(Number.isInteger(value) && value >= 1)) {
        throw new UsageError(`Cannot use ${field} = ${value} of the discriminator: write an integer of at least 1`);
      }
    }
    if (!(from >= 0 && from < 1)) {
      throw new UsageError(`Cannot match gradients from ${from} of training on: write a share from 0 to below 1`);
    }
    if (randomStart !== undefined) parseEps(randomStart);
  },
  perturb({ x, ids, rng }, { randomStart }) {
    if (randomStart === undefined) return Promise.resolve(undefined);
    return Promise.resolve(uniformNoise(x, ids, parseEps(randomStart), rng, true));
  },
  state({ discriminator }, { inputShape }, rng) {
    const weights = initDiscriminator(discriminator, inputShape, rng);
    const velocity = Object.entries(weights).map(([name, { shape }]): [string, NdArray<"float32">] => [
      `velocity.${name}`,
      float32(shape),
    ]);
    return { ...weights, ...Object.fromEntries(velocity), wait: scalar(0) };
  },
  losses(pair, batch, spec, { progress, state }) {
    const { adversarialWeight, weight, reduction = "mean", from, discriminator } = spec;
    const { y } = batch;
    const x = batch.xAdv ?? batch.x;
    const ofOwnClass = (logits: Tensor) => exp(neg(crossEntropy(logits, classesOf(y))));
    const student = inputGradient(pair.student, x, y, ofOwnClass);
    const taught = stopGradient(inputGradient(requireTeacher(pair.teacher), x, y, ofOwnClass).gradient);

    const size = y.shape[0]!;
    const whose = constant({
      dtype: "int32",
      shape: [2 * size],
      data: Int32Array.from({ length: 2 * size }, (_, i) => i < size ? 0 : 1),
    });
    const names = Object.keys(state).filter((name) => name !== "wait" && !name.startsWith("velocity."));
    const weights = Object.fromEntries(names.map((name) => [name, state[name]!]));
    const loss = (maps: Tensor, at: typeof weights) => mean(crossEntropy(discriminate(at, maps), whose));
    const maps = concat([student.gradient, taught], 0);

    const active = cast(greaterEqual(progress, from), "float32");
    const squares = square(sub(student.gradient, taught));
    const distance = mul(sum(squares), reduction === "mean" ? 1 / size : 1);
    const moved = moveDiscriminator(weights, state, discriminator, active, (at) => loss(stopGradient(maps), at));
    return {
      terms: {
        ce: mean(student.crossEntropy),
        adv: mul(loss(maps, weights), mul(active, -adversarialWeight)),
        iga: mul(distance, mul(active, weight)),
      },
      state: moved,
    };
  },
};

/** The discriminator after a step of its own, where it is its turn. */
function moveDiscriminator(
  weights: Readonly<Record<string, Tensor>>,
  state: Readonly<Record<string, Tensor>>,
  { learningRate, weightDecay, every }: IgamDiscriminator,
  active: Tensor,
  loss: (weights: Readonly<Record<string, Tensor>>) => Tensor,
): Record<string, Tensor> {
  const { grad } = valueAndGrad((at: typeof weights) => ({ value: loss(at) }), weights);
  const wait = state.wait!;
  const turn = mul(cast(equal(wait, 0), "float32"), active);
  const moved: Record<string, Tensor> = {};
  for (const [name, weight] of Object.entries(weights)) {
    const before = state[`velocity.${name}`]!;
    const decays = /^(conv\d+|fc)\.weight$/.test(name);
    const slope = decays ? add(grad[name]!, mul(weight, weightDecay)) : grad[name]!;
    const velocity = add(mul(before, 0.9), slope);
    moved[name] = sub(weight, mul(mul(velocity, learningRate), turn));
    moved[`velocity.${name}`] = add(before, mul(sub(velocity, before), turn));
  }
  return { ...moved, wait: where(equal(wait, 0), add(mul(wait, 0), every - 1), sub(wait, 1)) };
}

/**
 * IGAM as its released code trains CIFAR-100 from CIFAR-10 (run_IGAM_c10toc100.sh): beta 2, gamma 10 at pixels in
 * [0,255], batches of 32, gradients from step 280,000 of 320,000 on, where the learning rate is 0.001, the
 * discriminator moved at every fifth step. The mean over images has the weight of that sum at 32 images.
 */
export const IGAM_PAPER: IgamSpec = {
  kind: "igam",
  adversarialWeight: 2,
  weight: 10 * 32 / 255 ** 2,
  from: 280 / 320,
  discriminator: { layers: 5, channels: 16, learningRate: 0.001, weightDecay: 0.0002, every: 5 },
  randomStart: "8/255",
};

/** IGAM with the sum over images of the released code; the same at batches of 32. */
export const IGAM_RELEASED_CODE: IgamSpec = { ...IGAM_PAPER, weight: 10 / 255 ** 2, reduction: "sum" };
