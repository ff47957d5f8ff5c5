import type { Engine } from "../engine.ts";
import { createReferenceEngine } from "../reference/create_reference_engine.ts";

/** Placeholder while the native engine is being written. */
export function createOnnxruntimeEngine(): Engine {
  return createReferenceEngine();
}
