import { UsageError } from "../core/mod.ts";
import type { Engine, EngineName } from "./engine.ts";
import { createOnnxruntimeEngine } from "./onnxruntime/create_onnxruntime_engine.ts";
import { createReferenceEngine } from "./reference/create_reference_engine.ts";

/** What can be asked for: an engine by name, or "auto" for the fastest one that works here. */
export type EngineChoice = EngineName | "auto";

const CREATE: { readonly [K in EngineName]: () => Engine | Promise<Engine> } = {
  onnxruntime: createOnnxruntimeEngine,
  reference: createReferenceEngine,
};

/** Names that {@linkcode createEngine} takes. */
export const ENGINE_CHOICES: readonly EngineChoice[] = ["auto", "onnxruntime", "reference"];

/**
 * Makes an engine.
 *
 * @param choice Name of the engine; "auto" takes onnxruntime.
 * @returns The engine; dispose of it when done (`await using`).
 * @throws {UsageError} If there is no engine of that name.
 */
export async function createEngine(choice: EngineChoice = "auto"): Promise<Engine> {
  const name = choice === "auto" ? "onnxruntime" : choice;
  if (!Object.hasOwn(CREATE, name)) {
    throw new UsageError(`Cannot use the engine "${choice}": use one of ${ENGINE_CHOICES.join(", ")}`);
  }
  return await CREATE[name]();
}
