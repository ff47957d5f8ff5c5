import { CheckpointError, type NdArray, sizeOf } from "../core/mod.ts";
import type { NetworkSpec } from "./network_spec.ts";

const MEAN = /(^|\.)(mu|mean|new_mean)$/;
const STD = /(^|\.)(sigma|std|new_std)$/;

/**
 * Takes a normalisation out of a state_dict: the buffers "mu" and "sigma", or "mean" and "std" of a first layer, of
 * shape [1, C, 1, 1], as RobustBench's and others' networks have them. A mean without a standard deviation, or of
 * another shape, stays where it is.
 *
 * @param tensors Arrays by name.
 * @param channels Channels of an image.
 * @param model What the model's spec says.
 * @param name What the arrays come from, for messages.
 * @returns The other arrays, and mean and standard deviation where there are some.
 * @throws {CheckpointError} If they are not what the spec says, or not positive, or there are two.
 */
export function splitNormalisation(
  tensors: Readonly<Record<string, NdArray>>,
  channels: number,
  model: Pick<NetworkSpec, "mean" | "std">,
  name: string,
): {
  readonly rest: Readonly<Record<string, NdArray>>;
  readonly normalisation: { readonly mean?: readonly number[]; readonly std?: readonly number[] };
} {
  const found = (pattern: RegExp) =>
    Object.entries(tensors).filter(([key, { dtype, shape }]) =>
      pattern.test(key) && dtype === "float32" && sizeOf(shape) === channels && shape.includes(channels)
    );
  const [means, stds] = [found(MEAN), found(STD)];
  if (means.length === 0 || stds.length === 0) return { rest: tensors, normalisation: {} };
  const refuse = (what: string, advice: string): never => {
    throw new CheckpointError(`Cannot use ${name} as ${what}: ${advice}`);
  };
  const pick = (field: "mean" | "std", entries: readonly (readonly [string, NdArray])[]): readonly number[] => {
    const [key, { data }] = entries[0]!;
    const values = Array.from(data);
    const other = entries.find(([, { data }]) => !isSame(data, values));
    if (other) refuse(`its "${key}" and "${other[0]}" differ`, "keep one of them in the file");
    const said = model[field];
    if (said === undefined) return values;
    if (isSame(said, values)) return said;
    return refuse(
      `its normalisation has ${field} [${values.map((value) => Number(value.toPrecision(6))).join(", ")}] ("${key}") ` +
        `where the model has [${said.join(", ")}]`,
      `leave ${field} out, and that of the file is used`,
    );
  };
  const normalisation = { mean: pick("mean", means), std: pick("std", stds) };
  const taken = new Set([...means, ...stds].map(([key]) => key));
  return { rest: Object.fromEntries(Object.entries(tensors).filter(([key]) => !taken.has(key))), normalisation };
}

/** Equal to what float32 tells apart. */
function isSame(a: ArrayLike<number>, b: readonly number[]): boolean {
  return a.length === b.length && b.every((value, i) => Math.abs(value - a[i]!) <= 1e-6 * Math.max(1, Math.abs(value)));
}
