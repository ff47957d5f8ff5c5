import { parseEps, type Rng, scalar, UsageError } from "../core/mod.ts";
import {
  add,
  cachedProgram,
  disposeTree,
  type Engine,
  mul,
  type Program,
  sum,
  type Tensor,
  type Value,
  valueAndGrad,
} from "../engine/mod.ts";
import { type AttackSpec, MAX_EPS, project, steepestStep, unitStarts, validateSpec } from "../attacks/mod.ts";
import { crossEntropy, klDivergence } from "../losses/mod.ts";
import type { Classifier, Mode, Weights } from "../models/mod.ts";
import type { Passes, PerturbContext } from "./objective.ts";

/** The attack on the student by which an objective makes the images that it is trained on. */
export interface InnerAttackFields {
  /** Radius in pixel units: "8/255". */
  readonly eps: string;
  /** Gradient steps. */
  readonly steps: number;
  /** Length of a step in pixel units ("2/255"); not together with `relativeStepSize`. */
  readonly stepSize?: string;
  /**
   * Length of a step as a share of eps; not together with `stepSize`.
   * @default {2.5 / steps, at most 2}
   */
  readonly relativeStepSize?: number;
  /**
   * Norm of the ball.
   * @default {"Linf"}
   */
  readonly norm?: "Linf" | "L2";
  /**
   * Where it starts: "uniform" in the ball; "gaussian", 0.001 N(0, 1) on every pixel, brought back into ball and box;
   * "none", at the image itself.
   * @default {"uniform"}
   */
  readonly start?: "uniform" | "gaussian" | "none";
  /**
   * Batch statistics or running ones in the student while it is attacked.
   * @default {"eval"}
   */
  readonly studentMode?: Mode;
}

/**
 * What an inner attack raises, x' its iterate, S the student and T the teacher:
 * - "crossEntropy": CE(S(x'), y)
 * - "klToClean": KL(S(x) || S(x')), S(x) held constant
 * - "klToCleanTeacher": KL(T(x) || S(x')), T(x) held constant
 * - "klToTeacher": KL(T(x') || S(x')), differentiated through both
 */
export type InnerLoss = "crossEntropy" | "klToClean" | "klToCleanTeacher" | "klToTeacher";

/**
 * Perturbs a batch for training: projected gradient ascent, the last iterate. Same steps as {@linkcode perturb}, and
 * for "crossEntropy" the same bits. Starts are keyed by image id below the stream of the step.
 *
 * @param context Student, teacher and batch.
 * @param fields The attack.
 * @param loss What it raises.
 * @returns x' [B, H, W, C], inside ball and box; the caller owns it.
 * @throws {TypeError} If the loss needs a teacher and there is none.
 *
 * Source: Madry et al. (2018), section 2.1; "klToClean" as in Zhang et al. (2019), algorithm 1, and yaodongyu/TRADES,
 * 6e8e11b, trades.py; "klToCleanTeacher" as in Zi et al. (2021) and zibojia/RSLAD, c40e04f, rslad_loss.py; "klToTeacher"
 * as in Huang et al. (2023) and boyellow/AdaAD, fe97c3e, AT_helper.py.
 * Differs from those codes in bringing a "gaussian" start into ball and box before the first step, not after it.
 */
export async function innerAttack(
  context: PerturbContext,
  fields: InnerAttackFields,
  loss: InnerLoss,
): Promise<Value> {
  const { engine, ids } = context;
  const { norm = "Linf", steps, start = "uniform", studentMode = "eval" } = fields;
  const { weights, logits } = context.student(studentMode);
  const teacher = asksTeacher(loss) ? context.teacher : undefined;
  if (asksTeacher(loss) && teacher === undefined) {
    throw new TypeError(`Cannot raise "${loss}" without a teacher: give the context one`);
  }
  const eps = radiusOf(fields);
  const lengths = { eps: scalar(eps), stepSize: scalar(stepOf(fields, eps)) };
  const step = stepProgram(engine, logits, teacher?.logits, loss, norm);
  const [x, y] = [engine.put(context.x), engine.put(context.y)];
  let clean: Value | undefined;
  try {
    const asked = CLEAN[loss] === "student" ? { logits, weights } : CLEAN[loss] === "teacher" ? teacher : undefined;
    if (asked) clean = await cleanProgram(engine, asked.logits)({ weights: asked.weights, x });
    const taught = loss === "klToTeacher" ? teacher!.weights : undefined;
    let at: Value | undefined;
    if (start !== "none") {
      const { point, scale } = START[start](context.x.shape, norm, ids, context.rng, eps);
      at = await startProgram(engine, norm)({ x, point, scale: scalar(scale), eps: lengths.eps });
    }
    for (let k = 0; k < steps; k++) {
      const before = at;
      try {
        at = await step({ weights, teacher: taught, x, y, clean, xAdv: before ?? x, ...lengths });
      } finally {
        before?.dispose();
      }
    }
    return at!;
  } finally {
    disposeTree([x, y, clean]);
  }
}

/**
 * Checks an inner attack.
 *
 * @param fields The attack, and whatever else its objective has.
 * @param loss What it raises.
 * @throws {UsageError} If a field is out of its range, or the attack could not leave its start.
 */
