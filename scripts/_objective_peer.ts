import { fileURLToPath } from "node:url";
import {
  type AccuracyTable,
  ADAAD_PAPER,
  ADAIAD_PAPER,
  AKD_PAPER,
  ARD_KDIGA_RELEASED_CODE,
  ARD_PAPER,
  createModel,
  decodeSafetensors,
  disposeTree,
  encodeSafetensors,
  type Engine,
  float32,
  freeze,
  IAD_RELEASED_CODE,
  int32,
  KDIGA_PAPER,
  KDIGA_RELEASED_CODE,
  MART_RELEASED_CODE,
  type ModelSpec,
  type NdArray,
  objectiveOf,
  type ObjectiveSpec,
  rng,
  RSLAD_PAPER,
  RSLAD_RELEASED_CODE,
  scalar,
  takeTree,
  toPyTorch,
  TRADES_PAPER,
  trainingStep,
} from "../mod.ts";
import { movedOffZero, NEEDS, realWeights, relativeErrors, type TorchPeer } from "./_check_torch.ts";
import { startPython } from "./_python.ts";

/** Bounds of the relative errors: of the loss, of the statistics, and of gradient and parameters, array by array. */
export const STEP_BOUNDS = { terms: 1e-4, buffers: 1e-4, gradient: 1e-3, parameters: 1e-3 } as const;

/** What is checked, by its name. Weights are such that every term has its share of the gradient. */
export const COMPARED: Readonly<Record<string, ObjectiveSpec>> = {
  "kd": { kind: "kd", alpha: 0.9, temperature: 4 },
  "kdiga": KDIGA_PAPER,
  "kdiga-released-code": { ...KDIGA_RELEASED_CODE, weight: 50 },
  "trades": TRADES_PAPER,
  "mart": MART_RELEASED_CODE,
  "ard": { ...ARD_PAPER, alpha: 0.9 },
  "ard-kdiga-released-code": ARD_KDIGA_RELEASED_CODE,
  "akd": AKD_PAPER,
  "iad": { ...IAD_RELEASED_CODE, beta: 1 },
  "rslad": RSLAD_PAPER,
  "rslad-released-code": RSLAD_RELEASED_CODE,
  "adaad": { ...ADAAD_PAPER, alpha: 0.6 },
  "adaiad": { ...ADAIAD_PAPER, beta: 1 },
};

/** One training step of both, with one nonlinearity. */
export interface StepRow {
  readonly method: string;
  readonly activation: string;
  /** Our terms. */
  readonly terms: Readonly<Record<string, number>>;
  /** Largest difference of a term over the loss. */
  readonly termError: number;
  /** Largest relative errors of an array, and the array. */
  readonly gradient: number;
  readonly worst: string;
  readonly parameters: number;
  readonly buffers: number;
  /** The gradient's error of PyTorch in float32. */
  readonly peerGradient: number;
  /** Ours, compilation as well, and PyTorch in float64. */
  readonly seconds: number;
  readonly peerSeconds: number;
}

/**
 * Starts PyTorch.
 *
 * @param python Path of a Python with torch.
 * @param threads Threads of an operator.
 */
export async function startObjectivePeer(python: string, threads: number): Promise<TorchPeer> {
  const program = fileURLToPath(new URL("./_objective_peer.py", import.meta.url));
  return await startPython(python, [program, `${threads}`], NEEDS);
}

/** Student, teacher and images. */
export interface StepSetting {
  readonly student: ModelSpec;
  readonly images: number;
}

/** ResNet-18 at a quarter of its width. */
export const FULL: StepSetting = { student: { kind: "resnet18", width: 16 }, images: 8 };
/** The same with a block per stage, narrower. */
export const SMALL: StepSetting = { student: { kind: "resnet18", width: 4, blocks: [1, 1, 1, 1] }, images: 4 };

const PIXELS = { mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616] } as const;
const SHAPE = { classes: 10, inputShape: [32, 32, 3] } as const;
const TEACHER = { kind: "cnn", width: 8, activation: "softplus" } as const;
const RATES = { learningRate: 0.1, weightDecay: 5e-4 } as const;

