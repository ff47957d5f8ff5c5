/**
 * The part of libtensorflow's C API that eager execution uses beyond the engine's (tensorflow/c/c_api.h, tf_tstring.h
 * and c/eager/c_api.h). Opened apart: a library that lacks one of these functions still runs the engine.
 */

const status = "pointer";

const SYMBOLS = {
  TF_SetStatus: { parameters: [status, "i32", "buffer"], result: "void" },
  TFE_TensorHandleDataType: { parameters: ["pointer"], result: "i32" },
  TFE_TensorHandleNumDims: { parameters: ["pointer", status], result: "i32" },
  TFE_TensorHandleDim: { parameters: ["pointer", "i32", status], result: "i64" },
  TFE_OpSetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  TFE_OpSetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  TFE_OpSetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  TFE_OpSetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  TFE_OpSetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32", status], result: "void" },
  TF_TensorFromProto: { parameters: ["pointer", "pointer", status], result: "void" },
  TF_StringGetDataPointer: { parameters: ["pointer"], result: "pointer" },
  TF_StringGetSize: { parameters: ["pointer"], result: "usize" },
} as const;

/** The functions, by name. */
export type EagerSymbols = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/**
 * Opens the functions of a library that `openLibrary` has loaded for good.
 *
 * @param path Path of `libtensorflow_cc`.
 * @returns The functions.
 * @throws {Error} If the library lacks one.
 */
export function openEagerSymbols(path: string): EagerSymbols {
  return Deno.dlopen(path, SYMBOLS).symbols;
}
