import {
  add,
  cachedProgram,
  disposeTree,
  div,
  type Engine,
  exp,
  logSoftmax,
  maxConstant,
  mean,
  mul,
  neg,
  oneHot,
  type Program,
  reshape,
  stopGradient,
  sub,
  sum,
  type Tensor,
  valueAndGrad,
} from "../engine/mod.ts";
import { classesOf, klDivergence } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { checkWeight, requirePerturbed, requireTeacher } from "./_distillation_terms.ts";
import { checkInnerAttack, innerAttack, type InnerAttackFields, innerAttackPasses } from "./inner_attack.ts";
import type { Objective } from "./objective.ts";

/** Distillation at images of an attack on a linearised teacher, weighted by the teacher's entropy. */
export interface SaadSpec extends InnerAttackFields {
  /** Discriminates the objectives. */
  readonly kind: "saad";
  /** Weight a of the matched differences (IGDM) at the end of training. */
  readonly gradientWeight: number;
  /** Weight beta of the divergence at clean images, of those that weigh little at x'. */
  readonly cleanWeight: number;
  /**
   * Weights of the images at x', H_i the entropy of T(x'_i) in nats: "entropy" is w_i = H_i; "shifted" is
   * w_i = 5 (H_i - min_j H_j), as in the released code, where the image of least entropy has no weight.
   * @default {"entropy"}
   */
  readonly weighting?: "entropy" | "shifted";
}

/**
 * Sample-wise adaptive adversarial distillation: kl = mean_i w_i KL(T(x'_i) || S(x'_i)),
 * igdm = gradientWeight progress mean_i w_i KL(T(x'_i) - T(x_i - d_i) || S(x'_i) - S(x_i - d_i)) and, where cleanWeight
 * is positive, klClean = cleanWeight mean_i (1 - v_i) KL(T(x_i) || S(x_i)), d = x' - x, v = w brought to [0, 1] over the
 * batch. The weights are of the teacher alone, so no gradient goes through them.
 *
 * x' raises KL(T_lin(x') || S(x')), where T_lin(x') = T(x) + onehot(y) (g . (x' - x)), g the input gradient of the
 * teacher's logit of y at x: the teacher is asked once, not in every step.
 *
 * Source: Lee, Chung, "Sample-wise adaptive weighting for transfer consistency in adversarial distillation" (2026),
 * equations 8 and 11; attack and "shifted" weights from its released code, HongsinLee/saad (295121c, saad.py,
 * attacks.py, with gamma 1: Shannon's entropy).
 * Differs in what {@linkcode igdm} differs in; the running mean of weights (SWA) is not part of an objective.
 */
