import type { DeviceName } from "../engine.ts";
import { ProtobufWriter } from "../protobuf.ts";
import { type TensorflowLibrary, textAt } from "./ffi.ts";

/** A context of the library, and its first GPU. */
export interface OpenContext {
  /** `TFE_Context*`; whoever received it deletes it. */
  readonly context: Deno.PointerValue;
  /** Name of the device; undefined where the context has no GPU. */
  readonly gpu: string | undefined;
}

/**
 * Makes a TensorFlow context: a set of devices and threads.
 *
 * @param library The library.
 * @param threads Threads of an operator.
 * @param device "cpu" hides the GPUs.
 * @returns The context.
 * @throws {Error} In the library's words.
 */
export function openContext(library: TensorflowLibrary, threads: number, device?: DeviceName): OpenContext {
  const { symbols: c, status, check } = library;
  const options = c.TFE_NewContextOptions();
  // ConfigProto: intra_op_parallelism_threads = 2, gpu_options = 6 { allow_growth = 4 }: a GPU is not taken whole.
  const writer = new ProtobufWriter().int(2, threads).message(6, new ProtobufWriter().int(4, 1));
  // device_count = 1 { "GPU": 0 }.
  if (device === "cpu") writer.message(1, new ProtobufWriter().string(1, "GPU").int(2, 0));
  const config = writer.finish();
  c.TFE_ContextOptionsSetConfig(options, config, BigInt(config.length), status);
  check("set the number of threads");
  const context = c.TFE_NewContext(options, status);
  check("make a TensorFlow context");
  c.TFE_DeleteContextOptions(options);
  const devices = c.TFE_ContextListDevices(context, status);
  check("list the devices");
  const indices = Array.from({ length: c.TF_DeviceListCount(devices) }, (_, index) => index);
  const first = indices.find((index) => textAt(c.TF_DeviceListType(devices, index, status)) === "GPU");
  const gpu = first === undefined ? undefined : textAt(c.TF_DeviceListName(devices, first, status));
  c.TF_DeleteDeviceList(devices);
  return { context, gpu };
}
