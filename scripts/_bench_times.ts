import type { Engine } from "../mod.ts";
import { type BenchCase, encodeCase } from "./_bench_arrays.ts";
import { checkPeer, fasterFormat, runPeer } from "./_bench_compare.ts";
import { type BenchRow, benchRows, measure, type PeerStep } from "./_bench_measure.ts";
import { MEMORY_FORMATS, type Peer } from "./_bench_peer.ts";
import { type BenchStep, benchSteps, type StepName, stepParts } from "./_bench_steps.ts";
import type { ProgressDrawer } from "./_progress.ts";

/** Calls of each step before it is timed, of which the first also traces and makes the session. */
export const WARM_UPS = 2;

/** What to time, and how often. */
export interface TimesOptions {
  /** The steps; the matmul's is timed in any case, as the others' limit. */
  readonly names: readonly StepName[];
  /** Timed calls of each. */
  readonly runs: number;
  /** The peer, and a folder to hand it files in. */
  readonly compared?: { readonly peer: Peer; readonly folder: string };
}

/**
 * Times the steps of a case, in turn with the peer's where there is one.
 *
 * @throws {DataError} If the peer computes something else.
 */
export async function benchTimes(
  engine: Engine,
  one: BenchCase,
  { names: asked, runs, compared }: TimesOptions,
  progress: ProgressDrawer,
): Promise<BenchRow[]> {
  const names = [...new Set<StepName>([...asked, "matmul"])];
  const label = `width ${one.width}, batch ${one.batch}`;
  const count = (label: string, total: number) => {
    let done = 0;
    return (detail: string) => progress.show({ label, done: ++done, total, detail });
  };
  const { steps, dispose } = benchSteps(engine, one, names);
  try {
    const onStep = count(`${label}, check`, names.length);
    const peer = compared && await comparePeer(engine, one, steps, compared, onStep);
    const measured = await measure(steps, {
      runs,
      warmUps: WARM_UPS,
      ...(peer && { peer: (name) => runPeer(compared!.peer, name, peer.get(name)!.format) }),
      onCall: count(label, names.length * (WARM_UPS + runs)),
    });
    return benchRows(measured, one, engine.name, peer);
  } finally {
    dispose();
    await progress.end();
  }
}

/** Hands the case to the peer, finds its faster formats, and checks its numbers. */
async function comparePeer(
  engine: Engine,
  one: BenchCase,
  steps: readonly BenchStep[],
  { peer, folder }: NonNullable<TimesOptions["compared"]>,
  onStep: (name: StepName) => void,
): Promise<ReadonlyMap<StepName, PeerStep>> {
  const names = steps.map(({ name }) => name);
  const smoothCase: BenchCase = { ...one, activation: "tanh" };
  const timed = { steps, path: `${folder}/timed.safetensors` };
  const smooth = { ...benchSteps(engine, smoothCase, names), path: `${folder}/smooth.safetensors` };
  try {
    await Deno.writeFile(timed.path, encodeCase(one, stepParts(names)));
    await Deno.writeFile(smooth.path, encodeCase(smoothCase, stepParts(names)));
    await peer.open(timed.path, MEMORY_FORMATS);
    const found = new Map<StepName, PeerStep>();
    for (const name of names) {
      const format = await fasterFormat(peer, name);
      found.set(name, { format, ...await checkPeer(peer, name, format, { smooth, timed }) });
      onStep(name);
    }
    return found;
  } finally {
    smooth.dispose();
  }
}
