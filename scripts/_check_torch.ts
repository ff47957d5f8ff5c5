import { fileURLToPath } from "node:url";
import {
  type AccuracyTable,
  add,
  alignment,
  createModel,
  decodeSafetensors,
  disposeTree,
  encodeSafetensors,
  type Engine,
  float32,
  inputGradient,
  int32,
  kdiga,
  type Leaf,
  type Mode,
  type NdArray,
  type Network,
  putTree,
  type Rng,
  rng,
  scalar,
  sizeOf,
  takeTree,
  type Tensor,
  toPyTorch,
  valueAndGrad,
  type Weights,
} from "../mod.ts";
import type { Family, Member } from "./_check_torch_families.ts";
import { type PythonPeer, startPython } from "./_python.ts";

/** What is to be done where the Python does not work. */
export const NEEDS = "give --python a Python with torch 2";

/** Bounds of the relative errors. */
export const BOUNDS = { logits: 1e-4, inputGradient: 1e-3, parameterGradient: 1e-3 } as const;

/** How far the gradient of the KDIGA loss with respect to all parameters is from PyTorch's. */
export interface ParameterErrors {
  /** "eval": batch norm by running statistics; "train": by those of the batch. */
  readonly mode: Mode;
  /** Largest relative error of an array. */
  readonly error: number;
  /** The array where it is. */
  readonly worst: string;
  /** The same of PyTorch in float32. */
  readonly peerError: number;
  /** Length of the alignment term's part of the gradient, which is all second order, over that of the whole. */
  readonly alignmentShare: number;
}

/** What was found for a network with one nonlinearity. */
export interface CheckRow {
  readonly family: string;
  readonly activation: string;
  /** Images that were drawn. */
  readonly images: number;
  /** Trained numbers, as PyTorch counts them. */
  readonly parameters: number;
  /** What was compared with: "torchvision 0.28.0", "own definition". */
  readonly reference: string;
  /** Largest relative errors in evaluation mode. */
  readonly logits: number;
  readonly inputGradient: number;
  /** The same of PyTorch in float32. */
  readonly peerLogits: number;
  readonly peerInputGradient: number;
  readonly parameterGradients: readonly ParameterErrors[];
  /** Draws of images that missed a bound before these, where rounding decides ties of max-pooling. */
  readonly missed: readonly string[];
  /** All of ours, compilation as well, and PyTorch in float64, in seconds. */
  readonly seconds: number;
  readonly peerSeconds: number;
}

/** A network whose reference is not installed. */
export interface MissingRow {
  readonly family: string;
  readonly missing: string;
}

/** What came out. */
export type Verdict = "ok" | "kinks" | "broken";

/** PyTorch, which holds one network at a time. */
export type TorchPeer = PythonPeer<{ readonly version: string; readonly threads: number }>;

/**
 * Starts PyTorch.
 *
 * @param python Path of a Python with torch.
 * @param threads Threads of an operator.
 */
export async function startTorch(python: string, threads: number): Promise<TorchPeer> {
  return await startPython(python, [fileURLToPath(new URL("./_check_torch.py", import.meta.url)), `${threads}`], NEEDS);
}

/** Weight of the alignment term where the distance is 1: it is four fifths of the loss or so. */
const ALIGNMENT = 4;
/** An array that is this much smaller than the largest is exactly 0, as the bias before a batch norm. */
const ZERO = 1e-10;
/** The teacher: small, smooth, of its own weights. */
const TEACHER = { kind: "cnn", width: 8, activation: "softplus" } as const;

/**
 * Checks a network with one nonlinearity.
 *
 * @param engine Where ours runs.
 * @param peer PyTorch.
 * @param name Of its family.
 * @param reference Where PyTorch has it from.
 * @param member The network.
 * @param images Number of images.
 * @param folder For files between both.
 */
