/**
 * `deno task setup` as a person meets it: a process of its own, with a cache folder and a search path of its own.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fakeWheel, WHEEL_SHA256 } from "../engine/libtensorflow/_source_context.ts";
import { withServer } from "../testing/servers.ts";
import { filesIn, inTempFolder, resultOf, taskArgs, type TaskResult } from "./_task.ts";

/** Where the modules of this process are cached: another cache folder would have them fetched again. */
const { denoDir } = JSON.parse(
  new TextDecoder().decode((await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout),
) as { denoDir: string };

/** Starts it without Python, with `root` for its cache folder. */
function start(root: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...taskArgs("setup"), ...args],
    cwd: root,
    clearEnv: true,
    env: { NO_COLOR: "1", DENO_DIR: denoDir, HOME: root, XDG_CACHE_HOME: `${root}/cache`, PATH: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

const run = (...args: Parameters<typeof start>): Promise<TaskResult> => resultOf(start(...args));

/** What it keeps: onnxruntime has files of its own. */
const kept = async (root: string) => Object.keys(await filesIn(root)).filter((name) => name.startsWith("cache/kdiga/"));

Deno.test("setup without a library that works says so in a line, and leaves the embedded engine in charge", async () => {
  await inTempFolder(async (root) => {
    await Deno.writeTextFile(`${root}/no_library`, "no library");
    const cases: [value: string, reason: RegExp][] = [
      [`${root}/nowhere`, /^there is no file TENSORFLOW_LIBRARY=\S+\/nowhere; /],
      [`${root}/no_library`, /^\S+\/no_library does not work here: Could not open library: .*; /],
    ];
    for (const [library, reason] of cases) {
      const { code, out, err } = await run(root, [], { TENSORFLOW_LIBRARY: library });
      assertEquals(code, 0, err);
      assertMatch(out, /^auto takes onnxruntime \(onnxruntime [\d.]+\) on cpu \(.*\)\n$/);
      const [line, ...others] = err.trimEnd().split("\n");
      assertMatch(line!.replace("TensorFlow's library is not used: ", ""), reason);
      assertEquals(others, []);
    }
    const { code, out } = await run(root, ["--json"], { TENSORFLOW_LIBRARY: `${root}/nowhere` });
    const { engine, library, source, reasons } = JSON.parse(out);
    assertEquals([code, engine, library, source, reasons.length], [0, "onnxruntime", null, null, 2]);
    assertEquals(await kept(root), []);
  });
});

const ignore = Deno.build.os !== "linux" || Deno.build.arch !== "x86_64"; // whose wheel is made here

Deno.test({
  name: "setup unpacks a wheel, finds that its library does not work, and keeps nothing of it",
  ignore,
  fn: () =>
    inTempFolder(async (root) => {
      await Deno.writeFile(`${root}/a.whl`, fakeWheel());
      const { code, out, err } = await run(root, ["--wheel", "a.whl"]);
      assertEquals(code, 0, err);
      assertMatch(out, /^auto takes onnxruntime /);
      assertMatch(
        err,
        /^TensorFlow's library is not used: the library in a\.whl does not work here: Could not open library/m,
      );
      assertEquals(await kept(root), []);
    }),
});

Deno.test({
  name: "setup at Ctrl-C keeps the download that has begun, and nothing else",
  ignore,
  fn: () => {
    const name = "tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl";
    const endless = () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1000)) }));
    const answer = ({ url }: Request) =>
      url.endsWith("/") ? new Response(`<a href="/${name}#sha256=${WHEEL_SHA256}"></a>`) : endless();
    return withServer(answer, ({ url }) =>
      inTempFolder(async (root) => {
        const child = start(root, ["--index", url]);
        const part = `${root}/cache/kdiga/downloads/${name}.part`;
        const size = () => Deno.stat(part).then(({ size }) => size, () => 0);
        for (const end = performance.now() + 60_000; await size() < 1000 && performance.now() < end;) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        child.kill("SIGINT");
        const { code, err } = await resultOf(child);
        assertEquals([code, err.trimEnd().split("\n").at(-1)], [130, "stopped: run the same command again to go on"]);
        assert(err.startsWith(`fetch ${name} from ${new URL(url).host}: an unknown size, of which about 853 MB `), err);
        assertEquals(await kept(root), [part.slice(root.length + 1)]);
        assertEquals(Array.from(Deno.readDirSync(`${root}/cache/kdiga`), ({ name }) => name), ["downloads"]);
      }));
  },
});
