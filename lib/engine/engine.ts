import type { DType, NdArray } from "../core/mod.ts";
import type { MapTensors } from "./tree.ts";

/** Names of the engines. */
export type EngineName = "tensorflow" | "onnxruntime" | "reference";

/**
 * Names of the devices: the processor; "gpu", the first one that TensorFlow's library lists (CUDA); "webgpu", any GPU
 * with Vulkan, Metal or Direct3D 12, through ONNX Runtime.
 */
export type DeviceName = "cpu" | "gpu" | "webgpu";

/** An array that lives on an engine until it is disposed of. */
export interface Value {
  /** Element type. */
  readonly dtype: DType;
  /** Length of each axis. */
  readonly shape: readonly number[];
  /** Gives its memory back. Its owner is who received it; disposing twice is harmless. */
  dispose(): void;
}

/** What a program takes at each leaf of its input: an array from memory, or a value that is already on the engine. */
export type Leaf = NdArray | Value;

/** What {@linkcode Engine.compile} may be told. */
export interface CompileOptions {
  /** Name of the program in error messages and statistics. */
  readonly name?: string;
}

/** What a compiled signature of a program is and what it cost to make. */
export interface ProgramStats {
  /** Shapes, dtypes and plain values of the inputs. */
  readonly signature: string;
  /** Time to trace the function, ms. */
  readonly traceMs: number;
  /** Time to make the native session, ms. */
  readonly sessionMs: number;
  /** Nodes of the graph; 0 where there is no graph. */
  readonly nodes: number;
  /** Floating-point operations of one call, counted from the graph's convolutions and matrix products. */
  readonly flops: number;
}

/**
 * A compiled function from trees of arrays and values to a tree of values. The caller owns the values that come back.
 *
 * @typeParam I Input tree of the traced function, in tensors.
 * @typeParam O Output tree of the traced function, in tensors.
 */
export interface Program<I, O> {
  (inputs: MapTensors<I, Leaf>): Promise<MapTensors<O, Value>>;
  /** The signatures compiled so far. */
  readonly stats: readonly ProgramStats[];
  /** Gives back everything that was compiled. */
  dispose(): void;
}

/** A place to run numeric programs. */
export interface Engine {
  /** Which engine this is. */
  readonly name: EngineName;
  /** Where it runs, for people: "cpu (16-wide blocks, 2 threads)", "gpu", "webgpu". */
  readonly device: string;
  /** Version of the library underneath. */
  readonly version: string;
  /** Why this engine was taken, where the choice was left to {@linkcode createEngine}. */
  readonly note?: string;
  /**
   * Makes a native program of a pure function of tensors. The function is traced once per input signature (shapes,
   * dtypes, and the numbers, strings and booleans in the tree, which it sees as they are) at the first call with it; it
   * must not read values, draw random numbers, or depend on anything that changes.
   *
   * @param fn From a tree of tensors to a tree of tensors.
   * @returns The program; nothing is traced before its first call.
   */
  compile<I, O>(fn: (inputs: I) => O, options?: CompileOptions): Program<I, O>;
  /** Puts an array on the engine, to be used in many calls. */
  put(array: NdArray): Value;
  /** Reads a value (an array is returned as it is). */
  read(value: Leaf): Promise<NdArray>;
  /** Gives everything back and ends the engine's threads; `await using` calls it. */
  [Symbol.asyncDispose](): Promise<void>;
}
