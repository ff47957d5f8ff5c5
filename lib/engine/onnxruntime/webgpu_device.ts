import type { InferenceSession, Tensor } from "onnxruntime-node";
import { type DType, sizeOf } from "../../core/mod.ts";
import { ProtobufWriter } from "../protobuf.ts";
import { createSession, type Device, tensorOf } from "./device.ts";
import { ONNX_DTYPE } from "./encode_onnx.ts";

/** Names of a copy's input and output. */
const COPY = { input: "x", output: "y" };

/**
 * Makes the device that is a GPU, through ONNX Runtime's WebGPU provider: Vulkan, Metal or Direct3D 12 underneath.
 * Values stay there between calls, but for single numbers, which come back with the call that makes them.
 *
 * @param threads Threads of an operator that the provider leaves to the processor.
 * @returns The device.
 * @throws {Error} If the machine has no such GPU, in the library's words.
 */
export async function webgpuDevice(threads: number): Promise<Device> {
  findVulkan();
  const options = {
    intraOpNumThreads: threads,
    // The layout of the traced graphs: else the provider puts transpositions in.
    executionProviders: [{ name: "webgpu", preferredLayout: "NHWC" }, { name: "cpu" }],
  };
  const copies = new Map<string, Promise<InferenceSession>>();
  const copy = async (tensor: Tensor, to: Tensor.DataLocation): Promise<Tensor> => {
    const key = `${tensor.type} to ${to}`;
    const session = copies.get(key) ??
      createSession(copyModel(tensor.type as DType), { ...options, preferredOutputLocation: to });
    copies.set(key, session);
    return (await (await session).run({ [COPY.input]: tensor }))[COPY.output]!;
  };
  // Shows whether there is a GPU; and the provider gives the GPU up, values and all, with the last session.
  await copy(tensorOf({ dtype: "float32", shape: [2], data: new Float32Array(2) }), "gpu-buffer");
  return {
    compile: (model, outputs) =>
      createSession(model, {
        ...options,
        preferredOutputLocation: Object.fromEntries(outputs.map(({ name, shape }) => [name, locationOf(shape)])),
      }),
    run: (session, feeds, fetches) => session.run(feeds, fetches.map(({ name }) => name)),
    put: async (array) =>
      locationOf(array.shape) === "cpu" ? tensorOf(array) : await copy(tensorOf(array), "gpu-buffer"),
    read: async (tensor) => {
      if (tensor.location === "cpu") return (tensor.data as Float32Array).slice();
      return (await copy(tensor, "cpu")).data as Float32Array;
    },
    free: (tensor) => tensor.dispose(),
    close: async () => {
      for (const session of copies.values()) await (await session).release();
    },
  };
}

/** Where a value lives: for a single number the way to the GPU and back is not worth it. */
function locationOf(shape: readonly number[]): "cpu" | "gpu-buffer" {
  return sizeOf(shape) <= 1 ? "cpu" : "gpu-buffer";
}

/** Throws where Linux has no Vulkan, which ONNX Runtime would tell the error stream and in more lines. */
function findVulkan(): void {
  if (Deno.build.os !== "linux") return;
  const loader = "libvulkan.so.1";
  try {
    Deno.dlopen(loader, {}).close();
  } catch (cause) {
    throw new Error(`${loader} does not open`, { cause });
  }
}

/** The model y = x, for arrays of any shape. */
function copyModel(dtype: DType): Uint8Array<ArrayBuffer> {
  const value = (name: string) => {
    const type = new ProtobufWriter().message(1, new ProtobufWriter().int(1, ONNX_DTYPE[dtype]));
    return new ProtobufWriter().string(1, name).message(2, type);
  };
  const node = new ProtobufWriter().string(1, COPY.input).string(2, COPY.output).string(4, "Identity");
  const graph = new ProtobufWriter().message(1, node).string(2, "copy").message(11, value(COPY.input))
    .message(12, value(COPY.output));
  return new ProtobufWriter().int(1, 9).message(7, graph).message(8, new ProtobufWriter().string(1, "").int(2, 17))
    .finish();
}
