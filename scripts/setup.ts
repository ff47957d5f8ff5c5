/**
 * Gets the fastest engine that this machine can have.
 *
 * @module
 */
import { join } from "node:path";
import {
  createEngine,
  DataError,
  findLibrary,
  installLibrary,
  libraryFolder,
  TENSORFLOW_VERSION,
  UsageError,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { createProgress, type ProgressDrawer } from "./_progress.ts";

/** Size of the wheel for Linux on x64, for the progress bar; others are about as large. */
const WHEEL_BYTES = 273_829_956;
const PACKAGE = `${Deno.build.os === "linux" ? "tensorflow-cpu" : "tensorflow"}==${TENSORFLOW_VERSION}`;

await runCommand({
  name: "setup",
  about:
    `Find TensorFlow's library, the fastest engine, or fetch it with Python's pip (a wheel of about 270 MB, of which
850 MB are unpacked into kdiga's cache folder). Where neither works, the embedded onnxruntime engine is used.`,
  flags: {
    check: { help: "only say what is found" },
    wheel: { value: "FILE", help: "take the libraries out of this wheel of TensorFlow instead of fetching one" },
  },
  main: async ({ flags, json }) => {
    const found = findLibrary();
    let why: string | undefined;
    if (flags.wheel !== undefined || found.path === undefined && !flags.check) {
      why = await install(flags.wheel).then(() => undefined, failure);
    }
    if (why !== undefined) say(`The TensorFlow library is not used: ${why}`);
    await using engine = await createEngine("auto");
    const { name, device, version, note } = engine;
    if (!json) console.log(`auto takes ${name} (${version}) on ${device}: ${note}`);
    return { engine: name, version, device, note, library: findLibrary().path ?? null };
  },
});

async function install(given: string | undefined): Promise<void> {
  const folder = libraryFolder();
  if (folder === undefined) throw new DataError("this system has no such library, or HOME is not set");
  const temporary = await Deno.makeTempDir({ prefix: "kdiga-" });
  try {
    const progress = createProgress();
    const wheel = given ?? await fetchWheel(temporary, progress);
    const { path, device } = await installLibrary({ wheel, folder, onProgress: progress.show });
    await progress.end();
    say(`unpacked ${path} (${device})`);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

/** Has pip download the wheel, whose checksum pip verifies. */
async function fetchWheel(folder: string, progress: ProgressDrawer): Promise<string> {
  const child = new Deno.Command("python3", {
    args: ["-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:", "--quiet", "--dest", folder],
    env: { TMPDIR: folder }, // what has come so far grows there
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const show = () => {
    const done = Math.min(bytesIn(folder), WHEEL_BYTES - 1);
    progress.show({ label: `fetch ${PACKAGE}`, done, total: WHEEL_BYTES });
  };
  const timer = setInterval(show, 500);
  const { success, stderr } = await child.output();
  clearInterval(timer);
  await progress.end();
  const [wheel] = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name.endsWith(".whl"));
  if (success && wheel !== undefined) return join(folder, wheel);
  const words = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  throw new DataError(`pip cannot fetch ${PACKAGE} (${words || "no reason given"})`);
}

/** Bytes of the files below a folder that another process writes to. */
function bytesIn(folder: string): number {
  let total = 0;
  try {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      total += isDirectory ? bytesIn(join(folder, name)) : Deno.statSync(join(folder, name)).size;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it was moved meanwhile
  }
  return total;
}

/** The reason of a failure that the person may have to do with; anything else is a bug. */
function failure(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "python3, whose pip would fetch it, was not found";
  if (error instanceof DataError || error instanceof UsageError) return error.message;
  throw error;
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}