/**
 * Does one training step of a method on both sides, from the same weights, images, attacked images and labels: ours as
 * training does it, in training mode, every pass moving batch norm's statistics.
 *
 * @param engine Where ours runs.
 * @param peer PyTorch.
 * @param method Its name.
 * @param spec Its objective.
 * @param setting The networks.
 * @param activation The student's nonlinearity.
 * @param folder For files between both.
 */
export async function checkStep(
  engine: Engine,
  peer: TorchPeer,
  method: string,
  spec: ObjectiveSpec,
  setting: StepSetting,
  activation: "relu" | "softplus",
  folder: string,
): Promise<StepRow> {
  const random = rng(1, "objective-peer");
  const modelSpec = { ...PIXELS, ...setting.student, activation } as ModelSpec;
  const [model, teacher] = [createModel(modelSpec, SHAPE), createModel(TEACHER, SHAPE)];
  const size = [setting.images, ...SHAPE.inputShape];
  const x = float32(size, random.child("x").uniform(size));
  const y = int32([setting.images], random.child("y").integers(setting.images, SHAPE.classes));
  const weights = await realWeights(engine, model, x, random);
  const taught = movedOffZero(teacher.init(random.child("teacher")), random.child("teacher"));

  const start = performance.now();
  // Two steps of the inner attack are enough to leave the start.
  const objective = "steps" in spec ? { ...spec, steps: 2 } : spec;
  const given = await objectiveOf(objective).perturb?.({
    engine,
    student: () => freeze(model, weights),
    teacher: freeze(teacher, taught),
    x,
    y,
    ids: Int32Array.from({ length: setting.images }, (_, i) => i),
    progress: 0.5,
    rng: random.child("perturb"),
  }, objective);
  const xAdv = given && await engine.read(given);
  disposeTree(given);
  const program = engine.compile(trainingStep({
    model,
    teacher: teacher.logits,
    objective,
    optimizer: { kind: "sgd", momentum: 0.9, weightDecay: RATES.weightDecay },
    batchNormUpdates: "every",
  }));
  const zero = Object.entries(weights.parameters).map(([name, { shape }]) => [name, float32(shape)] as const);
  const outputs = await takeTree(
    engine,
    await program({
      ...weights,
      optimizerState: { velocity: Object.fromEntries(zero) },
      teacher: taught,
      x,
      y,
      xAdv,
      learningRate: scalar(RATES.learningRate),
      progress: scalar(0.5),
    }),
  );
  program.dispose();
  const seconds = (performance.now() - start) / 1000;

  const files = Object.fromEntries(
    ["student", "teacher", "batch", "found"].map((name) => [name, `${folder}/${name}`]),
  ) as Record<"student" | "teacher" | "batch" | "found", string>;
  await Deno.writeFile(files.student, encodeSafetensors({ tensors: toPyTorch(weights) }));
  await Deno.writeFile(files.teacher, encodeSafetensors({ tensors: toPyTorch(taught) }));
  await Deno.writeFile(files.batch, encodeSafetensors({ tensors: { x, y, xAdv: xAdv ?? x } }));
  const theirs = async (dtype: "float64" | "float32") => {
    const answer = await peer.ask<{ readonly terms: Readonly<Record<string, number>>; readonly seconds: number }>({
      dtype,
      ...SHAPE,
      ...RATES,
      objective,
      student: { model: modelSpec, weights: files.student },
      teacher: { model: TEACHER, weights: files.teacher },
      batch: files.batch,
      into: files.found,
    });
    return { ...answer, arrays: decodeSafetensors(await Deno.readFile(files.found)).tensors };
  };
  const exact = await theirs("float64");
  const single = await theirs("float32");

  const part = (arrays: Readonly<Record<string, NdArray>>, prefix: string) =>
    Object.fromEntries(
      Object.entries(arrays).filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [
        name.slice(prefix.length),
        array,
      ]),
    );
  // The first velocity is the gradient and the decay.
  const gradients = Object.fromEntries(
    Object.entries(outputs.optimizerState.velocity!).map(([name, { shape, data }]) => {
      const before = weights.parameters[name]!.data;
      return [name, float32(shape, Array.from(data, (value, i) => value - RATES.weightDecay * before[i]!))];
    }),
  );
  const errorsOf = (prefix: string, ours: Readonly<Record<string, NdArray>>) =>
    largest(relativeErrors(ours, part(exact.arrays, prefix)));
  const [worst, gradient] = errorsOf("gradient.", toPyTorch({ parameters: gradients, buffers: {} }));
  const [, parameters] = errorsOf("parameter.", toPyTorch({ parameters: outputs.parameters, buffers: {} }));
  const [, buffers] = errorsOf("buffer.", toPyTorch({ parameters: {}, buffers: outputs.buffers }));
  const terms = Object.fromEntries(Object.entries(outputs.terms).map(([name, { data }]) => [name, data[0]!]));
  return {
    method,
    activation,
    terms,
    termError: termError(terms, exact.terms),
    gradient,
    worst,
    parameters,
    buffers,
    peerGradient: errorsOf("gradient.", part(single.arrays, "gradient."))[1],
    seconds,
    peerSeconds: exact.seconds,
  };
}

