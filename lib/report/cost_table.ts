import type { CostRow } from "../core/mod.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf, methodOrder } from "./theme.ts";

/**
 * Arranges what training cost as a table: a line per network.
 *
 * @param rows Rows of `cost.csv`, in any order.
 * @returns The table.
 */
export function costTable(rows: readonly CostRow[]): AccuracyTable {
  const known = (value: number | "", digits: number, factor = 1) =>
    value === "" ? "-" : (factor * value).toFixed(digits);
  return {
    caption:
      "Training: passes of student and teacher per image and step, forward / backward, inner attack included (one " +
      "of second order counts twice); images seen; time on the machine of the run, which differs from run to run.",
    columns: ["Method", "Student passes", "Teacher passes", "Images", "ms per image", "Seconds"],
    rows: methodOrder(rows.map(({ method }) => method)).map((method) => {
      const row = rows.find((each) => each.method === method)!;
      return [
        labelOf(method),
        `${row.studentForward} / ${row.studentBackward}`,
        `${row.teacherForward} / ${row.teacherBackward}`,
        `${row.images}`,
        known(row.secondsPerImage, 2, 1000),
        known(row.seconds, 1),
      ];
    }),
  };
}
