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

/** The engine on WebGPU, which has the lock for as long as it lives. */
async function webgpuEngine(): Promise<Engine> {
  const lock = await lockWebgpu();
  try {
    const engine = await createOnnxruntimeEngine({ device: "webgpu" });
    const dispose = async () => {
      await engine[Symbol.asyncDispose]();
      lock[Symbol.dispose]();
    };
    return { ...engine, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    lock[Symbol.dispose]();
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
  [WEBGPU]: webgpuEngine,
  "tensorflow": () => createLibtensorflowEngine(TENSORFLOW_LIBRARY!),
};

/** The native engines alone: those that must agree with the reference. */
export const NATIVE_ENGINES: readonly string[] = Object.keys(ENGINES).filter((name) => name !== "reference");

/** Whether this machine lacks what an engine needs: TensorFlow's library, or WebGPU. */
export function isMissing(name: string): boolean {
  return name === "tensorflow" && TENSORFLOW_LIBRARY === undefined || name === WEBGPU && !HAS_WEBGPU;
}

/**
 * Declares one test per engine; the engine is disposed of at its end. The tests of an engine that the machine cannot have
 * are reported as ignored.
 */
export function testOnEngines(
  name: string,
  body: (engine: Engine) => Promise<void>,
  engines: readonly string[] = Object.keys(ENGINES),
): void {
  for (const key of engines) {
    const fn = async () => {
      await using engine = await ENGINES[key]!();
      await body(engine);
    };
    Deno.test({ name: `${name} (${key})`, ignore: isMissing(key), fn });
  }
}
