import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { createOnnxruntimeEngine } from "../../lib/engine/onnxruntime/create_onnxruntime_engine.ts";

/** Every engine that a contract must hold on; the native one with and without channel-blocked convolutions. */
export const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  "reference": () => createEngine("reference"),
  "onnxruntime": () => createOnnxruntimeEngine(),
  "onnxruntime with plain convolutions": () => createOnnxruntimeEngine({ blockSize: 0 }),
};

/** The native engines alone: those that must agree with the reference. */
export const NATIVE_ENGINES: readonly string[] = Object.keys(ENGINES).filter((name) => name !== "reference");

/** Declares one test per engine; the engine is disposed of at its end. */
export function testOnEngines(
  name: string,
  body: (engine: Engine) => Promise<void>,
  engines: readonly string[] = Object.keys(ENGINES),
): void {
  for (const key of engines) {
    Deno.test(`${name} (${key})`, async () => {
      await using engine = await ENGINES[key]!();
      await body(engine);
    });
  }
}
