import { join } from "node:path";
import { DataError } from "../../core/mod.ts";
import { TENSORFLOW_VERSION } from "./find_library.ts";
import type { Obtained, SourceContext } from "./library_source.ts";
import { runPython } from "./run_python.ts";
import { tensorflowWheel } from "./tensorflow_wheel.ts";

/** How often the progress of pip, which tells none, is looked up. */
const LOOK_MS = 500;

/** A Python whose wheels exist, for a pip whose own Python is too new or too old for any. */
const OTHER_PYTHON = "--python-version=3.12";

/**
 * Has `python3 -m pip` download TensorFlow's wheel, whose checksum pip verifies; with `gpu`, all that
 * `tensorflow[and-cuda]` requires.
 *
 * @param context Where to.
 * @returns The wheels with libraries in them.
 * @throws {DataError} If there is no pip, or it cannot get them.
 */
export async function fetchWithPip(context: SourceContext): Promise<Obtained> {
  const { target, gpu, index, temporary, announce, onProgress } = context;
  const wheel = tensorflowWheel(target, gpu);
  const requirement = `${wheel.requirement}==${TENSORFLOW_VERSION}`;
  if (!(await runPython(["-m", "pip", "--version"], context)).success) throw new DataError("python3 has no pip");
  announce(`${requirement} with pip`, wheel.bytes, wheel.kept);

  const folder = join(temporary, "pip");
  await Deno.mkdir(folder, { recursive: true });
  const args = ["-m", "pip", "download", requirement, "--only-binary=:all:", "--no-cache-dir", "--dest", folder];
  if (!gpu) args.push("--no-deps");
  // What has come so far grows in TMPDIR. An index may hold a password, which is not for the list of processes.
  const env = { TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: "1", ...(index ? { PIP_INDEX_URL: index } : {}) };
  const timer = setInterval(() => {
    const done = Math.min(bytesIn(folder), wheel.bytes - 1);
    onProgress?.({ label: `fetch ${requirement}`, done, total: wheel.bytes });
  }, LOOK_MS);
  try {
    let { success, err } = await runPython(args, context, env);
    if (!success && /No matching distribution/.test(err) && !/Retrying/.test(err)) {
      ({ success, err } = await runPython([...args, OTHER_PYTHON], context, env));
    }
    if (!success) {
      const words = err.split("\n").filter((line) => /^ERROR|\bError\b/.test(line)).at(-1) ?? err.split("\n").at(-1);
      throw new DataError(`pip cannot fetch ${requirement} (${words || "no reason given"})`);
    }
  } finally {
    clearInterval(timer);
  }
  const paths = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => /^(tensorflow|nvidia)\w*-.*\.whl$/.test(name)).sort()
    .map((name) => join(folder, name));
  return { kind: "archives", paths };
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
