import type { TopLevelSpec } from "./render.ts";

/**
 * Compiles a Vega-Lite specification to Vega's language.
 *
 * @param spec Figure with its data inside.
 * @returns The specification that Vega draws.
 * @throws {TypeError} If Vega-Lite warns about it.
 */
export async function compileSpec(spec: TopLevelSpec): Promise<import("vega").Spec> {
  const { compile } = await import("vega-lite");
  const warnings: string[] = [];
  const compiled = compile(spec, { logger: listening(warnings) });
  refuse(warnings);
  return compiled.spec;
}

/** Every warning is an error: a figure that needs one is wrong. */
export function refuse(warnings: readonly string[]): void {
  if (warnings.length > 0) throw new TypeError(`Cannot draw the figure without a warning: ${warnings.join("; ")}`);
}

/** A logger that keeps warnings and errors; it throws none, as some come from a task that nobody awaits. */
export function listening(warnings: string[]): import("vega").LoggerInterface {
  const keep = (...messages: readonly unknown[]) => {
    warnings.push(messages.join(" "));
    return logger;
  };
  const silent = () => logger;
  const logger = { level: () => 0, error: keep, warn: keep, info: silent, debug: silent };
  // The level's setter returns the logger, its getter a number; Vega-Lite and Vega type that as an overload.
  return logger as unknown as import("vega").LoggerInterface;
}
