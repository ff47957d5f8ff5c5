import { escapeHtml, type EvaluationRow, withDisplay } from "../core/mod.ts";
import { readReferences, summaryTable, tableHtml, tableText } from "../report/mod.ts";
import type { RunEndEvent } from "./run.ts";

/** The last event of a run, which a notebook shows as its table and where it lies. */
export function endEvent(end: Omit<RunEndEvent<EvaluationRow>, "kind">): RunEndEvent<EvaluationRow> {
  const { folder, rows } = end;
  return withDisplay({ kind: "end", ...end } as const, async () => {
    const table = summaryTable(rows, await readReferences(folder));
    return {
      "text/html":
        `${tableHtml(table)}<p>In <code>${escapeHtml(folder)}</code>; its <code>report.html</code> has all of ` +
        "it on one page.</p>\n",
      "text/plain": `${tableText(table)}\nIn ${folder}; its report.html has all of it on one page.`,
    };
  });
}
