import { type VerificationRow, wilson } from "../core/mod.ts";
import { epsText, in255 } from "./_accuracy.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf } from "./theme.ts";

/**
 * Arranges what the verification of saved images found: robust accuracy as the evidence claims it, from the float32
 * images, and from the images rounded to 8 bits, each with its 95 % Wilson interval.
 *
 * @param rows Rows of `verifyImages`, in the order in which they are to stand.
 * @returns The table.
 */
export function verificationTable(rows: readonly VerificationRow[]): AccuracyTable {
  const cell = (correct: number, n: number): string => {
    const { rate, low, high } = wilson(correct, n);
    return [rate, low, high].map((value) => (100 * value).toFixed(1)).join(" ")
      .replace(/^(\S+) (\S+) (\S+)$/, "$1 [$2, $3]");
  };
  return {
    caption:
      "Accuracy in percent [95 % Wilson interval] on n saved images: as the evidence claims it, asked again, and " +
      "rounded to 8 bits inside the ball; originals that are those of the data set (-: not compared); claims that do not hold." +
      (rows.some(({ transfer }) => transfer) ? " (transfer): made against another network, whose evidence it is." : ""),
    columns: ["Images", "n", "Evidence", "float32", "8 bits", "Originals", "Broken claims"],
    rows: rows.map(({ method, attack, eps, transfer, n, claimed, correct, rounded, originals, claims }) => [
      `${labelOf(method)}, ${labelOf(attack)} ${epsText(in255(eps))}${transfer ? " (transfer)" : ""}`,
      `${n}`,
      cell(claimed, n),
      cell(correct, n),
      cell(rounded, n),
      `${originals ?? "-"}`,
      `${claims.length}`,
    ]),
  };
}
