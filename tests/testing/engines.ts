import { UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { createLibtensorflowEngine } from "../../lib/engine/libtensorflow/create_libtensorflow_engine.ts";
import { findLibrary } from "../../lib/engine/libtensorflow/find_library.ts";
import { createOnnxruntimeEngine } from "../../lib/engine/onnxruntime/create_onnxruntime_engine.ts";

/** The TensorFlow library, where this machine has one. */
export const TENSORFLOW_LIBRARY: string | undefined = findLibrary().path;

/** Only one thread of a process may use WebGPU, and test files run at the same time: who holds this file's lock may. */
export async function lockWebgpu(): Promise<Disposable> {
  const file = await Deno.open(new URL(import.meta.url));
  await file.lock(true);
  return file;
}

/** Whether this machine has a GPU, or a driver that is one in software, for WebGPU. */
export const HAS_WEBGPU: boolean = await hasWebgpu();

async function hasWebgpu(): Promise<boolean> {
  using _ = await lockWebgpu();
  // The environment is the process's: the first test file asks the machine, the others ask the first.
  const variable = "KDIGA_TESTS_HAVE_WEBGPU";
  let found = Deno.env.get(variable);
  if (found === undefined) {
    found = String(await findWebgpu());
    Deno.env.set(variable, found);
  }
  return found === "true";
}

async function findWebgpu(): Promise<boolean> {
  try {
    await using _engine = await createOnnxruntimeEngine({ device: "webgpu" });
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** Name of the engine on WebGPU. */
export const WEBGPU = "onnxruntime on webgpu";

/** Every engine that a contract must hold on; the native one with and without channel-blocked convolutions. */
export const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  "reference": () => createEngine("reference"),
  "onnxruntime": () => createOnnxruntimeEngine(),
  "onnxruntime with plain convolutions": () => createOnnxruntimeEngine({ blockSize: 0 }),
  [WEBGPU]: () => createOnnxruntimeEngine({ device: "webgpu" }),
  "tensorflow": () => createLibtensorflowEngine(TENSORFLOW_LIBRARY!),
};

/** The native engines alone: those that must agree with the reference. */
export const NATIVE_ENGINES: readonly string[] = Object.keys(ENGINES).filter((name) => name !== "reference");

/**
 * Declares one test per engine; the engine is disposed of at its end. Where this machine has no TensorFlow library or no
 * WebGPU, the tests of that engine are reported as ignored.
 */
export function testOnEngines(
  name: string,
  body: (engine: Engine) => Promise<void>,
  engines: readonly string[] = Object.keys(ENGINES),
): void {
  for (const key of engines) {
    const ignore = key === "tensorflow" && TENSORFLOW_LIBRARY === undefined || key === WEBGPU && !HAS_WEBGPU;
    const fn = async () => {
      using _ = key === WEBGPU ? await lockWebgpu() : undefined;
      await using engine = await ENGINES[key]!();
      await body(engine);
    };
    Deno.test({ name: `${name} (${key})`, ignore, fn });
  }
}
