import { encodeOnnx } from "../../../lib/engine/onnxruntime/encode_onnx.ts";
import { webgpuConvolutions as convolutions } from "../../../lib/engine/onnxruntime/webgpu_convolutions.ts";
import { webgpuGraph } from "../../../lib/engine/onnxruntime/webgpu_graph.ts";
import type { LiveGraph } from "../../../lib/engine/trace/graph.ts";
import { WorkerClient, type WorkerEngine, workerEngine } from "../../../lib/engine/worker_engine.ts";

/** An engine that writes its programs for webgpu and runs them on the processor, which every machine has. */
export interface WebgpuOnCpu extends WorkerEngine, AsyncDisposable {
  /** The graphs of its programs so far. */
  readonly graphs: readonly LiveGraph[];
}

/** Makes the engine. */
export function webgpuOnCpu(): WebgpuOnCpu {
  const graphs: LiveGraph[] = [];
  const url = new URL("../../../lib/engine/onnxruntime/worker.ts", import.meta.url);
  const client = new WorkerClient(new Worker(url, { type: "module" }));
  client.send({ kind: "open", threads: 1 });
  const encode = (graph: LiveGraph) => {
    const written = webgpuGraph(graph);
    graphs.push(written);
    return encodeOnnx(written);
  };
  return {
    ...workerEngine(client, { target: { engine: "onnxruntime", convolutions, blockSize: 0 }, encode }),
    graphs,
    [Symbol.asyncDispose]: () => client.end("at once"),
  };
}
