import { sizeOf } from "../../../core/mod.ts";
import { ProtobufWriter } from "../../protobuf.ts";
import { openContext } from "../_open_context.ts";
import { cString, openLibrary, type Pointer, textAt } from "../ffi.ts";
import { openEagerSymbols } from "./_symbols.ts";

/** TF_DataType of the element types that pass through the binding. */
const TYPES = {
  TF_FLOAT: 1,
  TF_INT32: 3,
  TF_UINT8: 4,
  TF_STRING: 7,
  TF_COMPLEX64: 8,
  TF_INT64: 9,
  TF_BOOL: 10,
  TF_RESOURCE: 20,
} as const;

/** TF_AttrType of the attributes that kernels set; a list has the type of its elements. */
const ATTRIBUTES = {
  TF_ATTR_STRING: 0,
  TF_ATTR_INT: 1,
  TF_ATTR_FLOAT: 2,
  TF_ATTR_BOOL: 3,
  TF_ATTR_TYPE: 4,
  TF_ATTR_SHAPE: 5,
  /** The package's declaration asks for it; the C API has none. */
  TF_ATTR_RESOURCE: -1,
} as const;

/** Elements as TensorFlow.js has them: complex numbers as pairs, a string as its bytes. */
export type BackendValues = Float32Array | Int32Array | Uint8Array | BigInt64Array | Uint8Array[];

/** Arrays of the types whose elements lie in memory one after the other, and the bytes of an element. */
const ARRAYS = new Map<number, readonly [array: NumberArray, bytes: number]>([
  [TYPES.TF_FLOAT, [Float32Array, 4]],
  [TYPES.TF_INT32, [Int32Array, 4]],
  [TYPES.TF_UINT8, [Uint8Array, 1]],
  [TYPES.TF_COMPLEX64, [Float32Array, 8]],
  [TYPES.TF_INT64, [BigInt64Array, 8]],
  [TYPES.TF_BOOL, [Uint8Array, 1]],
]);
type NumberArray = Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor | BigInt64ArrayConstructor;

/** TF_Code of success. */
const OK = 0;
/** sizeof(TF_TString). */
const STRING_BYTES = 24;

/** An attribute of an operator. */
export interface OpAttribute {
  /** Its name in the operator's definition. */
  readonly name: string;
  /** One of the TF_ATTR numbers of the binding. */
  readonly type: number;
  /** Of the type's kind, or an array of it. */
  readonly value: unknown;
}

/** What the library says of a tensor. */
export interface TensorMetadata {
  /** Number of the tensor in the binding. */
  readonly id: number;
  /** Length of each axis. */
  readonly shape: number[];
  /** One of the TF numbers of the binding. */
  readonly dtype: number;
}

/**
 * What `NodeJSKernelBackend` of `@tensorflow/tfjs-node-gpu` asks of its native addon (`TFJSBinding` in the package's
 * dist/tfjs_binding.d.ts), and what this project adds to it.
 *
 * Differs: loading a SavedModel is refused.
 */
export interface Binding extends Readonly<Record<keyof typeof TYPES | keyof typeof ATTRIBUTES, number>> {
  /** Version of the library. */
  readonly "TF_Version": string;
  /** Where operators run: "cpu (2 threads)" or "gpu". */
  readonly device: string;
  /** Whether the context has a GPU. */
  isUsingGpuDevice(): boolean;
  /** Copies elements into a new tensor and returns its number. */
  createTensor(shape: readonly number[], dtype: number, values: BackendValues): number;
  /** Gives a tensor back; one that is gone is let pass once the binding is closed. */
  deleteTensor(id: number): void;
  /** Copies the elements of a tensor out. */
  tensorDataSync(id: number): BackendValues;
  /**
   * Runs an operator.
   *
   * @param name Name of the operator.
   * @param attributes Its attributes; all that its inputs need must be among them.
   * @param inputs Numbers of its inputs, those of a list one after the other.
   * @param outputs How many outputs it has at most.
   * @returns The outputs, which the caller owns.
   */
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  /** How many tensors there are. */
  getNumOfTensors(): number;
  /** None. */
  getNumOfSavedModels(): number;
  /** Not there. */
  loadSavedModel(): never;
  /** Not there. */
  runSavedModel(): never;
  /** Not there. */
  deleteSavedModel(): never;
  /** Gives every tensor and the context back. */
  close(): void;
}

/**
 * Makes the binding: a TensorFlow context of its own on the calling thread, driven through Deno FFI.
 *
 * @param path Path of `libtensorflow_cc`; `libtensorflow_framework` must lie beside it.
 * @param threads Threads of an operator.
 * @returns The binding; close it when done.
 * @throws {Error} In the library's words, for this and every function of the binding.
 */
