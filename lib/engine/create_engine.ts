import { UsageError } from "../core/mod.ts";
import type { Engine, EngineName } from "./engine.ts";
import { createLibtensorflowEngine } from "./libtensorflow/create_libtensorflow_engine.ts";
import { findLibrary, type LibrarySearch } from "./libtensorflow/find_library.ts";
import { selfTest } from "./libtensorflow/self_test.ts";
import { createOnnxruntimeEngine } from "./onnxruntime/create_onnxruntime_engine.ts";
import { createReferenceEngine } from "./reference/create_reference_engine.ts";

/** What can be asked for: an engine by name, or "auto" for the fastest one that works here. */
export type EngineChoice = EngineName | "auto";

const CREATE: { readonly [K in EngineChoice]: (search: () => LibrarySearch) => Engine | Promise<Engine> } = {
  auto: createFastest,
  tensorflow: createTensorflow,
  onnxruntime: () => createOnnxruntimeEngine(),
  reference: createReferenceEngine,
};

/** Names that {@linkcode createEngine} takes. */
export const ENGINE_CHOICES: readonly EngineChoice[] = ["auto", "tensorflow", "onnxruntime", "reference"];

/**
 * Makes an engine.
 *
 * @param choice Name of the engine; "auto" takes tensorflow where its library is found and passes a self-test, else
 * onnxruntime, and the engine's note says why.
 * @param search Looks for the TensorFlow library.
 * @returns The engine; dispose of it when done (`await using`).
 * @throws {UsageError} If there is no engine of that name, or the library that it needs is missing or does not work.
 */
export async function createEngine(
  choice: EngineChoice = "auto",
  search: () => LibrarySearch = findLibrary,
): Promise<Engine> {
  if (!Object.hasOwn(CREATE, choice)) {
    throw new UsageError(`Cannot use the engine "${choice}": use one of ${ENGINE_CHOICES.join(", ")}`);
  }
  return await CREATE[choice](search);
}

async function createTensorflow(search: () => LibrarySearch): Promise<Engine> {
  const { path, looked } = search();
  if (path === undefined) {
    throw new UsageError(
      `Cannot use the engine "tensorflow" as its library was not found: run \`deno task setup\`, ` +
        `or set TENSORFLOW_LIBRARY to the path of libtensorflow_cc (looked at ${looked.join(", ") || "nothing"})`,
    );
  }
  const engine = await open(path);
  if (typeof engine !== "string") return engine;
  throw new UsageError(`Cannot use the engine "tensorflow" with ${path}: ${engine}; use --engine onnxruntime`);
}

async function createFastest(search: () => LibrarySearch): Promise<Engine> {
  const { path, looked } = search();
  const engine = path === undefined ? notFound(looked) : await open(path);
  if (typeof engine !== "string") return { ...engine, note: `the TensorFlow library ${path} passed its self-test` };
  const where = path === undefined ? "" : ` (${path})`;
  return { ...await createOnnxruntimeEngine(), note: `the TensorFlow library is not used${where}: ${engine}` };
}

/** Why there is no library: a file that was named and is not there is worth a word, the usual places are not. */
function notFound([place]: readonly string[]): string {
  return place?.startsWith("TENSORFLOW_LIBRARY=") ? `there is no file ${place}` : "it was not found";
}

/** The engine on a library, or why there is none. */
async function open(path: string): Promise<Engine | string> {
  let engine: Engine;
  try {
    engine = await createLibtensorflowEngine(path);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const wrong = await selfTest(engine);
  if (wrong === undefined) return engine;
  await engine[Symbol.asyncDispose]();
  return wrong;
}
