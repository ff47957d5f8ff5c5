import { float32, type NdArray, sizeOf } from "../../core/mod.ts";
import type { Engine } from "../engine.ts";
import { valueAndGrad } from "../grad.ts";
import { conv2d, mul, sum } from "../ops.ts";
import { createReferenceEngine } from "../reference/create_reference_engine.ts";
import type { Tensor } from "../tensorflow.ts";
import { takeTree } from "../values.ts";

/** Sums of up to 54 products of numbers around 1 in float32, squared. */
const TOLERANCE = 1e-4;
/** The same where cuDNN rounds what it multiplies to TF32's ten bits, as it does on GPUs since Ampere. */
const GPU_TOLERANCE = 1e-2;

/** What {@linkcode selfTest} needs of an engine. */
export type TestedEngine = Pick<Engine, "compile" | "read" | "device">;

/**
 * Finds out whether an engine computes a strided, padded convolution and its gradients as the reference engine does: a
 * library that was not made for the machine may fail, or give wrong numbers without an error.
 *
 * @param engine The engine.
 * @returns What is wrong, in words; undefined where the numbers agree.
 */
export async function selfTest(engine: TestedEngine): Promise<string | undefined> {
  await using reference = createReferenceEngine();
  try {
    const expected = await outputsOf(reference);
    const found = await outputsOf(engine);
    const tolerance = engine.device === "gpu" ? GPU_TOLERANCE : TOLERANCE;
    const wrong = Object.keys(expected).filter((key) => !close(found[key]!, expected[key]!, tolerance));
    return wrong.length === 0 ? undefined : `its self-test gave wrong numbers: ${wrong.join(", ")}`;
  } catch (error) {
    return `its self-test failed: ${error instanceof Error ? error.message : error}`;
  }
}

async function outputsOf(engine: TestedEngine): Promise<Readonly<Record<string, NdArray>>> {
  const program = engine.compile(({ image, filter }: { image: Tensor; filter: Tensor }) => {
    const { grad, aux } = valueAndGrad(({ image, filter }: { image: Tensor; filter: Tensor }) => {
      const convolution = conv2d(image, filter, 2, 1);
      return { value: sum(mul(convolution, convolution)), aux: { convolution } };
    }, { image, filter });
    return { convolution: aux.convolution, "gradient by the image": grad.image, "gradient by the filter": grad.filter };
  }, { name: "self-test" });
  try {
    return await takeTree(engine, await program({ image: wave([2, 6, 6, 3]), filter: wave([3, 3, 3, 4]) }));
  } finally {
    program.dispose();
  }
}

function close(a: NdArray, b: NdArray, tolerance: number): boolean {
  const scale = Array.from(b.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.data.length === b.data.length &&
    a.data.every((value, index) => Math.abs(value - b.data[index]!) <= tolerance * scale);
}

function wave(shape: readonly number[]): NdArray<"float32"> {
  return float32(shape, Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 0.7 + 1)));
}