export async function checkNetwork(
  engine: Engine,
  peer: TorchPeer,
  { name, reference }: Pick<Family, "name" | "reference">,
  { spec, shape }: Member,
  images: number,
  folder: string,
): Promise<CheckRow | MissingRow> {
  const files = { weights: `${folder}/weights`, batch: `${folder}/batch`, found: `${folder}/found` };
  const random = rng(1, "check:torch");
  const model = createModel(spec, shape);
  const teacher = createModel(TEACHER, shape);
  const size = [images, ...shape.inputShape];
  const draw = (k: number) => ({
    x: float32(size, random.child("x", k).uniform(size)),
    y: int32([images], random.child("y", k).integers(images, shape.classes)),
  });
  let seconds = 0;
  const timed = async <T>(run: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await run();
    } finally {
      seconds += (performance.now() - start) / 1000;
    }
  };
  const weights = await realWeights(engine, model, draw(0).x, random);
  await Deno.writeFile(files.weights, encodeSafetensors({ tensors: toPyTorch(weights) }));
  const { inputShape, classes } = shape;
  const opened = await peer.ask<{ missing?: string; reference: string; parameters: number }>(
    { do: "open", reference, model: spec, inputShape, classes, weights: files.weights },
  );
  if (opened.missing !== undefined) return { family: name, missing: opened.missing };

  let peerSeconds = 0;
  const theirs = async (dtype: "float64" | "float32", request: Readonly<Record<string, unknown>>) => {
    const answer = await peer.ask<{ readonly seconds: number; readonly alignmentShare?: number }>(
      { do: "run", dtype, batch: files.batch, into: files.found, ...request },
    );
    if (dtype === "float64") peerSeconds += answer.seconds;
    return { ...answer, arrays: decodeSafetensors(await Deno.readFile(files.found)).tensors };
  };

  const first = makeFirstOrder(engine, model, teacher);
  const taught = random.child("teacher");
  const held = putTree(engine, { weights, teacher: movedOffZero(teacher.init(taught), taught), progress: scalar(0) });
  const open = async (k: number) => {
    const batch = draw(k);
    const { distance, taughtLogits, taughtGradient, ...ours } = await timed(() => first({ ...held, ...batch }));
    await Deno.writeFile(files.batch, encodeSafetensors({ tensors: { ...batch, taughtLogits, taughtGradient } }));
    return { ours, inputs: { ...held, ...batch }, weight: ALIGNMENT / distance.data[0]! };
  };
  type Opened = Awaited<ReturnType<typeof open>>;
  const firstErrors = async ({ ours }: Opened) => {
    const exact = (await theirs("float64", { step: "first" })).arrays;
    const single = (await theirs("float32", { step: "first" })).arrays;
    const [errors, peerErrors] = [ours, single].map((arrays) => relativeErrors(arrays, exact));
    return {
      logits: errors!["logits"]!,
      inputGradient: errors!["gradient"]!,
      peerLogits: peerErrors!["logits"]!,
      peerInputGradient: peerErrors!["gradient"]!,
    };
  };
  const parameterErrors = async ({ inputs, weight }: Opened, mode: Mode): Promise<ParameterErrors> => {
    const gradient = await timed(() => kdigaGradient(engine, model, teacher, inputs, mode, weight));
    const request = { step: "kdiga", mode, weight, alpha: ALPHA };
    const exact = (await theirs("float64", request)).arrays;
    const [worst, error] = largest(relativeErrors(gradient, exact));
    const single = await theirs("float32", request);
    const [, peerError] = largest(relativeErrors(single.arrays, exact));
    return { mode, error, worst, peerError, alignmentShare: single.alignmentShare! };
  };
  const missed: string[] = [];
  const draws = hasTies(spec) ? DRAWS : 1;
  let k = 0;
  let current = await open(k);
  const until = async <T>(measure: (opened: Opened) => Promise<T>, missing: (found: T) => string | undefined) => {
    for (;;) {
      const found = await measure(current);
      const what = missing(found);
      if (what === undefined || k + 1 === draws) return found;
      missed.push(what);
      current = await open(++k);
    }
  };
  try {
    const errors = await until(
      firstErrors,
      ({ inputGradient }) =>
        inputGradient <= BOUNDS.inputGradient ? undefined : `the input gradient (${inputGradient.toExponential(1)})`,
    );
    const parameterGradients: ParameterErrors[] = [];
    const modes: readonly Mode[] = Object.keys(weights.buffers).length > 0 ? ["eval", "train"] : ["eval"];
    for (const mode of modes) {
      parameterGradients.push(
        await until(
          (opened) => parameterErrors(opened, mode),
          ({ error, worst }) =>
            error <= BOUNDS.parameterGradient ? undefined : `${worst}, ${mode} (${error.toExponential(1)})`,
        ),
      );
    }
    const { parameters, reference } = opened;
    const activation = activationOf(spec);
    return {
      family: name,
      activation,
      images,
      parameters,
      reference,
      ...errors,
      parameterGradients,
      missed,
      seconds,
      peerSeconds,
    };
  } finally {
    first.dispose();
    disposeTree(held);
  }
}

/** Most draws of images for a network with max-pooling whose other operators are smooth. */
const DRAWS = 6;

/** Whether rounding can decide a near tie of max-pooling, and nothing else: a wrong gradient fails with every image. */
function hasTies(spec: Member["spec"]): boolean {
  return "stem" in spec && spec.stem === "imagenet" && !activationOf(spec).startsWith("relu");
}

