import { float32, int32, type NdArray, rng, scalar } from "../core/mod.ts";
import {
  add,
  cachedProgram,
  type Engine,
  matMul,
  readTree,
  reshape,
  softplus,
  tanh,
  type Tensor,
  valueAndGrad,
} from "../engine/mod.ts";
import type { Losses } from "./objective.ts";
import { type AnyObjective, objectiveOf } from "./spec.ts";

/** Parameters of the tiny net: images [2, 2, 3] -> 5 -> 4 -> 3 classes. */
export type Tiny<T> = Readonly<Record<"w1" | "b1" | "w2" | "b2" | "w3", T>>;

const SHAPES: Tiny<number[]> = { w1: [12, 5], b1: [5], w2: [5, 4], b2: [4], w3: [4, 3] };

/** Weights of order 1, so that no term is small. */
export function tinyWeights(name: string): Tiny<NdArray<"float32">> {
  return Object.fromEntries(
    Object.entries(SHAPES).map(([key, shape]) => [key, float32(shape, rng(1, name, key).normal(shape, 0, 0.8))]),
  ) as unknown as Tiny<NdArray<"float32">>;
}

/** A smooth net: tanh, then softplus. */
export function tinyLogits({ w1, b1, w2, b2, w3 }: Tiny<Tensor>, x: Tensor): Tensor {
  const flat = reshape(x, [x.shape[0]!, -1]);
  const hidden = tanh(add(matMul(flat, w1), b1));
  return matMul(softplus(add(matMul(hidden, w2), b2)), w3);
}

/** A batch of 4 images of 2 x 2 x 3. */
export const BATCH = {
  x: float32([4, 2, 2, 3], rng(1, "x").uniform([4, 2, 2, 3])),
  xAdv: float32([4, 2, 2, 3], rng(1, "xAdv").uniform([4, 2, 2, 3])),
  y: int32([4], [0, 2, 1, 2]),
};

/** What the tiny net is made for. */
export const SHAPE = { classes: 3, inputShape: [2, 2, 3] } as const;

/** Share of training done in the programs below: late, so that terms which begin late are there. */
const PROGRESS = 0.95;

/** Inputs of the programs below. */
export interface TinyInputs {
  readonly student: Tiny<NdArray>;
  readonly teacher: Tiny<NdArray>;
  readonly naturalTeacher: Tiny<NdArray>;
  readonly x: NdArray;
  readonly xAdv: NdArray;
  readonly y: NdArray;
  /** Image ids, which name the streams of their noise. */
  readonly ids: readonly number[];
  /** What the objective carries; what it begins with where absent. */
  readonly state?: Readonly<Record<string, NdArray>>;
}

/** The inputs that checks start from. */
export const INPUTS: TinyInputs = {
  student: tinyWeights("student"),
  teacher: tinyWeights("teacher"),
  naturalTeacher: tinyWeights("natural teacher"),
  ...BATCH,
  ids: [0, 1, 2, 3],
};

interface Networks<T> {
  readonly student: Tiny<T>;
  readonly teacher: Tiny<T>;
  readonly naturalTeacher: Tiny<T>;
}

interface TracedInputs extends Networks<Tensor> {
  readonly x: Tensor;
  readonly xAdv: Tensor;
  readonly y: Tensor;
  readonly progress: Tensor;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly noise: Tensor | undefined;
}

/** What an objective carries before the first step. */
export function firstState(spec: AnyObjective): Readonly<Record<string, NdArray>> {
  return objectiveOf(spec).state?.(spec, SHAPE, rng(1, "state")) ?? {};
}

/** What an objective draws for some images. */
export function noiseOf(spec: AnyObjective, ids: readonly number[]): NdArray | undefined {
  const rows = ids.flatMap((id) => [...objectiveOf(spec).noise?.(spec, SHAPE, rng(1, "noise", id)) ?? []]);
  return rows.length === 0 ? undefined : float32([ids.length, rows.length / ids.length], rows);
}

