import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { createLibtensorflowEngine } from "../../lib/engine/libtensorflow/create_libtensorflow_engine.ts";
import { findLibrary } from "../../lib/engine/libtensorflow/find_library.ts";
import { createOnnxruntimeEngine } from "../../lib/engine/onnxruntime/create_onnxruntime_engine.ts";

/** The TensorFlow library, where this machine has one. */
export const TENSORFLOW_LIBRARY: string | undefined = findLibrary().path;

/** Every engine that a contract must hold on; the native one with and without channel-blocked convolutions. */
export const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  "reference": () => createEngine("reference"),
  "onnxruntime": () => createOnnxruntimeEngine(),
  "onnxruntime with plain convolutions": () => createOnnxruntimeEngine({ blockSize: 0 }),
  "tensorflow": () => createLibtensorflowEngine(TENSORFLOW_LIBRARY!),
};

/** The native engines alone: those that must agree with the reference. */
export const NATIVE_ENGINES: readonly string[] = Object.keys(ENGINES).filter((name) => name !== "reference");

/**
 * Declares one test per engine; the engine is disposed of at its end. Where this machine has no TensorFlow library, the
 * tests of that engine are reported as ignored.
 */
export function testOnEngines(
  name: string,
  body: (engine: Engine) => Promise<void>,
  engines: readonly string[] = Object.keys(ENGINES),
): void {
  for (const key of engines) {
    const ignore = key === "tensorflow" && TENSORFLOW_LIBRARY === undefined;
    const fn = async () => {
      await using engine = await ENGINES[key]!();
      await body(engine);
    };
    Deno.test({ name: `${name} (${key})`, ignore, fn });
  }
}
