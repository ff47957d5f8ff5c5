import type { DType, NdArray } from "../../core/mod.ts";
import type { DeviceName } from "../engine.ts";
import { openContext } from "./_open_context.ts";
import { cString, type Pointer, type TensorflowLibrary } from "./ffi.ts";

/** TF_DataType of each dtype. */
const DATA_TYPE: { readonly [K in DType]: number } = { float32: 1, int32: 3, bool: 10 };
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** A value of a context; whoever received it deletes it. */
export interface Handle {
  readonly pointer: Pointer;
  readonly dtype: DType;
}

/** A TensorFlow context: a set of devices and threads, and the functions that run on them. */
export interface Context {
  /** Where functions run. */
  readonly device: "cpu" | "gpu";
  /**
   * Makes a function of a graph.
   *
   * @param name Name of the function, of letters, digits and underscores, used once.
   * @param graphDef A GraphDef whose inputs are Placeholders.
   * @param inputs Names of the nodes that are its inputs, in order.
   * @param outputs Names of the nodes that are its outputs, in order.
   */
  addFunction(
    name: string,
    graphDef: Uint8Array<ArrayBuffer>,
    inputs: readonly string[],
    outputs: readonly string[],
  ): void;
  /** Removes a function and everything that was prepared for running it. */
  removeFunction(name: string): void;
  /**
   * Runs a function; the thread waits.
   *
   * @param name Name of the function.
   * @param inputs Its inputs in order; they stay the caller's.
   * @param dtypes Element types of its outputs.
   * @returns The outputs, which the caller owns.
   */
  run(name: string, inputs: readonly Handle[], dtypes: readonly DType[]): Handle[];
  /** Copies an array into the context. */
  put(array: NdArray): Handle;
  /** Copies the elements of a value out of the context. */
  read(handle: Handle): NdArray["data"];
  /** Gives a value back. */
  delete(handle: Handle): void;
  /** Gives everything back. */
  close(): void;
}

/**
 * Makes a context of an open library.
 *
 * @param library The library.
 * @param threads Threads of an operator.
 * @param device Where to compute; "cpu" hides the GPUs. @default {the first GPU that the library lists, else the cpu}
 * @returns The context, on the processor where the library lists no GPU.
 * @throws {Error} In the library's words, for this and every function of the context.
 */
export function createContext(library: TensorflowLibrary, threads: number, device?: DeviceName): Context {
  const { symbols: c, status, check } = library;
  const { context, gpu } = openContext(library, threads, device);

  const handleOf = (pointer: Deno.PointerValue, dtype: DType): Handle => ({ pointer: pointer!, dtype });
  const remove = ({ pointer }: Handle): void => c.TFE_DeleteTensorHandle(pointer);
  return {
    device: gpu ? "gpu" : "cpu",
    addFunction: (name, graphDef, inputs, outputs) => {
      const graph = c.TF_NewGraph();
      const buffer = c.TF_NewBufferFromString(graphDef, BigInt(graphDef.length));
      const importOptions = c.TF_NewImportGraphDefOptions();
      try {
        c.TF_GraphImportGraphDef(graph, buffer, importOptions, status);
        check("import the graph");
        const ends = (names: readonly string[]) =>
          outputStructs(names.map((end) => c.TF_GraphOperationByName(graph, cString(end))));
        // Arguments: no suffix to the name, every operator of the graph (-1), no names of outputs, options, description.
        const made = c.TF_GraphToFunction(
          graph,
          cString(name),
          0,
          -1,
          null,
          inputs.length,
          ends(inputs),
          outputs.length,
          ends(outputs),
          null,
          null,
          null,
          status,
        );
        check("make a function of the graph");
        c.TFE_ContextAddFunction(context, made, status);
        c.TF_DeleteFunction(made);
        check("add the function");
      } finally {
        c.TF_DeleteImportGraphDefOptions(importOptions);
        c.TF_DeleteBuffer(buffer);
        c.TF_DeleteGraph(graph);
      }
    },
    removeFunction: (name) => {
      c.TFE_ContextRemoveFunction(context, cString(name), status);
      check("remove the function");
    },
    run: (name, inputs, dtypes) => {
      const op = c.TFE_NewOp(context, cString(name), status);
      check("call the function");
      try {
        for (const { pointer } of inputs) {
          c.TFE_OpAddInput(op, pointer, status);
          check("pass an input");
        }
        const found = new BigUint64Array(Math.max(1, dtypes.length));
        const count = Int32Array.of(dtypes.length);
        c.TFE_Execute(op, found, count, status);
        check("run the graph");
        return dtypes.map((dtype, index) => handleOf(Deno.UnsafePointer.create(found[index]!), dtype));
      } finally {
        c.TFE_DeleteOp(op);
      }
    },
    put: ({ dtype, shape, data }) => {
      const lengths = BigInt64Array.from([...shape, 1], BigInt);
      const tensor = c.TF_AllocateTensor(DATA_TYPE[dtype], lengths, shape.length, BigInt(data.byteLength));
      if (data.byteLength > 0) {
        const memory = Deno.UnsafePointerView.getArrayBuffer(c.TF_TensorData(tensor)!, data.byteLength);
        new Uint8Array(memory).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
      const handle = c.TFE_NewTensorHandle(tensor, status);
      c.TF_DeleteTensor(tensor);
      check("make a value");
      if (!gpu || dtype !== "float32") return handleOf(handle, dtype);
      const copy = c.TFE_TensorHandleCopyToDevice(handle, context, cString(gpu), status);
      c.TFE_DeleteTensorHandle(handle);
      check("copy a value to the GPU");
      return handleOf(copy, dtype);
    },
    read: ({ pointer, dtype }) => {
      const tensor = c.TFE_TensorHandleResolve(pointer, status);
      check("read a value");
      const size = Number(c.TF_TensorByteSize(tensor));
      const bytes = size === 0
        ? new ArrayBuffer(0)
        : Deno.UnsafePointerView.getArrayBuffer(c.TF_TensorData(tensor)!, size).slice(0);
      c.TF_DeleteTensor(tensor);
      return new ARRAYS[dtype](bytes);
    },
    delete: remove,
    close: () => c.TFE_DeleteContext(context),
  };
}

/** An array of `TF_Output { TF_Operation* oper; int index; }`, the first output of each operation. */
function outputStructs(operations: readonly Deno.PointerValue[]): BigUint64Array<ArrayBuffer> {
  const structs = new BigUint64Array(Math.max(1, 2 * operations.length));
  operations.forEach((operation, index) => structs[2 * index] = BigInt(Deno.UnsafePointer.value(operation)));
  return structs;
}
