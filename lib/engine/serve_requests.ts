/// <reference lib="deno.worker" />
import { type Reply, type Request, UNANSWERED } from "./protocol.ts";

/** Outputs of at most this many elements are sent with the reply. */
export const SMALL = 1024;

/** A reply, and the buffers that move to the reader with it. */
export type Answer = readonly [reply: Omit<Reply, "call">, transfer: ArrayBuffer[]];

/**
 * Serves the requests of a `WorkerClient` in this worker, one after the other.
 *
 * @param serve Answers a request; what it throws is the reply's error.
 */
export function serveRequests(serve: (request: Request) => Answer | Promise<Answer>): void {
  let last: Promise<void> = Promise.resolve();
  self.onmessage = ({ data: { call, request } }: MessageEvent<{ call: number; request: Request }>) => {
    last = last.then(async () => {
      try {
        const [reply, transfer] = await serve(request);
        if (call !== UNANSWERED) self.postMessage({ call, ...reply } satisfies Reply, transfer);
      } catch (error) {
        self.postMessage({ call, error: error instanceof Error ? error.message : String(error) } satisfies Reply);
      }
    });
  };
}
