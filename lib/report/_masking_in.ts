import { DataError, type MaskingRow, readTextIfExists } from "../core/mod.ts";

/** Checks of one network, as `masking.json` has them. */
export interface MaskingRecord {
  readonly rows: readonly MaskingRow[];
  /** Images that were checked. */
  readonly n: number;
  /** Radius as text. */
  readonly eps: string;
  readonly forwardPasses: number;
  readonly backwardPasses: number;
}

/** The checks for masked gradients of a run folder, a record for each network; none where it has no `masking.json`. */
export async function maskingIn(folder: string): Promise<readonly MaskingRecord[]> {
  const path = `${folder}/masking.json`;
  const text = await readTextIfExists(path);
  if (text === undefined) return [];
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  if (!Array.isArray(found) || !found.every(isRecord)) {
    throw new DataError(`Cannot read "${path}" as checks for masked gradients: delete it and evaluate again`);
  }
  return found;
}

function isRecord(value: unknown): value is MaskingRecord {
  const { rows, n, eps, forwardPasses, backwardPasses } = (value ?? {}) as Partial<
    Record<keyof MaskingRecord, unknown>
  >;
  return [n, forwardPasses, backwardPasses].every((count) => typeof count === "number") && typeof eps === "string" &&
    Array.isArray(rows) && rows.length > 0 &&
    rows.every((row) => ["check", "method", "status", "reason"].every((key) => typeof row?.[key] === "string"));
}