export function checkInnerAttack(fields: InnerAttackFields, loss: InnerLoss): void {
  const { norm, steps, stepSize, relativeStepSize, start } = fields;
  const attack = { kind: "pgd", norm, steps, stepSize, relativeStepSize };
  const given = Object.fromEntries(Object.entries(attack).filter(([, value]) => value !== undefined));
  validateSpec(given satisfies Partial<AttackSpec>, [radiusOf(fields)], "objective");
  if (loss === "klToClean" && start === "none") {
    throw new UsageError(
      `Cannot use the start "none" where the divergence from the clean answer is raised, as its gradient is 0 there: ` +
        'write "gaussian" or "uniform"',
    );
  }
}

/**
 * Network passes of a step whose images an inner attack makes.
 *
 * @param fields The attack.
 * @param loss What it raises.
 * @param losses Passes of the step itself, as numbers of {@linkcode Passes}; 0 where left out.
 * @returns Both together.
 */
export function innerAttackPasses(
  { steps }: Pick<InnerAttackFields, "steps">,
  loss: InnerLoss,
  losses: Partial<Passes>,
): Passes {
  const { studentForward = 0, studentBackward = 0, teacherForward = 0, teacherBackward = 0 } = losses;
  const [perStep, clean] = [loss === "klToTeacher" ? steps : 0, CLEAN[loss]];
  return {
    studentForward: studentForward + steps + (clean === "student" ? 1 : 0),
    studentBackward: studentBackward + steps,
    teacherForward: teacherForward + perStep + (clean === "teacher" ? 1 : 0),
    teacherBackward: teacherBackward + perStep,
  };
}

/** Who is asked for the logits of the clean images. */
const CLEAN: { readonly [L in InnerLoss]: "student" | "teacher" | undefined } = {
  crossEntropy: undefined,
  klToClean: "student",
  klToCleanTeacher: "teacher",
  klToTeacher: undefined,
};

const asksTeacher = (loss: InnerLoss): boolean => loss === "klToTeacher" || CLEAN[loss] === "teacher";

const radiusOf = ({ eps, norm = "Linf" }: InnerAttackFields): number => parseEps(eps, MAX_EPS[norm]);

function stepOf({ stepSize, relativeStepSize, steps, norm = "Linf" }: InnerAttackFields, eps: number): number {
  return stepSize === undefined
    ? eps * (relativeStepSize ?? Math.min(2.5 / steps, 2))
    : parseEps(stepSize, MAX_EPS[norm]);
}

type NormOf = NonNullable<InnerAttackFields["norm"]>;

/** Points [B, H, W, C] and the factor that makes perturbations of them. */
const START = {
  uniform: (shape: readonly number[], norm: NormOf, ids: Int32Array, rng: Rng, eps: number) => (
    { point: unitStarts(shape, norm, ids, rng, 0), scale: eps }
  ),
  gaussian: (shape: readonly number[], _norm: NormOf, ids: Int32Array, rng: Rng) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    const size = data.length / ids.length;
    ids.forEach((id, row) => data.set(rng.child("start", id, 0).normal(size), row * size));
    return { point: { dtype: "float32", shape, data } as const, scale: 0.001 };
  },
};

interface Start {
  readonly x: Tensor;
  readonly point: Tensor;
  readonly scale: Tensor;
  readonly eps: Tensor;
}

function startProgram(engine: Engine, norm: NormOf): Program<Start, Tensor> {
  return cachedProgram(
    engine,
    innerAttack,
    `inner attack start ${norm}`,
    () => ({ x, point, scale, eps }) => project(add(x, mul(point, scale)), x, norm, eps),
  );
}

type Logits = Classifier["logits"];

function cleanProgram(
  engine: Engine,
  logits: Logits,
): Program<{ readonly weights: Weights<Tensor>; readonly x: Tensor }, Tensor> {
  return cachedProgram(engine, logits, "inner attack clean logits", () => ({ weights, x }) => logits(weights, x));
}

interface Step {
  readonly weights: Weights<Tensor>;
  /** Weights of the teacher, where it is asked in every step. */
  readonly teacher: Weights<Tensor> | undefined;
  readonly x: Tensor;
  readonly y: Tensor;
  /** Logits that the divergence is from [B, classes], where they stay the same. */
  readonly clean: Tensor | undefined;
  /** Iterate. */
  readonly xAdv: Tensor;
  readonly eps: Tensor;
  readonly stepSize: Tensor;
}

function stepProgram(
  engine: Engine,
  student: Logits,
  teacher: Logits | undefined,
  loss: InnerLoss,
  norm: NormOf,
): Program<Step, Tensor> {
  const owner = loss === "klToTeacher" ? pairOf(student, teacher!) : student;
  return cachedProgram(engine, owner, `inner attack step ${loss} ${norm}`, () => (inputs) => {
    const { weights, x, y, clean, xAdv, eps, stepSize } = inputs;
    const { grad } = valueAndGrad((at: Tensor) => {
      const z = student(weights, at);
      const each = loss === "crossEntropy"
        ? crossEntropy(z, y)
        : klDivergence(clean ?? teacher!(inputs.teacher!, at), z);
      // The sum, not the mean: each image has its own gradient, whatever its batch is.
      return { value: sum(each) };
    }, xAdv);
    return project(add(xAdv, mul(steepestStep(grad, norm), stepSize)), x, norm, eps);
  });
}

const pairs = new WeakMap<Logits, WeakMap<Logits, object>>();

/** The one object that stands for two networks: programs of both are kept by it. */
function pairOf(student: Logits, teacher: Logits): object {
  let byTeacher = pairs.get(student);
  if (!byTeacher) pairs.set(student, byTeacher = new WeakMap());
  let pair = byTeacher.get(teacher);
  if (!pair) byTeacher.set(teacher, pair = {});
  return pair;
}
