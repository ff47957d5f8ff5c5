import type { Engine } from "../engine/mod.ts";

/** Thrown by a program of a {@linkcode stoppable} engine in place of being called. */
export const STOPPED: unique symbol = Symbol("stopped");

/** An engine whose programs throw {@linkcode STOPPED} as soon as they are to stop: before a call, never within one. */
export function stoppable(engine: Engine, isStopped: () => boolean): Engine {
  return {
    ...engine,
    compile: (fn, options) => {
      const program = engine.compile(fn, options);
      const call = (inputs: Parameters<typeof program>[0]) => isStopped() ? Promise.reject(STOPPED) : program(inputs);
      return Object.assign(call, { stats: program.stats, dispose: () => program.dispose() });
    },
  };
}
