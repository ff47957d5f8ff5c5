import { InferenceSession, Tensor } from "onnxruntime-node";
import type { NdArray } from "../../core/mod.ts";
import type { Fetch, Output } from "../protocol.ts";

/** Where ONNX Runtime computes: how its programs are made there, and where their values live between calls. */
export interface Device {
  /**
   * Makes a program.
   *
   * @param model A ModelProto.
   * @param outputs Its outputs.
   */
  compile(model: Uint8Array<ArrayBuffer>, outputs: readonly Output[]): Promise<InferenceSession>;
  /**
   * Runs a program.
   *
   * @param session What {@linkcode compile} made.
   * @param feeds Its inputs by name; they stay the caller's.
   * @param fetches Its outputs.
   * @returns The outputs by name, which the caller frees.
   */
  run(
    session: InferenceSession,
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly Fetch[],
  ): Promise<Readonly<Record<string, Tensor>>>;
  /** Copies an array to the device. */
  put(array: NdArray): Promise<Tensor>;
  /** Copies the elements of a value from the device. */
  read(tensor: Tensor): Promise<NdArray["data"]>;
  /** Gives a value back. */
  free(tensor: Tensor): void;
  /** Gives the device back; its programs and values must have been. */
  close(): Promise<void>;
}

/** A tensor on the memory of an array. */
export function tensorOf({ dtype, shape, data }: NdArray): Tensor {
  return new Tensor(dtype, data as Float32Array, shape);
}

/** Makes a session with the options that every device shares. */
export function createSession(
  model: Uint8Array<ArrayBuffer>,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return InferenceSession.create(model, {
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // Static shapes need no pattern: without it a step takes a third less memory.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...options,
  });
}
