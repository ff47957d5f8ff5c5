import { DataError, type EpochRow } from "../core/mod.ts";

/** Rows by epoch, refusing two rows of a network at one. */
export function orderedEpochs(rows: readonly EpochRow[]): EpochRow[] {
  const seen = new Set<string>();
  for (const { method, epoch } of rows) {
    const key = `${method} ${epoch}`;
    if (seen.has(key)) {
      throw new DataError(`Cannot draw "${method}" as epoch ${epoch} is there twice: keep one row of each`);
    }
    seen.add(key);
  }
  return rows.toSorted((a, b) => a.epoch - b.epoch);
}

/** The epoch of highest accuracy under the attack, of equal ones that of the higher clean accuracy, then the earlier. */
export function bestEpoch(ordered: readonly EpochRow[], method: string): EpochRow {
  const isBetter = (a: EpochRow, b: EpochRow) =>
    (a.robustAccuracy - b.robustAccuracy || a.cleanAccuracy - b.cleanAccuracy) > 0;
  return ordered.filter((row) => row.method === method).reduce((best, row) => isBetter(row, best) ? row : best);
}

/** A horizontal axis of epochs; labelled in the lowest panel alone. */
export function epochAxis(last: number, isLabelled: boolean) {
  const ticks = { tickCount: Math.min(last, 8), tickMinStep: 1, grid: false };
  return isLabelled ? { title: "Epoch", format: "d", ...ticks } : { title: null, labels: false, ...ticks };
}
