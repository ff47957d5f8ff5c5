import { UsageError } from "../core/mod.ts";
import { type KernelCall, type KernelRecord, recordKernels, type Tensor, zeros } from "../engine/mod.ts";

/** A function of images, as a list of kernels whose results all have the axis of images in front. */
export interface Network extends KernelRecord {
  /** How many images it was recorded with. */
  readonly batch: number;
}

/**
 * Records what a classifier does to images, and checks that it does it to each alone.
 *
 * @param logits From images [B, H, W, C] to logits [B, classes], traced.
 * @param shape Shape of the images.
 * @throws {UsageError} If an operator moves, cuts, joins or adds up images.
 */
export function recordNetwork(logits: (x: Tensor) => Tensor, shape: readonly number[]): Network {
  const record = recordKernels(logits, zeros([...shape]));
  const batch = shape[0]!;
  for (const call of record.calls) {
    const values = [...Object.values(call.operands).flatMap((it) => "value" in it ? [it.value] : []), ...call.outputs];
    if (!values.every(({ shape }) => shape.length > 0 && shape[0]! % batch === 0) || !keepsImagesApart(call)) {
      throw new UsageError(
        `Cannot bound the classifier as its operator "${call.kernel}" mixes or moves images of a batch: ` +
          "use one that keeps them apart, along the first axis",
      );
    }
  }
  return { ...record, batch };
}

const axesOf = (axis: unknown, rank: number): number[] => {
  if (axis === undefined || axis === null) return Array.from({ length: rank }, (_, i) => i);
  return [axis as number | number[]].flat().map((it) => it < 0 ? it + rank : it);
};

/** Whether the first axis of every operand that depends on the images is the first of the results. */
function keepsImagesApart(call: KernelCall): boolean {
  const { kernel, attributes, outputs, operands } = call;
  const out = outputs[0]!.shape;
  const values = Object.entries(operands).flatMap(([key, it]) => "value" in it ? [[key, it.value.shape] as const] : []);
  const [key, first] = values[0]!;
  switch (kernel) {
    case "Reshape":
    case "Identity":
    case "Cast":
      return true;
    case "Transpose":
      return (attributes.perm as number[])[0] === 0;
    case "ExpandDims":
      return axesOf(attributes.dim, first.length + 1)[0] !== 0;
    case "Sum":
    case "Mean":
      return !axesOf(attributes.axis, first.length).includes(0);
    case "Concat":
    case "SplitV":
      return axesOf(attributes.axis, first.length)[0] !== 0;
    case "BatchMatMul":
      if (first.length > 2) return out.length === first.length && out[0] === first[0];
      return key === "a" && !attributes.transposeA;
    default:
      return values.every(([, shape]) => shape.length === out.length && shape[0] === out[0]);
  }
}

/**
 * The same network for `rows` copies of every image, the copies of an image one after another.
 *
 * @param network The network.
 * @param logits As in {@linkcode recordNetwork}.
 * @param shape Shape of the images.
 * @param rows How many copies.
 */
export function widen(
  network: Network,
  logits: (x: Tensor) => Tensor,
  shape: readonly number[],
  rows: number,
): Network {
  const wide = recordNetwork(logits, [shape[0]! * rows, ...shape.slice(1)]);
  const same = wide.calls.length === network.calls.length && wide.calls.every(({ kernel, outputs }, i) => {
    const other = network.calls[i]!;
    return kernel === other.kernel && outputs.every(({ id, shape: [length, ...rest] }, j) => {
      const { id: otherId, shape: [otherLength = 0, ...otherRest] } = other.outputs[j]!;
      return id === otherId && length === otherLength * rows && rest.join() === otherRest.join();
    });
  });
  if (!same) throw new UsageError("Cannot bound the classifier as it does other things to a larger batch");
  return wide;
}
