import { type CompileOptions, type Engine, flatten, isLeaf, isValue, type Program } from "../../lib/engine/mod.ts";

/** An engine that knows how many of its values have not been disposed of, and how many programs. */
export interface CountingEngine extends Engine {
  readonly alive: () => number;
  readonly programs: () => number;
}

/** Wraps an engine so that what lives on it is counted. Programs are called and disposed of as before. */
export function countingEngine(engine: Engine): CountingEngine {
  const alive = new Set<unknown>();
  let programs = 0;
  const watch = <T>(tree: T): T => {
    for (const [, value] of flatten(tree, isLeaf)) {
      if (!isValue(value)) continue;
      alive.add(value);
      const dispose = value.dispose.bind(value);
      Object.assign(value, {
        dispose: () => {
          alive.delete(value);
          dispose();
        },
      });
    }
    return tree;
  };
  return {
    ...engine,
    alive: () => alive.size,
    programs: () => programs,
    put: (array) => watch(engine.put(array)),
    compile<I, O>(fn: (inputs: I) => O, options?: CompileOptions) {
      const program = engine.compile(fn, options);
      programs++;
      const counted = async (inputs: Parameters<Program<I, O>>[0]) => watch(await program(inputs));
      const dispose = () => {
        programs--;
        program.dispose();
      };
      return Object.assign(counted, { stats: program.stats, dispose }) as unknown as Program<I, O>;
    },
  };
}
