import { type BracketRow, type EvidenceRow, wilson } from "../core/mod.ts";
import type { Run } from "./_runs.ts";

/** What is known of every image of one network: at which radius it broke, and which attacks were run on it. */
export interface Ledger {
  /** Takes a row into account; rows of other networks, attacks, radii and images are passed over. */
  readonly add: (row: EvidenceRow) => void;
  /** Whether the image at a position is broken at this or a smaller radius. */
  readonly isBroken: (i: number, radius: number) => boolean;
  /** Whether an attack was run on it at a radius; "clean" at radius 0 is no attack. */
  readonly isDone: (i: number, stage: string, radius: number) => boolean;
  /** What is known of each radius, 0 first. */
  readonly rows: () => BracketRow[];
}

/** Begins a ledger of some images under all stages of all runs. */
export function createLedger(method: string, ids: Int32Array, runs: readonly Run[], norm: string): Ledger {
  const position = new Map(Array.from(ids, (id, i) => [id, i]));
  const cells = new Map<string, { readonly radius: number; readonly done: Uint8Array }>();
  const cell = (stage: string, eps: string, radius: number): void => {
    if (!cells.has(`${stage} ${eps}`)) cells.set(`${stage} ${eps}`, { radius, done: new Uint8Array(ids.length) });
  };
  cell("clean", "0", 0);
  const radii = new Map([["0", 0]]);
  for (const { eps, radius, stages } of runs) {
    radii.set(eps, radius);
    if (radius > 0) stages.forEach(({ name }) => cell(name, eps, radius));
  }
  const byRadius = new Map([...radii].map(([eps, radius]) => [radius, eps]));
  const broken = new Float64Array(ids.length).fill(Infinity);
  const isBroken = (i: number, radius: number): boolean => broken[i]! <= radius;
  return {
    add: (row) => {
      const found = row.method === method ? cells.get(`${row.attack} ${row.eps}`) : undefined;
      const i = position.get(row.image);
      if (found === undefined || i === undefined) return;
      found.done[i] = 1;
      if (row.success === 1) broken[i] = Math.min(broken[i]!, found.radius);
    },
    isBroken,
    isDone: (i, stage, radius) => cells.get(`${stage} ${byRadius.get(radius)}`)!.done[i] === 1,
    rows: () =>
      [...radii].sort(([, a], [, b]) => a - b).map(([eps, radius]) => {
        const needed = [...cells.values()].filter((cell) => cell.radius <= radius);
        const standing = Array.from(ids.keys()).filter((i) => !isBroken(i, radius));
        const finished = standing.filter((i) => needed.every(({ done }) => done[i] === 1));
        const [least, most] = [wilson(finished.length, ids.length), wilson(standing.length, ids.length)];
        return {
          method,
          norm,
          eps,
          n: ids.length,
          finished: finished.length,
          standing: standing.length,
          lower: least.rate,
          lowerLow: least.low,
          lowerHigh: least.high,
          upper: most.rate,
          upperLow: most.low,
          upperHigh: most.high,
        };
      }),
  };
}