function withContext(spec: AnyObjective, { ids, state = firstState(spec), ...inputs }: TinyInputs) {
  return { ...inputs, progress: scalar(PROGRESS), state, noise: noiseOf(spec, ids) };
}

/** Terms of an objective at given weights, and what it carries on. */
export async function lossesAt(
  engine: Engine,
  spec: AnyObjective,
  inputs: TinyInputs,
): Promise<{ readonly terms: Record<string, number>; readonly state: Readonly<Record<string, NdArray>> }> {
  const program = cachedProgram(engine, ownerOf(spec), JSON.stringify(spec), () => (traced: TracedInputs) => {
    const { terms, state = {} } = traceLosses(spec, traced);
    return { terms, state };
  });
  const { terms, state } = await readTree(engine, await program(withContext(spec, inputs)));
  return { terms: Object.fromEntries(Object.entries(terms).map(([name, { data }]) => [name, data[0]!])), state };
}

/** Terms of an objective at given weights. */
export async function termsAt(
  engine: Engine,
  spec: AnyObjective,
  inputs: TinyInputs,
): Promise<Record<string, number>> {
  return (await lossesAt(engine, spec, inputs)).terms;
}

/** Gradients of a value of the losses, called `name`, with respect to the weights of all networks. */
export async function lossGradients(
  engine: Engine,
  spec: AnyObjective,
  name: string,
  valueOf: (losses: Losses) => Tensor,
  inputs: TinyInputs,
): Promise<Networks<NdArray>> {
  const program = cachedProgram(
    engine,
    ownerOf(spec),
    `${name} of ${JSON.stringify(spec)}`,
    () => (traced: TracedInputs) => {
      const { student, teacher, naturalTeacher } = traced;
      const { grad } = valueAndGrad(
        (at: Networks<Tensor>) => ({ value: valueOf(traceLosses(spec, { ...traced, ...at })) }),
        { student, teacher, naturalTeacher },
      );
      return grad;
    },
  );
  const gradients = await readTree(engine, await program(withContext(spec, inputs)));
  return gradients as unknown as Networks<NdArray>;
}

/** Gradients of one term with respect to the weights of all networks. */
export function termGradients(
  engine: Engine,
  spec: AnyObjective,
  term: string,
  inputs: TinyInputs,
): Promise<Networks<NdArray>> {
  return lossGradients(engine, spec, term, ({ terms }) => terms[term]!, inputs);
}

/** What programs are kept by: of a spec its text says all. */
const ownerOf = (spec: AnyObjective): object => "losses" in spec ? spec : INPUTS;

function traceLosses(spec: AnyObjective, traced: TracedInputs): Losses {
  const { x, y, xAdv, progress, state, noise } = traced;
  const network = (weights: Tiny<Tensor>) => (pixels: Tensor) => tinyLogits(weights, pixels);
  const pair = {
    student: network(traced.student),
    teacher: network(traced.teacher),
    naturalTeacher: network(traced.naturalTeacher),
  };
  return objectiveOf(spec).losses(pair, { x, y, xAdv }, spec, { progress, state, noise });
}

/** The largest absolute element of a tree of arrays. */
export function largest(weights: Tiny<NdArray>): number {
  return Math.max(...Object.values(weights).map(({ data }) => Math.max(...Array.from(data, Math.abs))));
}

/** Images in another order, or repeated. */
export function take(inputs: TinyInputs, rows: readonly number[]): TinyInputs {
  const images = (array: NdArray) =>
    float32([rows.length, 2, 2, 3], rows.flatMap((row) => Array.from(array.data.slice(12 * row, 12 * row + 12))));
  return {
    ...inputs,
    x: images(inputs.x),
    xAdv: images(inputs.xAdv),
    y: int32([rows.length], rows.map((row) => inputs.y.data[row]!)),
    ids: rows.map((row) => inputs.ids[row]!),
  };
}