export function createBinding(path: string, threads: number): Binding {
  const library = openLibrary(path);
  const { context, gpu } = openContext(library, threads);
  const { status } = library;
  const c = { ...library.symbols, ...openEagerSymbols(path) };
  const check = (action: string, name = "") => {
    if (c.TF_GetCode(status) === OK) return;
    const message = `Cannot ${action}${name}: ${oneLine(textAt(c.TF_Message(status)))}`;
    c.TF_SetStatus(status, OK, cString(""));
    throw new Error(message);
  };

  const handles = new Map<number, Pointer>();
  const names = new Map<string, Uint8Array<ArrayBuffer>>();
  let outputs = new BigUint64Array(8);
  const count = new Int32Array(1);
  let next = 0;
  let closed = false;

  /** Names of operators and attributes are few, and needed for every call. */
  function nameOf(text: string): Uint8Array<ArrayBuffer> {
    let name = names.get(text);
    if (!name) names.set(text, name = cString(text));
    return name;
  }

  function handleOf(id: number): Pointer {
    const handle = handles.get(id);
    if (handle) return handle;
    throw new ReferenceError(
      closed
        ? "Cannot use a tensor of the TensorFlow backend after the backend was disposed of"
        : "Cannot use a tensor of the TensorFlow backend after it was disposed of",
    );
  }

  function keep(handle: Pointer): number {
    handles.set(next, handle);
    return next++;
  }

  function numbersTensor(shape: readonly number[], dtype: number, values: BackendValues): Deno.PointerValue {
    const layout = ARRAYS.get(dtype);
    if (!layout) throw new TypeError(`Cannot make a tensor of TensorFlow's data type ${dtype}`);
    const [array, bytes] = layout;
    // 64-bit integers come as pairs of 32-bit ones; what another backend kept may be in an array of another type.
    const data = values instanceof array || dtype === TYPES.TF_INT64
      ? values as Exclude<BackendValues, Uint8Array[]>
      : new (array as Float32ArrayConstructor)(values as Float32Array);
    const size = sizeOf(shape) * bytes;
    if (data.byteLength !== size) {
      throw new TypeError(`Cannot make a tensor of shape [${shape}] of ${data.byteLength} bytes: it has ${size}`);
    }
    const tensor = c.TF_AllocateTensor(dtype, int64s(shape), shape.length, BigInt(size));
    if (size > 0) {
      const memory = Deno.UnsafePointerView.getArrayBuffer(c.TF_TensorData(tensor)!, size);
      new Uint8Array(memory).set(new Uint8Array(data.buffer, data.byteOffset, size));
    }
    return tensor;
  }

  /** By way of a TensorProto, which gives the tensor strings that it owns and frees; those of TF_StringCopy leak. */
  function stringsTensor(shape: readonly number[], strings: readonly Uint8Array[]): Deno.PointerValue {
    if (strings.length !== sizeOf(shape)) {
      throw new TypeError(`Cannot make a tensor of shape [${shape}] of ${strings.length} strings`);
    }
    const lengths = new ProtobufWriter();
    for (const length of shape) lengths.message(2, new ProtobufWriter().int(1, length));
    const proto = new ProtobufWriter().int(1, TYPES.TF_STRING).message(2, lengths);
    for (const string of strings) proto.bytes(8, string);
    const bytes = proto.finish();
    const tensor = c.TF_AllocateTensor(TYPES.TF_BOOL, int64s([]), 0, 1n); // becomes what the proto says
    const buffer = c.TF_NewBufferFromString(bytes, BigInt(bytes.length));
    c.TF_TensorFromProto(buffer, tensor, status);
    c.TF_DeleteBuffer(buffer);
    return tensor;
  }

  function createTensor(shape: readonly number[], dtype: number, values: BackendValues): number {
    if (closed) throw new ReferenceError("Cannot make a tensor after the TensorFlow backend was disposed of");
    const tensor = dtype === TYPES.TF_STRING
      ? stringsTensor(shape, values as Uint8Array[])
      : numbersTensor(shape, dtype, values);
    try {
      check("make a tensor");
      const handle = c.TFE_NewTensorHandle(tensor, status);
      check("make a tensor");
      // GPU kernels want integers, which are mostly shapes and axes, in the memory of the host.
      if (!gpu || dtype === TYPES.TF_INT32 || dtype === TYPES.TF_STRING) return keep(handle!);
      const copy = c.TFE_TensorHandleCopyToDevice(handle, context, nameOf(gpu), status);
      c.TFE_DeleteTensorHandle(handle);
      check("copy a tensor to the GPU");
      return keep(copy!);
    } finally {
      c.TF_DeleteTensor(tensor);
    }
  }

  function tensorDataSync(id: number): BackendValues {
    const handle = handleOf(id);
    const dtype = c.TFE_TensorHandleDataType(handle);
    const tensor = c.TFE_TensorHandleResolve(handle, status);
    check("read a tensor");
    try {
      const size = Number(c.TF_TensorByteSize(tensor));
      const data = c.TF_TensorData(tensor);
      if (dtype === TYPES.TF_STRING) return stringsAt(data, size / STRING_BYTES);
      const [array] = ARRAYS.get(dtype) ?? [];
      if (!array) throw new TypeError(`Cannot read a tensor of TensorFlow's data type ${dtype}`);
      return new array(bytesAt(data, size));
    } finally {
      c.TF_DeleteTensor(tensor);
    }
  }

  function stringsAt(data: Deno.PointerValue, length: number): Uint8Array[] {
    return Array.from({ length }, (_, index) => {
      const string = Deno.UnsafePointer.offset(data!, index * STRING_BYTES);
      return new Uint8Array(bytesAt(c.TF_StringGetDataPointer(string), Number(c.TF_StringGetSize(string))));
    });
  }

  function setAttribute(op: Deno.PointerValue, { name: text, type, value }: OpAttribute): void {
    const name = nameOf(text);
    switch (type) {
      case ATTRIBUTES.TF_ATTR_TYPE:
        return c.TFE_OpSetAttrType(op, name, value as number);
      case ATTRIBUTES.TF_ATTR_INT:
        if (!Array.isArray(value)) return c.TFE_OpSetAttrInt(op, name, BigInt(Math.trunc(value as number)));
        return c.TFE_OpSetAttrIntList(op, name, int64s(value as number[]), value.length);
      case ATTRIBUTES.TF_ATTR_FLOAT:
        if (!Array.isArray(value)) return c.TFE_OpSetAttrFloat(op, name, value as number);
        return c.TFE_OpSetAttrFloatList(op, name, Float32Array.from(value as number[]), value.length);
      case ATTRIBUTES.TF_ATTR_BOOL:
        if (!Array.isArray(value)) return c.TFE_OpSetAttrBool(op, name, Number(value));
        return c.TFE_OpSetAttrBoolList(op, name, Uint8Array.from(value as boolean[], Number), value.length);
      case ATTRIBUTES.TF_ATTR_STRING: {
        const bytes = new TextEncoder().encode(value as string);
        return c.TFE_OpSetAttrString(op, name, bytes, BigInt(bytes.length));
      }
      case ATTRIBUTES.TF_ATTR_SHAPE:
        c.TFE_OpSetAttrShape(op, name, int64s(value as number[]), (value as number[]).length, status);
        return check("set the attribute ", text);
      default:
        throw new TypeError(`Cannot set the attribute ${text} of type ${type}`);
    }
  }

  function executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    most: number,
  ): TensorMetadata[] {
    const handlesIn = inputs.map(handleOf);
    if (closed) throw new ReferenceError("Cannot run an operator after the TensorFlow backend was disposed of");
    const op = c.TFE_NewOp(context, nameOf(name), status);
    check("run ", name);
    try {
      // Lists are passed element by element: with all attributes given, nothing is inferred from where a list begins.
      for (const handle of handlesIn) {
        c.TFE_OpAddInput(op, handle, status);
        check("run ", name);
      }
      for (const attribute of attributes) setAttribute(op, attribute);
      if (outputs.length < most) outputs = new BigUint64Array(most);
      count[0] = most;
      c.TFE_Execute(op, outputs, count, status);
      check("run ", name);
    } finally {
      c.TFE_DeleteOp(op);
    }
    return Array.from(outputs.subarray(0, count[0]), (address) => {
      const handle = Deno.UnsafePointer.create(address)!;
      const rank = c.TFE_TensorHandleNumDims(handle, status);
      const shape = Array.from({ length: rank }, (_, axis) => Number(c.TFE_TensorHandleDim(handle, axis, status)));
      return { id: keep(handle), shape, dtype: c.TFE_TensorHandleDataType(handle) };
    });
  }

  return {
    ...TYPES,
    ...ATTRIBUTES,
    TF_Version: library.version,
    device: gpu ? "gpu" : `cpu (${threads} threads)`,
    isUsingGpuDevice: () => gpu !== undefined,
    createTensor,
    deleteTensor: (id) => {
      if (closed) return;
      c.TFE_DeleteTensorHandle(handleOf(id));
      handles.delete(id);
    },
    tensorDataSync,
    executeOp,
    getNumOfTensors: () => handles.size,
    getNumOfSavedModels: () => 0,
    loadSavedModel: noSavedModel,
    runSavedModel: noSavedModel,
    deleteSavedModel: noSavedModel,
    close: () => {
      if (closed) return;
      closed = true;
      for (const handle of handles.values()) c.TFE_DeleteTensorHandle(handle);
      handles.clear();
      c.TFE_DeleteContext(context);
    },
  };
}

function noSavedModel(): never {
  throw new Error("Cannot use a SavedModel here: load weights from safetensors instead");
}

/** 64-bit integers as the library reads them; never empty, as an empty buffer has no address. */
function int64s(values: readonly number[]): BigInt64Array<ArrayBuffer> {
  return BigInt64Array.from(values.length === 0 ? [0] : values, BigInt);
}

/** A copy of the memory at a pointer. */
function bytesAt(pointer: Deno.PointerValue, size: number): ArrayBuffer {
  return size === 0 ? new ArrayBuffer(0) : Deno.UnsafePointerView.getArrayBuffer(pointer!, size).slice(0);
}

/** The library's words without its notes on where in the graph and under which name. */
function oneLine(message: string): string {
  return message.split("\n", 1)[0]!
    .replaceAll(/\{\{(function_node|node) [^}]*\}\}\s*/g, "")
    .replace(/\s*\[Op:[^\]]*\].*$/, "")
    .trim();
}
