import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { runPython } from "../../../lib/engine/libtensorflow/run_python.ts";
import { SHELL, withPython } from "./_source_context.ts";

Deno.test({
  name: "runPython() gives what it printed, and whether it went well",
  ignore: !SHELL,
  fn: () =>
    withPython('echo "$MORE $1"; echo problem >&2; exit $2', async (_, python) => {
      const run = (code: string) => runPython(["a", code], { python }, { MORE: "more" });
      assertEquals(await run("0"), { success: true, out: "more a", err: "problem" });
      assertEquals((await run("3")).success, false);
    }),
});

Deno.test("runPython() says where there is none", async () => {
  const error = await assertRejects(() => runPython([], { python: "no-python-of-this-name" }), DataError);
  assertEquals(error.message, "no-python-of-this-name was not found");
});

Deno.test({
  name: "runPython() ends it at the signal",
  ignore: !SHELL,
  fn: () =>
    withPython("exec sleep 60", async (_, python) => {
      const stop = new AbortController();
      const start = performance.now();
      const running = runPython([], { python, signal: stop.signal });
      stop.abort();
      assertEquals(await assertRejects(() => running), stop.signal.reason);
      assertEquals(await assertRejects(() => runPython([], { python, signal: stop.signal })), stop.signal.reason);
      assert(performance.now() - start < 30_000);
    }),
});
