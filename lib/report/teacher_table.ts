import { type TeacherQuantity, type TeacherRow, UsageError } from "../core/mod.ts";
import { imagesLabel } from "./_images_label.ts";
import type { AccuracyTable } from "./table.ts";

/** How a quantity is written: its heading, and the factor and places of its values. */
const COLUMNS: { readonly [Q in TeacherQuantity]: readonly [heading: string, factor: number] } = {
  "accuracy": ["Accuracy (%)", 100],
  "ece": ["ECE (%)", 100],
  "confidence": ["Confidence (%)", 100],
  "entropy": ["Entropy (nats)", 1],
  "gradient-l1": ["Gradient L1", 1],
  "gradient-l2": ["Gradient L2", 1],
  "local-linearity": ["Local linearity (nats)", 1],
};

/**
 * Arranges what was found out about a teacher as a table: one line per kind of images, a column per quantity; what is
 * measured at clean images alone stands in their line.
 *
 * @param rows Rows of `teacher.csv`.
 * @returns The table.
 * @throws {UsageError} If there is no row.
 */
export function teacherTable(rows: readonly TeacherRow[]): AccuracyTable {
  if (rows.length === 0) throw new UsageError("Cannot make a table of a teacher without a row: inspect it first");
  const kinds = Map.groupBy(rows, ({ images, source }) => JSON.stringify([images, source]));
  const quantities = (Object.keys(COLUMNS) as TeacherQuantity[])
    .filter((quantity) => rows.some((row) => row.quantity === quantity));
  const eps = rows.find(({ quantity }) => quantity === "local-linearity")?.eps;
  return {
    caption: "Teacher: accuracy [95 % Wilson interval], expected calibration error over 15 bins of equal width, mean " +
      "confidence and entropy; input gradients of the cross-entropy and " +
      `local linearity error${
        eps === undefined ? "" : ` within ${eps}`
      } at clean images. "On" another network: images ` +
      "that were made to fool that one.",
    columns: ["Images", "n", ...quantities.map((quantity) => COLUMNS[quantity][0])],
    rows: [...kinds.values()].map((own) => [
      imagesLabel(own.find(({ quantity }) => quantity === "accuracy") ?? own[0]!),
      String(own[0]!.n),
      ...quantities.map((quantity) => {
        const row = own.find((row) => row.quantity === quantity);
        if (row === undefined) return "-";
        const factor = COLUMNS[quantity][1];
        const text = (value: number) => factor === 100 ? (100 * value).toFixed(1) : short(value);
        const ends = row.quantity === "accuracy" && row.low !== "" && row.high !== ""
          ? ` [${text(row.low)}, ${text(row.high)}]`
          : "";
        return text(row.value) + ends;
      }),
    ]),
  };
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
