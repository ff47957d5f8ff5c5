import { assert, assertEquals } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import * as ops from "../../lib/engine/mod.ts";
import type { Tensor } from "../../lib/engine/mod.ts";
import type { Reply, Request } from "../../lib/engine/protocol.ts";
import { ENGINES, isMissing, NATIVE_ENGINES } from "../testing/engines.ts";

/** A worker that keeps what it was asked, and can be asked by others than its engine. */
class RecordedWorker extends Worker {
  readonly asked: Request[] = [];
  #calls = 1e6; // beyond those of the engine

  override postMessage(message: { call: number; request: Request }): void {
    this.asked.push(message.request);
    super.postMessage(message);
  }

  /** The worker's answer to a request. */
  ask(request: Request): Promise<Reply> {
    const call = this.#calls++;
    return new Promise((resolve) => {
      const listen = ({ data }: MessageEvent<Reply>) => {
        if (data.call !== call) return;
        this.removeEventListener("message", listen);
        resolve(data);
      };
      this.addEventListener("message", listen);
      super.postMessage({ call, request });
    });
  }
}

/** Runs a test with an engine and its worker. */
async function withWorker(
  name: string,
  body: (engine: ops.Engine, worker: RecordedWorker) => Promise<void>,
): Promise<void> {
  const { Worker } = globalThis;
  let worker: RecordedWorker | undefined;
  globalThis.Worker = class extends RecordedWorker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      worker = this;
    }
  };
  try {
    await using engine = await ENGINES[name]!();
    await body(engine, worker!);
  } finally {
    globalThis.Worker = Worker;
  }
}

const of = <K extends Request["kind"]>(asked: readonly Request[], kind: K) =>
  asked.filter((request): request is Extract<Request, { kind: K }> => request.kind === kind);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

for (const name of NATIVE_ENGINES) {
  const fn = () =>
    withWorker(name, async (engine, worker) => {
      const program = engine.compile(({ x, w }: { x: Tensor; w: Tensor }) => ({ y: ops.mul(ops.sum(x), w), x }));
      const w = engine.put(float32([2], [1, 2]));
      for (let length = 1; length <= 10; length++) {
        const outputs = await program({ x: float32([length]), w });
        await engine.read(outputs.y);
        ops.disposeTree(outputs);
      }
      assertEquals(program.stats.length, 10);
      w.dispose();
      program.dispose();
      assertEquals(program.stats.length, 0);
      // Frees and releases go out after the turn; an answered request has everything before it behind it.
      await Promise.resolve();
      await worker.ask({ kind: "free", values: [] });

      const sessions = of(worker.asked, "compile").map(({ session }) => session);
      const values = [
        ...of(worker.asked, "put").map(({ value }) => value),
        ...of(worker.asked, "run").flatMap(({ fetches }) => fetches.map(({ value }) => value)),
      ];
      // The engine with channel-blocked convolutions has tried them out before.
      assert(sessions.length >= 10 && values.length >= 21, `${sessions.length} sessions, ${values.length} values`);
      assertEquals(sorted(of(worker.asked, "release").map(({ session }) => session)), sorted(sessions));
      assertEquals(sorted(of(worker.asked, "free").flatMap(({ values }) => values)), sorted(values));
      for (const session of sessions) {
        const { error } = await worker.ask({ kind: "run", session, feeds: [], fetches: [] });
        assertEquals(error, "Cannot run a program after it was disposed of");
      }
      for (const value of values) {
        const { error } = await worker.ask({ kind: "read", value });
        assertEquals(error, "Cannot use a value after it was disposed of");
      }
    });
  Deno.test({
    name: `ten shapes that were compiled and disposed of leave nothing in the worker (${name})`,
    ignore: isMissing(name),
    fn,
  });
}
