import { DataError } from "../core/mod.ts";
import type { DecodeJob, DecodeReply } from "./_decode_job.ts";

/** Threads that decode images. */
export interface DecodePool extends Disposable {
  /** Number of threads. */
  readonly workers: number;
  /**
   * Decodes an image on the next free thread; a DataError where its file is damaged.
   */
  readonly decode: (job: DecodeJob) => Promise<Uint8Array<ArrayBuffer>>;
}

/** Threads where nobody says how many: one per processor, eight at most. */
export const DEFAULT_WORKERS = Math.min(8, navigator.hardwareConcurrency);

interface Waiting {
  readonly job: DecodeJob;
  readonly resolve: (pixels: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: Error) => void;
}

/** Starts threads, as they are needed; disposing ends them, and rejects what waits. */
export function decodePool(workers: number = DEFAULT_WORKERS): DecodePool {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`Cannot decode on ${workers} threads: it needs an integer of 1 or more`);
  }
  const queue: Waiting[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Waiting>();
  let ended = false;

  const next = (worker: Worker) => {
    const waiting = queue.shift();
    if (waiting === undefined) {
      idle.push(worker);
      return;
    }
    busy.set(worker, waiting);
    worker.postMessage(waiting.job);
  };
  const end = (error: Error) => {
    ended = true;
    for (const { reject } of [...busy.values(), ...queue]) reject(error);
    for (const worker of [...busy.keys(), ...idle]) worker.terminate();
    busy.clear();
    queue.length = idle.length = 0;
  };
  const start = () => {
    const worker = new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module", name: "decode" });
    worker.onmessage = ({ data: reply }: MessageEvent<DecodeReply>) => {
      const { resolve, reject } = busy.get(worker)!;
      busy.delete(worker);
      if ("pixels" in reply) resolve(reply.pixels);
      else reject("corrupt" in reply ? new DataError(reply.corrupt) : new Error(reply.failed));
      next(worker);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      end(new Error(`Cannot go on as a decoding thread failed: ${event.message}`));
    };
    return worker;
  };
  return {
    workers,
    decode: (job) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(new ReferenceError("Cannot decode after the threads were ended"));
        queue.push({ job, resolve, reject });
        const worker = idle.pop() ?? (busy.size < workers ? start() : undefined);
        if (worker !== undefined) next(worker);
      }),
    [Symbol.dispose]: () => {
      if (!ended) end(new ReferenceError("Cannot decode after the threads were ended"));
    },
  };
}
