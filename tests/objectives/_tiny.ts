import { float32, int32, type NdArray, rng, scalar } from "../../lib/core/mod.ts";
import {
  add,
  cachedProgram,
  constant,
  type Engine,
  matMul,
  mul,
  readTree,
  reshape,
  softplus,
  tanh,
  type Tensor,
  valueAndGrad,
} from "../../lib/engine/mod.ts";
import type { ObjectiveSpec } from "../../lib/objectives/mod.ts";
import { objectiveOf } from "../../lib/objectives/mod.ts";

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

/** Inputs of the programs below. */
export interface TinyInputs {
  readonly student: Tiny<NdArray>;
  readonly teacher: Tiny<NdArray>;
  readonly x: NdArray;
  readonly xAdv: NdArray;
  readonly y: NdArray;
}

/** The inputs that tests start from. */
export const INPUTS: TinyInputs = { student: tinyWeights("student"), teacher: tinyWeights("teacher"), ...BATCH };

interface TracedInputs {
  readonly student: Tiny<Tensor>;
  readonly teacher: Tiny<Tensor>;
  readonly x: Tensor;
  readonly xAdv: Tensor;
  readonly y: Tensor;
}

/** Terms of an objective at given weights. */
export async function termsAt(
  engine: Engine,
  spec: ObjectiveSpec,
  inputs: TinyInputs,
): Promise<Record<string, number>> {
  const key = `terms of ${JSON.stringify(spec)}`;
  const program = cachedProgram(engine, termsAt, key, () => (traced: TracedInputs) => traceTerms(spec, traced));
  const terms = await readTree(engine, await program(inputs));
  return Object.fromEntries(Object.entries(terms).map(([name, { data }]) => [name, data[0]!]));
}

/** Gradients of one term with respect to the student's and the teacher's weights. */
export async function termGradients(
  engine: Engine,
  spec: ObjectiveSpec,
  term: string,
  inputs: TinyInputs,
): Promise<{ readonly student: Tiny<NdArray>; readonly teacher: Tiny<NdArray> }> {
  const program = cachedProgram(
    engine,
    termGradients,
    `${term} of ${JSON.stringify(spec)}`,
    () => (traced: TracedInputs) => {
      const { grad } = valueAndGrad(
        (at: { readonly student: Tiny<Tensor>; readonly teacher: Tiny<Tensor> }) => ({
          value: traceTerms(spec, { ...traced, ...at })[term]!,
        }),
        { student: traced.student, teacher: traced.teacher },
      );
      return grad;
    },
  );
  return await readTree(engine, await program(inputs)) as unknown as {
    readonly student: Tiny<NdArray>;
    readonly teacher: Tiny<NdArray>;
  };
}

function traceTerms(spec: ObjectiveSpec, { student, teacher, x, xAdv, y }: TracedInputs): Record<string, Tensor> {
  const pair = {
    student: (pixels: Tensor) => tinyLogits(student, pixels),
    teacher: (pixels: Tensor) => tinyLogits(teacher, pixels),
    naturalTeacher: (pixels: Tensor) => tinyLogits(teacher, mul(pixels, 0.5)),
  };
  const context = { progress: constant(scalar(0.5)), state: {} };
  return objectiveOf(spec).losses(pair, { x, y, xAdv }, spec, context).terms;
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
  };
}
