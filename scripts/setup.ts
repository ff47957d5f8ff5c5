/**
 * Gets the fastest engine that this machine can have.
 *
 * @module
 */
import { createEngine, DataError, setUpLibrary } from "../mod.ts";
import { runCommand } from "./_command.ts";
import { createProgress } from "./_progress.ts";

/** Each is there where an NVIDIA driver is; the last is that of Windows' Linux. */
const NVIDIA_DRIVER = ["/proc/driver/nvidia/version", "/dev/dxg"];

await runCommand({
  name: "setup",
  about:
    `Find TensorFlow's library, the fastest engine, or fetch it into kdiga's cache folder: with Python's pip, from the
Python package index that this machine is configured for, or TensorFlow's archive for C. It is checked, tried, and only
then put there; about 300 MB are fetched and 850 MB kept. Where nothing works, the embedded onnxruntime engine is used.`,
  flags: {
    check: { help: "only say what is found" },
    gpu: { help: "fetch CUDA's libraries too, for NVIDIA GPUs on Linux x64 (3.2 GB, 6.5 GB kept; needs pip; untried)" },
    index: { value: "URL", help: "the Python package index to ask, https:// or file://" },
    wheel: { value: "FILE", help: "take the library from this wheel or archive of TensorFlow's" },
  },
  resumable: true,
  main: async ({ flags, json, signal }) => {
    if (flags.gpu && !(await Promise.all(NVIDIA_DRIVER.map(exists))).includes(true)) {
      throw new DataError(
        `Cannot set a GPU up as no NVIDIA driver is loaded (${NVIDIA_DRIVER[0]}): install one, or leave --gpu out`,
      );
    }
    const progress = createProgress();
    const { library, source, reasons } = await setUpLibrary({
      ...(flags.check ? { sources: ["found"] } : {}),
      ...(flags.index === undefined ? {} : { index: flags.index }),
      ...(flags.wheel === undefined ? {} : { archive: flags.wheel }),
      gpu: flags.gpu ?? false,
      say: progress.say,
      onProgress: progress.show,
      signal,
    });
    await progress.end();
    const missing = `TensorFlow's library is not used: ${reasons.join("; ")}`;
    if (library === undefined) progress.say(missing);
    else if (source !== "found") progress.say(`set up ${library.path} (${library.device})`);
    // A library that does not work may end the process that loads it, so it is not loaded here.
    await using engine = await createEngine(library === undefined ? "onnxruntime" : "auto");
    signal.throwIfAborted();
    const { name, device, version, note = missing } = engine;
    if (!json) console.log(`auto takes ${name} (${version}) on ${device}${library === undefined ? "" : `: ${note}`}`);
    return { engine: name, version, device, note, library: library?.path ?? null, source: source ?? null, reasons };
  },
});

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
