import { hold } from "./grad.ts";
import { tf } from "./tensorflow.ts";
import type { Tensor } from "./tensorflow.ts";

/** A tensor that depends on the input of a recorded function. */
export interface RecordedValue {
  /** Its number: the input is 0, then the outputs of the calls in their order. */
  readonly id: number;
  /** Length of each axis. */
  readonly shape: readonly number[];
}

/** An operand of a call: a value of the record, or a tensor that does not depend on the input. */
export type RecordedOperand = { readonly value: RecordedValue } | { readonly constant: Tensor };

/** A call of a kernel of TensorFlow.js at least one of whose operands depends on the input. */
export interface KernelCall {
  /** Name of the kernel: "Conv2D", "Relu", ... */
  readonly kernel: string;
  /** Its operands by name, or by place where the kernel takes a list ("0", "1", ...). */
  readonly operands: Readonly<Record<string, RecordedOperand>>;
  /** Whether the kernel takes a list. */
  readonly isList: boolean;
  /** Stride, axes, shape, ... as TensorFlow.js passes them. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What it makes. */
  readonly outputs: readonly RecordedValue[];
}

/** What a function does to its input. */
export interface KernelRecord {
  /** The calls, in their order. */
  readonly calls: readonly KernelCall[];
  /** The function's result. */
  readonly output: RecordedValue;
}

/** Kernels that look at the shape of their operand alone. */
const OF_SHAPE: readonly string[] = ["ZerosLike", "OnesLike"];

type Kernels = { runKernel: (name: string, inputs: unknown, attributes?: unknown) => Tensor | Tensor[] };

/**
 * Writes down which kernels a function applies to its input: the list that bounds of a network are computed from.
 *
 * Kernels of TensorFlow.js are the level at which each operator of `ops.ts` is one thing with one meaning: before an
 * engine's trace folds factors and broadcasts or splits images into blocks, and with a registered gradient, which of a
 * linear kernel is its adjoint ({@linkcode pullBack}). The function runs on whatever backend is active: in a traced
 * program, what only the recorded run itself needs is dropped as dead; tensors that do not depend on the input (weights,
 * and what is made of them alone) stay usable until the program ends.
 *
 * @param fn From a tensor to a tensor.
 * @param x Its input; only the shape matters to the record.
 * @returns The calls that depend on x.
 * @throws {TypeError} If the result does not depend on the input.
 */
export function recordKernels(fn: (x: Tensor) => Tensor, x: Tensor): KernelRecord {
  const engine = tf.engine() as unknown as Kernels;
  const own = Object.hasOwn(engine, "runKernel");
  const before = engine.runKernel;
  const values = new Map<number, RecordedValue>();
  const constants = new Map<number, Tensor>();
  const calls: KernelCall[] = [];
  let count = 0;
  let depth = 0;
  const name = (tensor: Tensor): RecordedValue => {
    const value = { id: count++, shape: [...tensor.shape] };
    values.set(tensor.id, value);
    return value;
  };
  const operandOf = (tensor: Tensor): RecordedOperand => {
    const value = values.get(tensor.id);
    if (value) return { value };
    // A copy by reference: the operator that made it may dispose of it, and its owner of its own.
    let constant = constants.get(tensor.id);
    if (!constant) constants.set(tensor.id, constant = hold(tf.clone(tensor)));
    return { constant };
  };
  engine.runKernel = (kernel, inputs, attributes) => {
    depth++;
    try {
      const result = before.call(engine, kernel, inputs, attributes);
      const tensors = Object.entries(inputs as Record<string, Tensor>).filter(([, tensor]) => tensor != null);
      if (depth > 1 || OF_SHAPE.includes(kernel) || !tensors.some(([, { id }]) => values.has(id))) return result;
      const operands = Object.fromEntries(tensors.map(([key, tensor]) => [key, operandOf(tensor)]));
      const outputs = [result].flat().map(name);
      const given = { ...attributes as Record<string, unknown> };
      calls.push({ kernel, operands, isList: Array.isArray(inputs), attributes: given, outputs });
      return result;
    } finally {
      depth--;
    }
  };
  try {
    // A tensor of its own, so that the record does not take what else is made of x for a part of it.
    const input = tf.clone(x);
    name(input);
    const output = values.get(fn(input).id);
    if (!output) throw new TypeError("Cannot record the function as its result does not depend on its input");
    return { calls: liveCalls(calls, output), output };
  } finally {
    if (own) engine.runKernel = before;
    else delete (engine as Partial<Kernels>).runKernel;
  }
}

/** The calls that a value needs. */
function liveCalls(calls: readonly KernelCall[], { id }: RecordedValue): KernelCall[] {
  const needed = new Set([id]);
  return calls.toReversed().filter(({ outputs, operands }) => {
    if (!outputs.some(({ id }) => needed.has(id))) return false;
    for (const operand of Object.values(operands)) if ("value" in operand) needed.add(operand.value.id);
    return true;
  }).reverse();
}

/**
 * Applies a recorded kernel to other operands.
 *
 * @param call The call.
 * @param operands A tensor for every operand.
 * @returns Its outputs.
 */
export function runRecorded(call: KernelCall, operands: Readonly<Record<string, Tensor>>): Tensor[] {
  const inputs = call.isList ? Object.keys(call.operands).map((key) => operands[key]!) : operands;
  const run = (tf.engine() as unknown as Kernels).runKernel;
  return [run.call(tf.engine(), call.kernel, inputs, { ...call.attributes })].flat();
}

/**
 * What a linear combination of a kernel's outputs is of one operand, the kernel being linear in it: the adjoint, which
 * is the gradient that TensorFlow.js has for the kernel.
 *
 * @param call The call.
 * @param weights A factor for every element of every output.
 * @param key Name of the operand.
 * @param operands Operands to be used in place of those that depend on the input; of the others only shapes matter.
 * @returns A factor for every element of the operand.
 */
export function pullBack(
  call: KernelCall,
  weights: readonly Tensor[],
  key: string,
  operands: Readonly<Record<string, Tensor>> = {},
): Tensor {
  const gradient = tf.getGradient(call.kernel);
  if (!gradient) throw new TypeError(`Cannot go back through the kernel "${call.kernel}" as it has no gradient`);
  const tensor = (key: string): Tensor => {
    const operand = call.operands[key]!;
    if (operands[key]) return operands[key];
    return "constant" in operand ? operand.constant : tf.zeros([...operand.value.shape]);
  };
  const saved = gradient.saveAllInputs ? Object.keys(call.operands) : gradient.inputsToSave ?? [];
  const result = gradient.gradFunc(
    (weights.length > 1 ? weights : weights[0]!) as Tensor,
    saved.map(tensor),
    { ...call.attributes } as Parameters<typeof gradient.gradFunc>[2],
  ) as Record<string, () => Tensor>;
  return result[key]!();
}
