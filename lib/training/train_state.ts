import { CheckpointError, type NdArray } from "../core/mod.ts";
import { decodeSafetensors, encodeSafetensors, type Weights } from "../models/mod.ts";
import type { Named, OptimizerState } from "./optimizer.ts";

/** All that a training needs to go on as if it had never stopped; data order and noise follow from seed and step. */
export interface TrainState {
  /** Steps done. */
  readonly step: number;
  /** Weights of the student. */
  readonly weights: Weights<NdArray>;
  /** What the optimizer keeps. */
  readonly optimizerState: OptimizerState<NdArray>;
  /** What the objective carries. */
  readonly carried: Named<NdArray>;
  /** Sum of the accuracies of the steps of the epoch that is under way; none where no step of it is done. @default {0} */
  readonly accuracySum?: number;
  /** Average of the weights, where one is kept. */
  readonly average?: Weights<NdArray>;
}

const GROUPS = ["parameters", "buffers", "optimizer", "carried", "averageParameters", "averageBuffers"] as const;
type Group = typeof GROUPS[number];

/**
 * Writes a state as a safetensors file: tensors "parameters.NAME", "buffers.NAME", "optimizer.SLOT.NAME", "carried.NAME",
 * and "averageParameters.NAME", "averageBuffers.NAME" of an average, in this library's layout, bit for bit.
 *
 * @param state The state.
 * @param experiment Hash of the experiment, which a reader can insist on.
 * @returns The bytes of the file.
 */
export function encodeTrainState(state: TrainState, experiment: string): Uint8Array {
  const groups: Readonly<Record<Group, Named<NdArray>>> = {
    ...state.weights,
    optimizer: flattenSlots(state.optimizerState),
    carried: state.carried,
    averageParameters: state.average?.parameters ?? {},
    averageBuffers: state.average?.buffers ?? {},
  };
  const tensors = Object.fromEntries(
    GROUPS.flatMap((group) => Object.entries(groups[group]).map(([name, array]) => [`${group}.${name}`, array])),
  );
  const { step, accuracySum } = state;
  const sum = accuracySum === undefined ? {} : { accuracySum: String(accuracySum) };
  return encodeSafetensors({ tensors, metadata: { step: String(step), ...sum, experiment } });
}

/**
 * Reads what {@linkcode encodeTrainState} wrote.
 *
 * @param bytes The bytes of the file.
 * @param experiment Hash of the experiment that is to go on.
 * @param name Name of the file, for messages.
 * @returns The state.
 * @throws {CheckpointError} If the bytes are no such file, or were written by another experiment.
 */
export function decodeTrainState(bytes: Uint8Array, experiment: string, name = "the checkpoint"): TrainState {
  const { tensors, metadata = {} } = decodeSafetensors(bytes, name);
  const { step = "none", accuracySum, experiment: author = "none" } = metadata;
  if (!/^\d{1,15}$/.test(step)) {
    throw new CheckpointError(
      `Cannot resume from "${name}" as its number of steps is "${step}": give a checkpoint of a training`,
    );
  }
  if (author !== experiment) {
    throw new CheckpointError(
      `Cannot resume from "${name}" as experiment ${author} wrote it, not ${experiment}: start anew, or give its own`,
    );
  }
  const groups: Record<Group, Record<string, NdArray>> = {
    parameters: {},
    buffers: {},
    optimizer: {},
    carried: {},
    averageParameters: {},
    averageBuffers: {},
  };
  for (const [path, array] of Object.entries(tensors)) {
    const group = GROUPS.find((prefix) => path.startsWith(`${prefix}.`));
    if (group === undefined) {
      throw new CheckpointError(`Cannot resume from "${name}" as it holds "${path}": give a checkpoint of a training`);
    }
    groups[group][path.slice(group.length + 1)] = array;
  }
  return {
    step: Number(step),
    weights: { parameters: groups.parameters, buffers: groups.buffers },
    optimizerState: nestSlots(groups.optimizer),
    carried: groups.carried,
    ...(accuracySum === undefined ? {} : { accuracySum: Number(accuracySum) }),
    // A network has parameters, and so has its average.
    ...(Object.keys(groups.averageParameters).length === 0
      ? {}
      : { average: { parameters: groups.averageParameters, buffers: groups.averageBuffers } }),
  };
}

/** Slots and names as one: "velocity.fc.weight". */
export function flattenSlots<T>(state: OptimizerState<T>): Named<T> {
  return Object.fromEntries(
    Object.entries(state).flatMap(([slot, named]) =>
      Object.entries(named).map(([name, value]) => [`${slot}.${name}`, value])
    ),
  );
}

function nestSlots(flat: Named<NdArray>): OptimizerState<NdArray> {
  const state: Record<string, Record<string, NdArray>> = {};
  for (const [path, array] of Object.entries(flat)) {
    const dot = path.indexOf(".");
    (state[path.slice(0, dot)] ??= {})[path.slice(dot + 1)] = array;
  }
  return state;
}