/** The nonlinearity of a network. */
export function activationOf({ kind, activation }: Member["spec"]): string {
  return activation ?? (kind === "mobilenet_v2" ? "relu6" : kind === "vit" ? "gelu" : "relu");
}

/** The same network with softplus where its nonlinearity has kinks; undefined where it has none. */
export function smoothed({ spec, shape }: Member): Member | undefined {
  if (!activationOf(spec).startsWith("relu")) return undefined;
  return { spec: { ...spec, activation: "softplus" }, shape };
}

/**
 * Largest |a - b| over the largest |b| of each array; where b is exactly 0 up to rounding, over the largest |b| of all.
 *
 * @param ours Arrays a by name.
 * @param theirs Arrays b.
 * @returns By name; NaN where one is missing, of another shape, or not a number.
 */
export function relativeErrors(
  ours: Readonly<Record<string, NdArray>>,
  theirs: Readonly<Record<string, NdArray>>,
): Record<string, number> {
  const sizes = new Map(Object.entries(theirs).map(([name, { data }]) => [name, maximum(data)]));
  const most = Math.max(...sizes.values());
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return Object.fromEntries(Array.from(names, (name) => {
    const [a, b] = [ours[name], theirs[name]];
    if (a === undefined || b === undefined || a.shape.join() !== b.shape.join()) return [name, NaN];
    const size = sizes.get(name)!;
    let difference = 0;
    for (let i = 0; i < b.data.length; i++) {
      const distance = Math.abs(a.data[i]! - b.data[i]!);
      // What is not a number stays so.
      if (!(distance <= difference)) difference = distance;
    }
    return [name, difference / (size > ZERO * most ? size : most)];
  }));
}

/**
 * What the rows of a network say.
 *
 * @param row With its own nonlinearity.
 * @param smooth With softplus in place of ReLU, where it has ReLU.
 * @returns "ok": within all bounds. "kinks": only gradients with ReLU miss them. "broken" else.
 */
export function verdictOf(row: CheckRow, smooth: CheckRow | undefined): Verdict {
  const within = (error: number, bound: number) => error <= bound;
  const gradients = ({ inputGradient, parameterGradients }: CheckRow) =>
    within(inputGradient, BOUNDS.inputGradient) &&
    parameterGradients.every(({ error }) => within(error, BOUNDS.parameterGradient));
  const logits = (one: CheckRow) => within(one.logits, BOUNDS.logits);
  const errors = [row.inputGradient, ...row.parameterGradients.map(({ error }) => error)];
  if (errors.some(Number.isNaN) || !logits(row) || smooth !== undefined && !(logits(smooth) && gradients(smooth))) {
    return "broken";
  }
  if (gradients(row)) return "ok";
  return smooth === undefined ? "broken" : "kinks";
}

/** The rows as a table. */
export function checkTable(rows: readonly CheckRow[]): AccuracyTable {
  return {
    caption:
      "Relative errors, max |ours - PyTorch| / max |PyTorch| of an array, the largest of all arrays, against PyTorch " +
      "in float64; behind / those of PyTorch itself in float32. Logits and input gradient of the cross-entropy in " +
      "evaluation mode; the gradient of the KDIGA loss by every parameter in evaluation and, with batch norm, training " +
      "mode. Where an array is exactly 0, over the largest of all arrays. Share: the length of the alignment term's " +
      "part of that gradient over the whole.",
    columns: [
      "Network",
      "Nonlinearity",
      "Images",
      "Parameters",
      "Reference",
      "Logits",
      "Input gradient",
      "KDIGA, eval",
      "Worst array",
      "KDIGA, train",
      "Worst array",
      "Share",
      "s",
      "s PyTorch",
    ],
    rows: rows.map((row) => {
      const of = (mode: Mode) => {
        const found = row.parameterGradients.find((errors) => errors.mode === mode);
        return found === undefined ? ["-", "-"] : [pair(found.error, found.peerError), found.worst];
      };
      return [
        row.family,
        row.activation,
        `${row.images}`,
        `${row.parameters}`,
        row.reference,
        pair(row.logits, row.peerLogits),
        pair(row.inputGradient, row.peerInputGradient),
        ...of("eval"),
        ...of("train"),
        row.parameterGradients.map(({ alignmentShare }) => alignmentShare.toFixed(2)).join(" "),
        row.seconds.toFixed(1),
        row.peerSeconds.toFixed(1),
      ];
    }),
  };
}

function pair(ours: number, theirs: number): string {
  return `${ours.toExponential(1)} / ${theirs.toExponential(1)}`;
}

function largest(errors: Readonly<Record<string, number>>): [name: string, error: number] {
  const rank = (error: number) => Number.isNaN(error) ? Infinity : error;
  return Object.entries(errors).toSorted(([, a], [, b]) => rank(b) - rank(a))[0] ?? ["", 0];
}

