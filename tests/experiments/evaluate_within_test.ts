import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, parseBracket, parseEvidence } from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import {
  evaluateModels,
  evaluateWithin,
  type EvaluateWithinEvent,
  type ModelEvaluation,
  run,
} from "../../lib/experiments/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const ASKED: ModelEvaluation = {
  data: TINY.data,
  seed: TINY.seed,
  evaluation: { ...TINY.evaluation, attacks: [{ kind: "pgd", steps: 3 }, { kind: "fgsm" }] },
};

Deno.test("evaluateWithin() goes on in its folder until all is done; evaluateModels() then gives the files of one without", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    for await (const _ of run(TINY, { engine, out: `${folder}/run` }));
    const models = ["kd", "teacher"].map((method) => ({
      method,
      path: `${folder}/run/checkpoints/${method}.safetensors`,
    }));
    const within = async (calls: number): Promise<Extract<EvaluateWithinEvent, { kind: "bracket" }>> => {
      let asked = 0;
      const options = { engine, models, out: `${folder}/a`, isOver: () => ++asked > calls };
      for await (const event of evaluateWithin(ASKED, options)) if (event.kind === "bracket") return event;
      throw new Error("no end");
    };
    const none = await within(0);
    assertEquals([none.added, none.isFinished], [0, false]);
    assertEquals(none.rows.map(({ standing, finished }) => [standing, finished]), Array(6).fill([20, 0]));

    let last = none;
    let times = 0;
    for (; !last.isFinished; times++) {
      const next = await within(12);
      next.rows.forEach(({ finished, standing }, i) => {
        assert(finished >= last.rows[i]!.finished && standing <= last.rows[i]!.standing);
      });
      assertEquals(parseBracket(await Deno.readTextFile(`${folder}/a/bracket.csv`)).rows, next.rows);
      last = next;
    }
    assert(times > 3, `${times} times`);
    assertEquals((await within(1e9)).added, 0);
    const budget = await Deno.readTextFile(`${folder}/a/budget.csv`);
    assertEquals(Object.keys(await filesIn(`${folder}/a`)), [
      "bracket.csv",
      "budget.csv",
      "experiment.json",
      "figures/bracket.png",
      "figures/bracket.svg",
      "figures/bracket.vl.json",
      "manifest.json",
      "report.html",
    ]);

    // As after a kill within a line: the complete rows are kept.
    await Deno.writeTextFile(`${folder}/a/budget.csv`, budget.slice(0, -20));
    assert((await within(1e9)).added > 0);
    const sorted = (text: string) => text.trimEnd().split("\n").sort();
    assertEquals(sorted(await Deno.readTextFile(`${folder}/a/budget.csv`)), sorted(budget));

    const full = async (on: Engine, out: string): Promise<void> => {
      for await (const _ of evaluateModels(ASKED, { engine: on, models, out }));
    };
    await full(engine, `${folder}/a`);
    await full(engine, `${folder}/b`);
    const [{ "manifest.json": _, ...a }, { "manifest.json": __, ...b }] = [
      await filesIn(`${folder}/a`),
      await filesIn(`${folder}/b`),
    ];
    assertEquals(a, b);
    // A full evaluation says all that a budget could.
    const { rows } = parseEvidence(await Deno.readTextFile(`${folder}/a/evidence.csv`));
    assertEquals(rows.length, 2 * 20 * 5);
    const after = await within(1e9);
    assertEquals([after.added, after.isFinished, after.rows], [0, true, last.rows]);
  });
});

Deno.test("evaluateWithin() refuses a damaged budget.csv and leaves it as it is", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    for await (const _ of run(TINY, { engine, out: `${folder}/run` }));
    const models = [{ method: "kd", path: `${folder}/run/checkpoints/kd.safetensors` }];
    const options = { engine, models, out: `${folder}/a`, isOver: () => false };
    for await (const _ of evaluateWithin(ASKED, options));
    const lines = (await Deno.readTextFile(`${folder}/a/budget.csv`)).split("\n");
    lines[5] = "kd,clean";
    await Deno.writeTextFile(`${folder}/a/budget.csv`, lines.join("\n"));
    await assertRejects(
      () => Array.fromAsync(evaluateWithin(ASKED, options)),
      DataError,
      `Cannot read line 6 of "${folder}/a/budget.csv" as it has 2 fields where 10 were expected: mend or remove it`,
    );
    await assertRejects(() => Array.fromAsync(evaluateModels(ASKED, options)), DataError, "Cannot read line 6");
    assertEquals(await Deno.readTextFile(`${folder}/a/budget.csv`), lines.join("\n"));
  });
});
