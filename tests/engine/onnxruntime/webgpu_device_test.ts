import { assertEquals, assertRejects } from "@std/assert";
import { float32, int32, type NdArray, UsageError } from "../../../lib/core/mod.ts";
import { encodeOnnx } from "../../../lib/engine/onnxruntime/encode_onnx.ts";
import { createOnnxruntimeEngine } from "../../../lib/engine/onnxruntime/create_onnxruntime_engine.ts";
import type { Device } from "../../../lib/engine/onnxruntime/device.ts";
import { webgpuDevice } from "../../../lib/engine/onnxruntime/webgpu_device.ts";
import type { Output } from "../../../lib/engine/protocol.ts";
import type { GraphNode } from "../../../lib/engine/trace/graph.ts";
import { HAS_WEBGPU, lockWebgpu } from "../../testing/engines.ts";

function testDevice(name: string, body: (device: Device) => Promise<void>): void {
  const fn = async () => {
    using _ = await lockWebgpu();
    const device = await webgpuDevice(1);
    try {
      await body(device);
    } finally {
      await device.close();
    }
  };
  Deno.test({ name, ignore: !HAS_WEBGPU, fn });
}

testDevice("webgpu keeps arrays of every type on the GPU and gives their bits back", async (device) => {
  const flags: NdArray = { dtype: "bool", shape: [3, 2], data: Uint8Array.of(1, 0, 0, 1, 1, 0) };
  for (const array of [float32([2, 2], [1, -2, 1e-30, 0.1]), int32([3], [-1, 7, 2 ** 31 - 1]), flags]) {
    const tensor = await device.put(array);
    assertEquals(tensor.location, "gpu-buffer");
    assertEquals(await device.read(tensor), array.data);
    device.free(tensor);
  }
});

testDevice("webgpu leaves single numbers and empty arrays in memory", async (device) => {
  for (const array of [float32([], [3]), float32([1, 1], [3]), int32([], [3]), float32([0, 3])]) {
    const tensor = await device.put(array);
    assertEquals(tensor.location, "cpu");
    assertEquals(await device.read(tensor), array.data);
    device.free(tensor);
  }
});

testDevice("outputs of a program on webgpu stay there, but for single numbers", async (device) => {
  const node = (op: string, inputs: string[], output: string, attributes = {}): GraphNode => ({
    op,
    domain: "",
    inputs,
    outputs: [output],
    attributes,
    flops: 0,
  });
  const outputs: readonly Output[] = [
    { name: "y", dtype: "float32", shape: [3] },
    { name: "total", dtype: "float32", shape: [] },
  ];
  const model = encodeOnnx({
    nodes: [node("Add", ["x", "x"], "y"), node("ReduceSum", ["y"], "total", { keepdims: 0 })],
    constants: [],
    inputs: [{ name: "x", dtype: "float32", shape: [3] }],
    outputs,
  });
  const session = await device.compile(model, outputs);
  const fetches = outputs.map((output, value) => ({ ...output, value }));
  let x = await device.put(float32([3], [1, 2, 3]));
  for (let step = 1; step <= 3; step++) {
    const { y, total } = await device.run(session, { x }, fetches);
    assertEquals([y!.location, total!.location], ["gpu-buffer", "cpu"]);
    assertEquals([...total!.data as Float32Array], [6 * 2 ** step]);
    device.free(x);
    x = y!;
  }
  assertEquals([...await device.read(x)], [8, 16, 24]);
  device.free(x);
  await session.release();
});

Deno.test({
  name: "a second engine on webgpu is refused until the first is disposed of",
  ignore: !HAS_WEBGPU,
  fn: async () => {
    using _ = await lockWebgpu();
    const first = await createOnnxruntimeEngine({ device: "webgpu" });
    assertEquals([first.name, first.device], ["onnxruntime", "webgpu"]);
    await assertRejects(
      () => createOnnxruntimeEngine({ device: "webgpu" }),
      UsageError,
      'Cannot open a second engine on the device "webgpu": dispose of the first, or share it',
    );
    await first[Symbol.asyncDispose]();
    await using _second = await createOnnxruntimeEngine({ device: "webgpu" });
  },
});

Deno.test({
  name: "webgpu says in one line that there is no GPU, and what to do",
  ignore: HAS_WEBGPU,
  fn: async () => {
    const error = await assertRejects(() => createOnnxruntimeEngine({ device: "webgpu" }), UsageError);
    const { message } = error as UsageError;
    assertEquals(message.includes("\n"), false);
    assertEquals(
      message.startsWith('Cannot use the device "webgpu" with the engine "onnxruntime" as no GPU answered ('),
      true,
    );
    assertEquals(message.endsWith("; else use --device cpu"), true);
  },
});