function maximum(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]!));
  return most;
}

interface Inputs<T> {
  readonly weights: Weights<T>;
  readonly teacher: Weights<T>;
  readonly x: T;
  readonly y: T;
  readonly progress: T;
}

/** Logits and input gradient of both, and the distance of the gradients. */
function makeFirstOrder(engine: Engine, model: Network, teacher: Network) {
  const program = engine.compile(({ weights, teacher: taught, x, y }: Inputs<Tensor>) => {
    const student = inputGradient((at) => model.logits(weights, at), x, y);
    const theirs = inputGradient((at) => teacher.logits(taught, at), x, y);
    return {
      logits: student.logits,
      gradient: student.gradient,
      taughtLogits: theirs.logits,
      taughtGradient: theirs.gradient,
      distance: alignment(student.gradient, theirs.gradient),
    };
  }, { name: "first order" });
  const run = async (inputs: Inputs<Leaf>) => await takeTree(engine, await program(inputs));
  return Object.assign(run, { dispose: () => program.dispose() });
}

/** Weight of the divergence, as in KDIGA_PAPER. */
const ALPHA = 0.5;

/** Gradient of the KDIGA loss with respect to every parameter, in PyTorch's layouts. */
async function kdigaGradient(
  engine: Engine,
  model: Network,
  teacher: Network,
  inputs: Inputs<Leaf>,
  mode: Mode,
  weight: number,
): Promise<Record<string, NdArray>> {
  const spec = { kind: "kdiga", alpha: ALPHA, temperature: 1, weight } as const;
  const logits = mode === "train" ? model.trainLogits : model.logits;
  const program = engine.compile((inputs: Inputs<Tensor>) => {
    const { weights: { parameters, buffers }, x, y, progress } = inputs;
    return valueAndGrad((parameters: Weights<Tensor>["parameters"]) => {
      const student = (at: Tensor) => logits({ parameters, buffers }, at);
      const pair = { student, teacher: (at: Tensor) => teacher.logits(inputs.teacher, at) };
      const { terms } = kdiga.losses(pair, { x, y, xAdv: undefined }, spec, { progress, state: {} });
      return { value: Object.values(terms).reduce((sum, term) => add(sum, term)) };
    }, parameters).grad;
  }, { name: "KDIGA gradient" });
  try {
    return toPyTorch({ parameters: await takeTree(engine, await program(inputs)), buffers: {} });
  } finally {
    program.dispose();
  }
}

/**
 * Weights as of a network in training: first values moved off what is trivial, running statistics near those of the
 * images, so that every layer sees what it is made for.
 */
export async function realWeights(
  engine: Engine,
  model: Network,
  x: NdArray,
  random: Rng,
): Promise<Weights<NdArray>> {
  const weights = movedOffZero(model.init(random.child("student")), random.child("student"));
  if (Object.keys(weights.buffers).length === 0) return weights;
  const program = engine.compile((at: { weights: Weights<Tensor>; x: Tensor }) =>
    model.apply(at.weights, at.x, "train").buffers
  );
  // Of the new ones a tenth is the batch's.
  const moved = await takeTree(engine, await program({ weights, x }));
  program.dispose();
  const buffers = Object.fromEntries(
    Object.entries(moved).map(([name, { shape, data }]) => {
      const before = weights.buffers[name]!.data;
      const wanted = random.child("statistics", name).uniform(data.length, 0.7, 1.4);
      const batch = Array.from(data, (value, i) => (value - 0.9 * before[i]!) / 0.1);
      const far = name.endsWith("running_var") ? (value: number) => Math.max(value, 1e-3) : (value: number) => value;
      return [name, float32(shape, batch.map((value, i) => far(value) * wanted[i]!))];
    }),
  );
  return { parameters: weights.parameters, buffers };
}

/** Vectors and tokens: plus U(-0.3, 0.3); matrices: doubled, so that attention is not even. */
export function movedOffZero(weights: Weights<NdArray>, random: Rng): Weights<NdArray> {
  const move = ([name, { shape, data }]: [string, NdArray]): [string, NdArray] => {
    if (shape.length === 4) return [name, { dtype: "float32", shape, data: data as Float32Array<ArrayBuffer> }];
    if (shape.length === 2) return [name, float32(shape, data.map((value) => 2 * value))];
    const noise = random.child("moved", name).uniform(sizeOf(shape), -0.3, 0.3);
    return [name, float32(shape, data.map((value, i) => value + noise[i]!))];
  };
  return {
    parameters: Object.fromEntries(Object.entries(weights.parameters).map(move)),
    buffers: Object.fromEntries(Object.entries(weights.buffers).map(move)),
  };
}
