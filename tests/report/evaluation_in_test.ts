import { assertEquals } from "@std/assert";
import { formatEvaluation, formatSeeds, type SeedsRow } from "../../lib/core/mod.ts";
import { evaluationIn } from "../../lib/report/mod.ts";
import { inFolder } from "./_in_folder.ts";
import { EVALUATION } from "./_rows.ts";

const row = (seeds: number, method: string): SeedsRow => ({
  method,
  attack: "clean",
  eps: "0",
  seeds,
  n: 10,
  rate: 0.333,
  low: 0.1,
  high: 0.9,
  interval: seeds > 1 ? "seeds" : "images",
});

Deno.test("evaluationIn() reads a run's rates or a sweep's means, and says what intervals these have", async () => {
  await inFolder({}, async (folder) => assertEquals(await evaluationIn(folder), { rows: [] }));
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION) }, async (folder) => {
    assertEquals(await evaluationIn(folder), { rows: [...EVALUATION] });
  });
  const cases: readonly [readonly SeedsRow[], string][] = [
    [[row(3, "kd"), row(3, "kdiga")], "t interval over 3 seeds"],
    [
      [row(3, "kd"), row(2, "kdiga"), row(1, "teacher")],
      "t interval over 2 or 3 seeds, Wilson interval where there is one",
    ],
    [[row(1, "kd")], "Wilson interval"],
  ];
  for (const [rows, interval] of cases) {
    await inFolder({ "means.csv": formatSeeds(rows) }, async (folder) => {
      const found = await evaluationIn(folder);
      assertEquals(found.interval, interval);
      assertEquals(found.rows[0], {
        method: "kd",
        attack: "clean",
        eps: "0",
        n: 10,
        rate: 0.333,
        correct: 3,
        low: 0.1,
        high: 0.9,
      });
    });
  }
});
