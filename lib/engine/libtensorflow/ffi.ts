/**
 * The part of libtensorflow's C API that the engine uses (tensorflow/c/c_api.h and c/eager/c_api.h), over Deno FFI.
 */

const status = "pointer";

const SYMBOLS = {
  TF_Version: { parameters: [], result: "pointer" },
  TF_NewStatus: { parameters: [], result: "pointer" },
  TF_GetCode: { parameters: [status], result: "i32" },
  TF_Message: { parameters: [status], result: "pointer" },
  // Tensors in memory.
  TF_AllocateTensor: { parameters: ["i32", "buffer", "i32", "usize"], result: "pointer" },
  TF_TensorData: { parameters: ["pointer"], result: "pointer" },
  TF_TensorByteSize: { parameters: ["pointer"], result: "usize" },
  TF_DeleteTensor: { parameters: ["pointer"], result: "void" },
  // The context, which owns devices, threads and functions.
  TFE_NewContextOptions: { parameters: [], result: "pointer" },
  TFE_ContextOptionsSetConfig: { parameters: ["pointer", "buffer", "usize", status], result: "void" },
  TFE_DeleteContextOptions: { parameters: ["pointer"], result: "void" },
  TFE_NewContext: { parameters: ["pointer", status], result: "pointer" },
  TFE_DeleteContext: { parameters: ["pointer"], result: "void" },
  TFE_ContextListDevices: { parameters: ["pointer", status], result: "pointer" },
  TF_DeviceListCount: { parameters: ["pointer"], result: "i32" },
  TF_DeviceListType: { parameters: ["pointer", "i32", status], result: "pointer" },
  TF_DeviceListName: { parameters: ["pointer", "i32", status], result: "pointer" },
  TF_DeleteDeviceList: { parameters: ["pointer"], result: "void" },
  // Values of the context.
  TFE_NewTensorHandle: { parameters: ["pointer", status], result: "pointer" },
  TFE_DeleteTensorHandle: { parameters: ["pointer"], result: "void" },
  TFE_TensorHandleResolve: { parameters: ["pointer", status], result: "pointer" },
  TFE_TensorHandleCopyToDevice: { parameters: ["pointer", "pointer", "buffer", status], result: "pointer" },
  // Calls.
  TFE_NewOp: { parameters: ["pointer", "buffer", status], result: "pointer" },
  TFE_OpAddInput: { parameters: ["pointer", "pointer", status], result: "void" },
  TFE_Execute: { parameters: ["pointer", "buffer", "buffer", status], result: "void" },
  TFE_DeleteOp: { parameters: ["pointer"], result: "void" },
  // Functions, made of a graph.
  TF_NewBufferFromString: { parameters: ["buffer", "usize"], result: "pointer" },
  TF_DeleteBuffer: { parameters: ["pointer"], result: "void" },
  TF_NewGraph: { parameters: [], result: "pointer" },
  TF_DeleteGraph: { parameters: ["pointer"], result: "void" },
  TF_NewImportGraphDefOptions: { parameters: [], result: "pointer" },
  TF_DeleteImportGraphDefOptions: { parameters: ["pointer"], result: "void" },
  TF_GraphImportGraphDef: { parameters: ["pointer", "pointer", "pointer", status], result: "void" },
  TF_GraphOperationByName: { parameters: ["pointer", "buffer"], result: "pointer" },
  TF_GraphToFunction: {
    parameters: [
      "pointer",
      "buffer",
      "u8",
      "i32",
      "pointer",
      "i32",
      "buffer",
      "i32",
      "buffer",
      "pointer",
      "pointer",
      "pointer",
      status,
    ],
    result: "pointer",
  },
  TF_DeleteFunction: { parameters: ["pointer"], result: "void" },
  TFE_ContextAddFunction: { parameters: ["pointer", "pointer", status], result: "void" },
  TFE_ContextRemoveFunction: { parameters: ["pointer", "buffer", status], result: "void" },
} as const;

/** A pointer that is not null. */
export type Pointer = Deno.PointerObject;

/** The functions of the C API, by name. */
export type Symbols = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/** An open library. */
export interface TensorflowLibrary {
  /** Its functions. */
  readonly symbols: Symbols;
  /** What functions report errors through. */
  readonly status: Pointer;
  /** Version, "2.21.0". */
  readonly version: string;
  /**
   * Throws where the last function that took the status failed.
   *
   * @param action What was tried, as in "Cannot <action>: <the library's words>".
   */
  check(action: string): void;
}

/**
 * Opens libtensorflow.
 *
 * @param path Path of `libtensorflow_cc`; `libtensorflow_framework` must lie beside it.
 * @returns The library; it stays loaded until the process ends.
 * @throws {Error} If it cannot be loaded or lacks a function.
 */
export function openLibrary(path: string): TensorflowLibrary {
  const { symbols } = isQuiet() ? withoutErrorStream(() => Deno.dlopen(path, SYMBOLS)) : Deno.dlopen(path, SYMBOLS);
  keepLoaded(path);
  const status = symbols.TF_NewStatus()!;
  return {
    symbols,
    status,
    version: textAt(symbols.TF_Version()),
    check: (action) => {
      if (symbols.TF_GetCode(status) === 0) return;
      throw new Error(`Cannot ${action}: ${textAt(symbols.TF_Message(status))}`);
    },
  };
}

/** Whether the library's greetings are turned off: where that is permitted and not decided by the user. */
function isQuiet(): boolean {
  const variable = "TF_CPP_MIN_LOG_LEVEL";
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return false;
  if (Deno.env.get(variable) === undefined) Deno.env.set(variable, "1");
  return Deno.env.get(variable) !== "0";
}

/** Does something while nothing is written to the error stream: the library greets before it reads its log level. */
function withoutErrorStream<T>(action: () => T): T {
  if (Deno.build.os === "windows") return action();
  const system = Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.dylib" : "libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    dup: { parameters: ["i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { open, dup, dup2, close } = system.symbols;
  const WRITE_ONLY = 1;
  const ERROR_STREAM = 2;
  const kept = dup(ERROR_STREAM);
  const nowhere = open(cString("/dev/null"), WRITE_ONLY);
  dup2(nowhere, ERROR_STREAM);
  try {
    return action();
  } finally {
    dup2(kept, ERROR_STREAM);
    close(kept);
    close(nowhere);
    system.close();
  }
}

/**
 * Takes a reference to a library that is never given back. Deno closes what a worker opened when the worker ends, and
 * libtensorflow does not survive being unloaded: it has threads, and functions to be called when the process ends.
 */
function keepLoaded(path: string): void {
  if (Deno.build.os === "windows") {
    const { symbols: { LoadLibraryW } } = Deno.dlopen("kernel32.dll", {
      LoadLibraryW: { parameters: ["buffer"], result: "pointer" },
    });
    LoadLibraryW(Uint16Array.from(`${path}\0`, (character) => character.charCodeAt(0)));
    return;
  }
  const { symbols: { dlopen } } = Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.dylib" : "libc.so.6", {
    dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  });
  const RTLD_LAZY = 1;
  dlopen(cString(path), RTLD_LAZY);
}

/** The C string at a pointer. */
export function textAt(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

/** Text as a C string. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
