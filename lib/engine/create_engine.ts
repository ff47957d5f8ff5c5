import { UsageError, UserError } from "../core/mod.ts";
import type { DeviceName, Engine, EngineName } from "./engine.ts";
import { createLibtensorflowEngine } from "./libtensorflow/create_libtensorflow_engine.ts";
import { findLibrary, type LibrarySearch } from "./libtensorflow/find_library.ts";
import { selfTest } from "./libtensorflow/self_test.ts";
import { createOnnxruntimeEngine } from "./onnxruntime/create_onnxruntime_engine.ts";
import { createReferenceEngine } from "./reference/create_reference_engine.ts";

/** What can be asked for: an engine by name, or "auto" for the fastest one that works here. */
export type EngineChoice = EngineName | "auto";

/** What can be asked for: a device by name, or "auto" for the engine's own choice. */
export type DeviceChoice = DeviceName | "auto";

/** Names that {@linkcode createEngine} takes. */
export const ENGINE_CHOICES: readonly EngineChoice[] = ["auto", "tensorflow", "onnxruntime", "reference"];

/** Names of devices that {@linkcode createEngine} takes. */
export const DEVICE_CHOICES: readonly DeviceChoice[] = ["auto", "cpu", "gpu", "webgpu"];

/** Where an engine can compute. */
const DEVICES: { readonly [K in EngineName]: readonly DeviceName[] } = {
  tensorflow: ["cpu", "gpu"],
  onnxruntime: ["cpu", "webgpu"],
  reference: ["cpu"],
};

/** Settings of {@linkcode createEngine}. */
export interface EngineOptions {
  /**
   * Where to compute.
   *
   * @default {"auto": the first GPU of TensorFlow's library where it lists one, else the processor}
   */
  readonly device?: DeviceChoice;
  /** Looks for the TensorFlow library. @default {findLibrary} */
  readonly search?: () => LibrarySearch;
}

interface Asked {
  readonly device: DeviceName | undefined;
  readonly search: () => LibrarySearch;
}

const CREATE: { readonly [K in EngineChoice]: (asked: Asked) => Engine | Promise<Engine> } = {
  auto: createFastest,
  tensorflow: createTensorflow,
  onnxruntime: createOnnxruntime,
  reference: () => createReferenceEngine(),
};

/**
 * Makes an engine.
 *
 * @param choice Name of the engine; "auto" takes tensorflow where its library is found and passes a self-test, else
 * onnxruntime, and the engine's note says why. With a device that only one engine has, "auto" is that engine.
 * @param options Device, and where to look for the library.
 * @returns The engine; dispose of it when done (`await using`).
 * @throws {UsageError} If there is no engine or device of that name, the engine does not compute on that device, the
 * machine has no such device, or the library that the engine needs is missing or does not work.
 */
export async function createEngine(choice: EngineChoice = "auto", options: EngineOptions = {}): Promise<Engine> {
  const { device = "auto", search = findLibrary } = options;
  if (!Object.hasOwn(CREATE, choice)) {
    throw new UsageError(`Cannot use the engine "${choice}": use one of ${ENGINE_CHOICES.join(", ")}`);
  }
  if (!DEVICE_CHOICES.includes(device)) {
    throw new UsageError(`Cannot use the device "${device}": use one of ${DEVICE_CHOICES.join(", ")}`);
  }
  if (device === "auto") return await CREATE[choice]({ device: undefined, search });
  const having = (Object.keys(DEVICES) as EngineName[]).filter((engine) => DEVICES[engine].includes(device));
  const name = choice === "auto" && having.length === 1 ? having[0]! : choice;
  if (name !== "auto" && !having.includes(name)) {
    throw new UsageError(
      `Cannot use the device "${device}" with the engine "${name}", which computes on ${DEVICES[name].join(" or ")}: ` +
        `use --engine ${having.join(" or ")}`,
    );
  }
  return await CREATE[name]({ device, search });
}

async function createTensorflow({ device, search }: Asked): Promise<Engine> {
  const { path, looked } = search();
  if (path === undefined) {
    throw new UsageError(
      `Cannot use the engine "tensorflow" as its library was not found: run \`deno task setup\`, ` +
        `or set TENSORFLOW_LIBRARY to the path of libtensorflow_cc (looked at ${looked.join(", ") || "nothing"})`,
    );
  }
  const engine = await open(path, device);
  if (typeof engine !== "string") return engine;
  throw new UsageError(`Cannot use the engine "tensorflow" with ${path}: ${engine}; use --engine onnxruntime`);
}

async function createFastest({ device, search }: Asked): Promise<Engine> {
  const { path, looked } = search();
  const engine = path === undefined ? notFound(looked) : await open(path, device);
  if (typeof engine !== "string") return { ...engine, note: `the TensorFlow library ${path} passed its self-test` };
  const where = path === undefined ? "" : ` (${path})`;
  return { ...await createOnnxruntimeEngine(), note: `the TensorFlow library is not used${where}: ${engine}` };
}

async function createOnnxruntime({ device }: Asked): Promise<Engine> {
  if (device !== "webgpu") return await createOnnxruntimeEngine();
  const engine = await createOnnxruntimeEngine({ device });
  const wrong = await tested(engine);
  if (wrong === undefined) return engine;
  throw new UsageError(
    `Cannot use the device "webgpu" with the engine "onnxruntime": ${wrong}; update the GPU's driver, or use --device cpu`,
  );
}

/** Why there is no library: a file that was named and is not there is worth a word, the usual places are not. */
function notFound([place]: readonly string[]): string {
  return place?.startsWith("TENSORFLOW_LIBRARY=") ? `there is no file ${place}` : "it was not found";
}

/** The engine on a library, or why there is none. */
async function open(path: string, device: DeviceName | undefined): Promise<Engine | string> {
  let engine: Engine;
  try {
    engine = await createLibtensorflowEngine(path, device === undefined ? {} : { device });
  } catch (error) {
    if (error instanceof UserError) throw error;
    return error instanceof Error ? error.message : String(error);
  }
  return await tested(engine) ?? engine;
}

/** What is wrong with an engine, which then is disposed of. */
async function tested(engine: Engine): Promise<string | undefined> {
  const wrong = await selfTest(engine);
  if (wrong !== undefined) await engine[Symbol.asyncDispose]();
  return wrong;
}
