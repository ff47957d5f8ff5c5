import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseReliability, parseTeacher, type TeacherRow, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { inspectTeacher, type InspectTeacherOptions, run, type TeacherInspection } from "../../lib/experiments/mod.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const ASKED: TeacherInspection = {
  data: TINY.data,
  seed: TINY.seed,
  inspection: { n: 20, batchSize: 8, attacks: [{ kind: "pgd", steps: 2 }], eps: "8/255" },
};

async function rowsOf(asked: TeacherInspection, options: InspectTeacherOptions): Promise<readonly TeacherRow[]> {
  for await (const event of inspectTeacher(asked, options)) if (event.kind === "end") return event.rows;
  throw new Error("no end");
}

Deno.test("inspectTeacher() writes rows, bins, a figure and a page, of students and of a surrogate", async () => {
  await using engine = await createEngine("onnxruntime");
  await inTempFolder(async (folder) => {
    for await (const _ of run(TINY, { engine, out: `${folder}/run` }));
    const saved = (method: string) => ({ method, path: `${folder}/run/checkpoints/${method}.safetensors` });
    const options = { engine, teacher: saved("teacher"), students: [saved("kd")] };
    const rows = await rowsOf({ ...ASKED, surrogate: true }, { ...options, out: `${folder}/a` });
    assertEquals([...new Set(rows.map(({ images, source }) => `${images} ${source}`))], [
      ...["clean ", "pgd-2 ", "pgd-2 kd", "pgd-2 surrogate"],
    ]);
    assertEquals(parseTeacher(await Deno.readTextFile(`${folder}/a/teacher.csv`)).rows, [...rows]);
    assert(parseReliability(await Deno.readTextFile(`${folder}/a/reliability.csv`)).rows.length > 0);
    assert((await Deno.stat(`${folder}/a/figures/reliability.png`)).size > 1000);
    assert((await Deno.readTextFile(`${folder}/a/report.html`)).includes("<h2>Teacher</h2>"));
    // The same again is the same; without a surrogate its rows alone are missing.
    const again = await rowsOf({ ...ASKED, surrogate: true }, { ...options, out: `${folder}/a` });
    assertEquals(again, rows);
    const alone = await rowsOf(ASKED, { ...options, out: `${folder}/b` });
    assertEquals(alone, rows.filter(({ source }) => source !== "surrogate"));
    await assertRejects(
      () => rowsOf(ASKED, { ...options, students: [saved("teacher")] }),
      UsageError,
      'Cannot inspect two networks named "teacher"',
    );
  });
});