/** Largest difference of a term over the loss; NaN where the names differ. */
export function termError(ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, number>>): number {
  if (Object.keys(ours).join() !== Object.keys(theirs).join()) return NaN;
  const loss = Object.values(theirs).reduce((sum, term) => sum + term, 0);
  return Math.max(...Object.keys(ours).map((name) => Math.abs(ours[name]! - theirs[name]!) / Math.abs(loss)));
}

/**
 * Whether both did the same step.
 *
 * @param row With ReLU.
 * @param smooth With softplus.
 * @returns "ok": within all bounds. "kinks": only gradient and parameters with ReLU miss theirs. "broken" else.
 */
export function stepVerdict(row: StepRow, smooth: StepRow): "ok" | "kinks" | "broken" {
  const values = ({ termError, buffers }: StepRow) => termError <= STEP_BOUNDS.terms && buffers <= STEP_BOUNDS.buffers;
  const gradients = ({ gradient, parameters }: StepRow) =>
    gradient <= STEP_BOUNDS.gradient && parameters <= STEP_BOUNDS.parameters;
  if (!values(row) || !values(smooth) || !gradients(smooth)) return "broken";
  return gradients(row) ? "ok" : "kinks";
}

/** The rows as a table. */
export function stepTable(rows: readonly StepRow[]): AccuracyTable {
  return {
    caption:
      "One training step against PyTorch in float64: largest difference of a term over the loss; relative errors, " +
      "max |ours - PyTorch| / max |PyTorch| of an array, the largest of all arrays, of the gradient (behind / PyTorch's " +
      "own in float32), of the parameters after one step of SGD with momentum and decay, and of batch norm's running " +
      "statistics. Where an array is exactly 0, over the largest of all arrays.",
    columns: [
      "Method",
      "Nonlinearity",
      "Terms",
      "Term error",
      "Gradient",
      "Worst array",
      "Parameters",
      "Statistics",
      "s",
    ],
    rows: rows.map((row) => [
      row.method,
      row.activation,
      Object.entries(row.terms).map(([name, value]) => `${name} ${value.toPrecision(3)}`).join(", "),
      row.termError.toExponential(1),
      `${row.gradient.toExponential(1)} / ${row.peerGradient.toExponential(1)}`,
      row.worst,
      row.parameters.toExponential(1),
      row.buffers.toExponential(1),
      `${row.seconds.toFixed(1)} / ${row.peerSeconds.toFixed(1)}`,
    ]),
  };
}

function largest(errors: Readonly<Record<string, number>>): [name: string, error: number] {
  const rank = (error: number) => Number.isNaN(error) ? Infinity : error;
  return Object.entries(errors).toSorted(([, a], [, b]) => rank(b) - rank(a))[0] ?? ["", 0];
}
