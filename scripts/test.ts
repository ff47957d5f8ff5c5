/**
 * Runs all tests: those of tests/, and the examples in doc comments and pages.
 *
 * @module
 */
import { runCommand } from "./_command.ts";
import { countsOf, type TestCounts } from "./_test_counts.ts";

/** Arguments of `deno test` for each part. */
const PARTS: readonly (readonly string[])[] = [
  ["--parallel", "tests"],
  ["--doc", "mod.ts", "lib", "README.md", "CONTRIBUTING.md"],
];

if (import.meta.main) {
  await runCommand({
    name: "test",
    usage: "[files or folders]",
    arity: [0, Infinity],
    about:
      `Run all tests and the examples in doc comments; with files or folders, their tests alone. The last line says how
many passed and failed; the exit status is 1 where one failed or none ran.`,
    flags: {},
    main: async ({ args, json }) => {
      const parts = args.length > 0 ? [["--parallel", ...args]] : PARTS;
      let passed = 0;
      let failed = 0;
      for (const part of parts) {
        const counts = await runPart(part, json);
        passed += counts.passed;
        failed += counts.failed;
      }
      if (failed > 0 || passed === 0) Deno.exitCode = 1;
      if (!json) console.log(`${passed} passed, ${failed} failed`);
      return { passed, failed };
    },
  });
}

/** Runs `deno test` and hands its output on while it comes. */
async function runPart(args: readonly string[], json: boolean): Promise<TestCounts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", ...args],
    // Each test process has threads of its own: two at a time fill small machines, and stay within their memory.
    env: { DENO_JOBS: "2", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const out = json ? Deno.stderr : Deno.stdout;
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    for (let at = 0; at < chunk.length;) at += out.writeSync(chunk.subarray(at));
    text += decoder.decode(chunk, { stream: true });
  }
  return countsOf(text, (await child.status).success);
}
