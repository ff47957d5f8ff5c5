import type { MaskingRow } from "../core/mod.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf } from "./theme.ts";

/**
 * Arranges checks for masked gradients as a table: one line per network and check.
 *
 * @param rows Rows of `maskingReport`, in the order in which they are to stand.
 * @param passes What the checks cost, for the caption; left out where omitted.
 * @returns The table.
 */
export function maskingTable(
  rows: readonly MaskingRow[],
  passes?: { readonly forwardPasses: number; readonly backwardPasses: number },
): AccuracyTable {
  const cost = passes === undefined
    ? ""
    : ` They cost ${passes.forwardPasses} images forward and ${passes.backwardPasses} back.`;
  const counts = (["fail", "warn", "pass", "skipped"] as const)
    .map((status) => ({ status, count: rows.filter((row) => row.status === status).length }))
    .filter(({ count }) => count > 0)
    .map(({ status, count }) => `${count} ${status}`)
    .join(", ");
  return {
    caption:
      `Checks for masked gradients: ${counts}. "fail" means that attacks with gradients are not to be believed, "warn" ` +
      `that one should look; what an attack leaves is the share of all images that are still classified correctly.${cost}`,
    columns: ["Check", "Verdict"],
    rows: rows.map(({ method, check, status, reason }) => [`${labelOf(method)}, ${check}: ${reason}`, status]),
  };
}
