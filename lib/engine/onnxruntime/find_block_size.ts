import { float32, type NdArray, sizeOf } from "../../core/mod.ts";
import type { CompileOptions, Leaf, Program } from "../engine.ts";
import { valueAndGrad } from "../grad.ts";
import { conv2d, mul, sum } from "../ops.ts";
import type { Tensor } from "../tensorflow.ts";
import { takeTree } from "../values.ts";

/** Block sizes that ONNX Runtime is built with: AVX-512 and AVX2. */
const CANDIDATES = [16, 8];
/** Convolutions of 288 products of numbers around 1 in float32. */
const TOLERANCE = 1e-3;

type Compile = (blockSize: number) => <I, O>(fn: (inputs: I) => O, options?: CompileOptions) => Program<I, O>;

/**
 * Finds out whether ONNX Runtime's channel-blocked operators compute what plain convolutions do on this machine. They
 * are internal, the block depends on the processor, and a wrong one gives wrong numbers without an error.
 *
 * @param compile Makes programs with convolutions of a block size.
 * @param read Reads a value.
 * @returns Channels per block, or 0 where only plain convolutions are right.
 */
export async function findBlockSize(compile: Compile, read: (leaf: Leaf) => Promise<NdArray>): Promise<number> {
  const inputs = { image: wave([2, 6, 6, 3]), stem: wave([3, 3, 3, 32]), wide: wave([3, 3, 32, 32]) };
  const run = async (blockSize: number): Promise<NdArray[]> => {
    const program = compile(blockSize)(probe, { name: `probe of ${blockSize}-wide blocks` });
    try {
      const { once, twice, grad } = await takeTree({ read }, await program(inputs));
      return [once, twice, grad];
    } finally {
      program.dispose();
    }
  };
  const expected = await run(0);
  for (const blockSize of CANDIDATES) {
    const found = await run(blockSize).catch(() => undefined);
    if (found?.every((array, index) => close(array, expected[index]!))) return blockSize;
  }
  return 0;
}

/** Few channels in, many in, stride 2, and the gradients of all of them. */
function probe(
  { image, stem, wide }: { image: Tensor; stem: Tensor; wide: Tensor },
): { once: Tensor; twice: Tensor; grad: Tensor } {
  const { aux, grad } = valueAndGrad((x: Tensor) => {
    const once = conv2d(x, stem, 1, 1);
    const twice = conv2d(mul(once, 0.1), wide, 2, 1);
    return { value: sum(mul(twice, twice)), aux: { once, twice } };
  }, image);
  return { ...aux, grad: mul(grad, 1e-2) };
}

function close(a: NdArray, b: NdArray): boolean {
  return a.data.every((value, index) => Math.abs(value - b.data[index]!) <= TOLERANCE * (1 + Math.abs(b.data[index]!)));
}

function wave(shape: readonly number[]): NdArray<"float32"> {
  return float32(shape, Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 0.7 + 1)));
}
