/// <reference lib="deno.worker" />
/**
 * The thread that ONNX Runtime runs on: `session.run` blocks the thread that calls it, so the isolate of the caller
 * stays free for progress bars and signals. Values stay here between calls.
 */
import * as onnxruntime from "onnxruntime-node";
import { type NdArray, sizeOf } from "../../core/mod.ts";
import type { Fetch, Request } from "../protocol.ts";
import { type Answer, serveRequests, SMALL } from "../serve_requests.ts";

let threads = 1;
const sessions = new Map<number, onnxruntime.InferenceSession>();
const values = new Map<number, onnxruntime.Tensor>();
/** Memory of values that were freed, by dtype and size: the next output of that size is written there. */
const pool = new Map<string, NdArray["data"][]>();

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
const poolKey = (dtype: string, size: number) => `${dtype}:${size}`;

function toTensor({ dtype, shape, data }: NdArray): onnxruntime.Tensor {
  return new onnxruntime.Tensor(dtype, data as Float32Array, shape);
}

function outputTensor({ dtype, shape }: Fetch): onnxruntime.Tensor {
  const size = sizeOf(shape);
  const data = pool.get(poolKey(dtype, size))?.pop() ?? new ARRAYS[dtype](size);
  return toTensor({ dtype, shape, data } as NdArray);
}

function valueOf(value: number): onnxruntime.Tensor {
  const tensor = values.get(value);
  if (!tensor) throw new ReferenceError("Cannot use a value after it was disposed of");
  return tensor;
}

function free(value: number): void {
  const tensor = values.get(value);
  if (!tensor) return;
  values.delete(value);
  const key = poolKey(tensor.type, tensor.size);
  const spare = pool.get(key) ?? [];
  if (spare.length < 4) spare.push(tensor.data as Float32Array);
  pool.set(key, spare);
}

async function serve(request: Request): Promise<Answer> {
  switch (request.kind) {
    case "open":
      threads = request.threads;
      return [{}, []];
    case "compile": {
      const options = {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        // Static shapes need no pattern: without it a step takes a third less memory.
        enableMemPattern: false,
        logSeverityLevel: 3,
      } as const;
      sessions.set(request.session, await onnxruntime.InferenceSession.create(request.bytes, options));
      return [{}, []];
    }
    case "run": {
      const session = sessions.get(request.session);
      if (!session) throw new ReferenceError("Cannot run a program after it was disposed of");
      const feeds: Record<string, onnxruntime.Tensor> = {};
      for (const feed of request.feeds) feeds[feed.name] = "array" in feed ? toTensor(feed.array) : valueOf(feed.value);
      const fetches = Object.fromEntries(request.fetches.map((fetch) => [fetch.name, outputTensor(fetch)]));
      const results = await session.run(feeds, fetches);
      const small: [number, NdArray["data"]][] = [];
      for (const { name, shape, value } of request.fetches) {
        const tensor = results[name]!;
        values.set(value, tensor);
        if (sizeOf(shape) <= SMALL) small.push([value, (tensor.data as Float32Array).slice()]);
      }
      return [{ small }, []];
    }
    case "put":
      values.set(request.value, toTensor(request.array));
      return [{}, []];
    case "read": {
      const data = (valueOf(request.value).data as Float32Array<ArrayBuffer>).slice();
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
      return [{}, []];
  }
}

serveRequests(serve);
