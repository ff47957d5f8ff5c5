import type { CompileOptions, Engine, Program, ProgramStats } from "../mod.ts";

/** What the programs of a step are and what they cost to make; a call's operations are those of all their calls. */
export type StepStats = Omit<ProgramStats, "signature">;

/** An engine that knows what its programs did. */
export interface CountingEngine {
  /** The engine. Programs that others keep for an engine are its own, as it is another object. */
  readonly engine: Engine;
  /** Sets the operations back to 0. */
  readonly reset: () => void;
  /** Of all programs so far; operations since the last reset. */
  readonly stats: () => StepStats;
  /** Gives back the programs. */
  readonly dispose: () => void;
}

/** Wraps an engine whose programs are each called with inputs of one signature. */
export function countingEngine(engine: Engine): CountingEngine {
  const programs: Pick<Program<never, unknown>, "stats" | "dispose">[] = [];
  let flops = 0;
  const compile = <I, O>(fn: (inputs: I) => O, options?: CompileOptions): Program<I, O> => {
    const program = engine.compile(fn, options);
    programs.push(program);
    const call: (...args: Parameters<Program<I, O>>) => ReturnType<Program<I, O>> = async (inputs) => {
      const outputs = await program(inputs);
      flops += program.stats[0]!.flops;
      return outputs;
    };
    return Object.assign(call, { stats: program.stats, dispose: () => program.dispose() });
  };
  const sum = (key: Exclude<keyof StepStats, "flops">) =>
    programs.reduce((total, { stats }) => total + (stats[0]?.[key] ?? 0), 0);
  return {
    engine: { ...engine, compile },
    reset: () => {
      flops = 0;
    },
    stats: () => ({ flops, traceMs: sum("traceMs"), sessionMs: sum("sessionMs"), nodes: sum("nodes") }),
    dispose: () => programs.forEach((program) => program.dispose()),
  };
}