export const saad: Objective<SaadSpec> = {
  termNames: ({ cleanWeight }) => ["kl", "igdm", ...(cleanWeight > 0 ? ["klClean"] : [])],
  needs: () => ["teacher"],
  passes(spec) {
    const clean = spec.cleanWeight > 0 ? 1 : 0;
    // T at x with its gradient, for the attack; T at x', at x - d and where it counts at x. The linearised teacher that
    // every step asks is no network.
    return innerAttackPasses(spec, "crossEntropy", {
      studentForward: 2 + clean,
      studentBackward: 2 + clean,
      teacherForward: 3 + clean,
      teacherBackward: 1,
    });
  },
  check(spec) {
    checkInnerAttack(spec, "klToTeacher");
    checkWeight("gradientWeight", spec.gradientWeight, 1);
    checkWeight("cleanWeight", spec.cleanWeight, 0.2);
  },
  async perturb(context, spec) {
    const { engine, teacher, x, y } = context;
    if (teacher === undefined) throw new TypeError("Cannot linearise a teacher without one: give the context one");
    const pixels = engine.put(x);
    try {
      const parameters = await linearised(engine, teacher)({ weights: teacher.weights, x: pixels, y });
      try {
        const linear = {
          ...teacher,
          logits: linearLogits,
          weights: { parameters: { ...parameters, x: pixels }, buffers: {} },
        };
        return await innerAttack({ ...context, teacher: linear }, spec, "klToTeacher");
      } finally {
        disposeTree(parameters);
      }
    } finally {
      pixels.dispose();
    }
  },
  losses(pair, { x, xAdv }, spec, { progress }) {
    const at = requirePerturbed(xAdv);
    const { gradientWeight, cleanWeight, weighting = "entropy" } = spec;
    const asked = requireTeacher(pair.teacher);
    const teacher = (images: Tensor) => stopGradient(asked(images));
    const opposite = sub(mul(x, 2), at);
    const taught = teacher(at);
    const student = pair.student(at);
    const entropies = entropyOf(taught);
    const weights = weighting === "entropy" ? entropies : mul(sub(entropies, least(entropies)), 5);
    const weighted = (each: Tensor) => mean(mul(weights, each));
    const differences = klDivergence(sub(taught, teacher(opposite)), sub(student, pair.student(opposite)));
    const terms = {
      kl: weighted(klDivergence(taught, student)),
      igdm: mul(weighted(differences), mul(progress, gradientWeight)),
    };
    if (cleanWeight === 0) return { terms };
    const unimportant = sub(1, toUnit(weights));
    const clean = mean(mul(unimportant, klDivergence(teacher(x), pair.student(x))));
    return { terms: { ...terms, klClean: mul(clean, cleanWeight) } };
  },
};

/** Entropy of softmax(z) in nats [B]. */
function entropyOf(logits: Tensor): Tensor {
  const logs = logSoftmax(logits);
  return neg(sum(mul(exp(logs), logs), -1));
}

const least = (x: Tensor): Tensor => neg(maxConstant(neg(x)));

/** Numbers brought to [0, 1] over the batch. */
function toUnit(x: Tensor): Tensor {
  const above = sub(x, least(x));
  return div(above, add(maxConstant(above), 1e-8));
}

interface Linearise {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
}

/** T(x), onehot(y) and the input gradient of the logit of y, at x. */
function linearised(
  engine: Engine,
  { logits }: Classifier,
): Program<Linearise, { readonly logits: Tensor; readonly own: Tensor; readonly gradient: Tensor }> {
  return cachedProgram(engine, logits, "linearised teacher", () => ({ weights, x, y }) => {
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const z = logits(weights, at);
      const own = oneHot(classesOf(y), z.shape[1]!);
      return { value: sum(mul(z, own)), aux: { logits: z, own } };
    }, x);
    return { ...aux, gradient: grad };
  });
}

/** T(x) + onehot(y) (g . (x' - x)): a network whose weights are those numbers. */
function linearLogits({ parameters }: Weights<Tensor>, at: Tensor): Tensor {
  const { logits, own, gradient, x } = parameters as Record<"logits" | "own" | "gradient" | "x", Tensor>;
  const along = sum(reshape(mul(gradient, sub(at, x)), [at.shape[0]!, -1]), 1, true);
  return add(logits, mul(own, along));
}

/** SAAD for CIFAR-10 as the paper writes it; gradientWeight is 10 for CIFAR-100 and Tiny ImageNet. */
export const SAAD_PAPER: SaadSpec = {
  kind: "saad",
  eps: "8/255",
  steps: 10,
  stepSize: "2/255",
  start: "gaussian",
  gradientWeight: 1,
  cleanWeight: 0,
};

/** SAAD-C, which keeps more accuracy on clean images. */
export const SAAD_CLEAN: SaadSpec = { ...SAAD_PAPER, cleanWeight: 0.2 };

/**
 * SAAD as its released code computes it: weights 5 (H_i - min_j H_j). The code runs the student on clean images though
 * their weight is 0, which moves batch norm's running statistics once more.
 */
export const SAAD_RELEASED_CODE: SaadSpec = { ...SAAD_PAPER, weighting: "shifted" };
