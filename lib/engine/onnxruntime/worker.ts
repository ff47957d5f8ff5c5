/// <reference lib="deno.worker" />
/**
 * The thread that ONNX Runtime runs on: `session.run` blocks the thread that calls it, so the isolate of the caller
 * stays free for progress bars and signals. Values stay here between calls.
 */
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { type NdArray, sizeOf } from "../../core/mod.ts";
import type { Request } from "../protocol.ts";
import { type Answer, serveRequests, SMALL } from "../serve_requests.ts";
import { cpuDevice } from "./cpu_device.ts";
import { type Device, tensorOf } from "./device.ts";
import { webgpuDevice } from "./webgpu_device.ts";

let opened: Device | undefined;
const sessions = new Map<number, InferenceSession>();
const values = new Map<number, Tensor>();

function device(): Device {
  if (!opened) throw new ReferenceError("Cannot use the engine before its device is open");
  return opened;
}

function valueOf(value: number): Tensor {
  const tensor = values.get(value);
  if (!tensor) throw new ReferenceError("Cannot use a value after it was disposed of");
  return tensor;
}

function free(value: number): void {
  const tensor = values.get(value);
  if (tensor) device().free(tensor);
  values.delete(value);
}

async function serve(request: Request): Promise<Answer> {
  switch (request.kind) {
    case "open":
      opened = request.device === "webgpu" ? await webgpuDevice(request.threads) : cpuDevice(request.threads);
      return [{}, []];
    case "compile":
      sessions.set(request.session, await device().compile(request.bytes, request.outputs));
      return [{}, []];
    case "run": {
      const session = sessions.get(request.session);
      if (!session) throw new ReferenceError("Cannot run a program after it was disposed of");
      const feeds: Record<string, Tensor> = {};
      for (const feed of request.feeds) feeds[feed.name] = "array" in feed ? tensorOf(feed.array) : valueOf(feed.value);
      const results = await device().run(session, feeds, request.fetches);
      const small: [number, NdArray["data"]][] = [];
      for (const { name, shape, value } of request.fetches) {
        const tensor = results[name]!;
        values.set(value, tensor);
        if (tensor.location === "cpu" && sizeOf(shape) <= SMALL) {
          small.push([value, (tensor.data as Float32Array).slice()]);
        }
      }
      return [{ small }, []];
    }
    case "put":
      values.set(request.value, await device().put(request.array));
      return [{}, []];
    case "read": {
      const data = await device().read(valueOf(request.value)) as Float32Array<ArrayBuffer>;
      return [{ data }, [data.buffer]];
    }
    case "free":
      request.values.forEach(free);
      return [{}, []];
    case "release":
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return [{}, []];
    case "close":
      [...values.keys()].forEach(free);
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      await opened?.close();
      return [{}, []];
  }
}

serveRequests(serve);
