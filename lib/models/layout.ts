import { CheckpointError, type NdArray, sizeOf } from "../core/mod.ts";
import { bareName, isUnused, nameFor } from "./_foreign_names.ts";
import type { Weights } from "./model.ts";
import { nearest } from "./_nearest.ts";

/**
 * The weights as a PyTorch `state_dict`: filters [KH, KW, I, O] become [O, I, KH, KW], matrices [in, out] become
 * [out, in], vectors stay.
 *
 * @param weights Parameters and running statistics; or anything of the same form, such as an optimizer's momentum.
 * @returns Arrays by name, parameters first; vectors share their data with `weights`.
 */
export function toPyTorch(weights: Weights<NdArray>): Record<string, NdArray> {
  return Object.fromEntries(
    [...Object.entries(weights.parameters), ...Object.entries(weights.buffers)]
      .map(([name, array]) => [name, permuted(array, TO_PYTORCH[array.shape.length])]),
  );
}

/**
 * Weights from a PyTorch `state_dict`: the inverse of {@linkcode toPyTorch}. What wrappers put before names ("module.",
 * "model.", "_orig_mod.", "1.") is dropped, "shortcut" and "downsample", "linear" and "fc" are the same,
 * "num_batches_tracked" and known copies that no network computes with are ignored.
 *
 * @param tensors Arrays by name, in PyTorch's layouts.
 * @param shapes The shapes that are expected, in this library's layouts, as {@linkcode Network.shapes} has them.
 * @param name What the arrays come from, for messages.
 * @returns The weights, in the order of `shapes`; vectors share their data with `tensors`.
 * @throws {CheckpointError} If a weight is missing, of another shape, not a float, or given twice, or if there is one
 * too many; the message lists all of them.
 */
export function fromPyTorch(
  tensors: Readonly<Record<string, NdArray>>,
  shapes: Weights<readonly number[]>,
  name = "the state_dict",
): Weights<NdArray> {
  const expected = new Map([...Object.entries(shapes.parameters), ...Object.entries(shapes.buffers)]);
  const given = new Map<string, NdArray>();
  const problems: string[] = [];
  for (const [key, array] of Object.entries(tensors)) {
    const known = nameFor(key, (name) => expected.has(name));
    if (known === undefined && isUnused(key)) continue;
    const short = known ?? bareName(key);
    if (given.has(short)) problems.push(`"${short}" is given twice`);
    else given.set(short, array);
  }
  const unexpected = [...given.keys()].filter((key) => !expected.has(key));
  const missing = [...expected.keys()].filter((key) => !given.has(key));
  for (const [key, shape] of expected) {
    const array = given.get(key);
    const wanted = permute(shape, TO_PYTORCH[shape.length]);
    if (array === undefined) {
      const near = nearest(key, unexpected);
      problems.push(`"${key}" [${wanted}] is missing${near === undefined ? "" : ` (nearest in the file: "${near}")`}`);
    } else if (array.shape.join() !== wanted.join()) {
      problems.push(`"${key}" is [${array.shape}] where [${wanted}] was expected`);
    } else if (array.dtype !== "float32") {
      problems.push(`"${key}" is ${array.dtype} where float32 was expected`);
    }
  }
  for (const key of unexpected) {
    const near = nearest(key, missing);
    const hint = near === undefined ? "" : ` (nearest of the missing: "${near}")`;
    problems.push(`"${key}" [${given.get(key)!.shape}] is unexpected${hint}`);
  }
  if (problems.length > 0) {
    throw new CheckpointError(
      `Cannot use ${name} as weights of this model: ${problems.join("; ")}: ` +
        "use the model that they were made with, or rename them",
    );
  }
  const pick = (wanted: Readonly<Record<string, readonly number[]>>): Record<string, NdArray> =>
    Object.fromEntries(
      Object.entries(wanted).map(([key, { length }]) => [key, permuted(given.get(key)!, FROM_PYTORCH[length])]),
    );
  return { parameters: pick(shapes.parameters), buffers: pick(shapes.buffers) };
}

type Order = readonly number[] | undefined;

/** Order of the axes in PyTorch, by the number of axes: axis i there is axis ORDER[i] here. */
const TO_PYTORCH: Readonly<Record<number, Order>> = { 2: [1, 0], 4: [3, 2, 0, 1] };
/** The inverse. */
const FROM_PYTORCH: Readonly<Record<number, Order>> = { 2: [1, 0], 4: [2, 3, 1, 0] };

function permute(values: readonly number[], order: Order): readonly number[] {
  return order ? order.map((axis) => values[axis]!) : values;
}

/** The array with its axes in another order. */
function permuted(array: NdArray, order: Order): NdArray {
  if (!order) return array;
  const shape = permute(array.shape, order);
  const strides = array.shape.map((_, axis) => sizeOf(array.shape.slice(axis + 1)));
  // As four axes, the first of length 1 where there are fewer.
  const [a, b, c, d] = fourth(shape, 1);
  const [da, db, dc, dd] = fourth(permute(strides, order), 0);
  const data = array.data.slice();
  let next = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        const base = i * da + j * db + k * dc;
        for (let l = 0; l < d; l++) data[next++] = array.data[base + l * dd]!;
      }
    }
  }
  return { dtype: array.dtype, shape, data } as NdArray;
}

function fourth(values: readonly number[], before: number): [number, number, number, number] {
  return [...Array(4 - values.length).fill(before), ...values] as [number, number, number, number];
}
