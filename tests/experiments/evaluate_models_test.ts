import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type EvaluationRow,
  type EvidenceRow,
  ExperimentError,
  parseEvidence,
  UsageError,
} from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { evaluateModels, type ModelEvaluation, run } from "../../lib/experiments/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const ASKED: ModelEvaluation = { data: TINY.data, seed: TINY.seed, evaluation: TINY.evaluation };

/** Runs a body with a trained network in the folder `run`. */
async function withModel(body: (engine: Engine, folder: string, model: string) => Promise<void>): Promise<void> {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    for await (const _ of run(TINY, { engine, out: `${folder}/run` }));
    await body(engine, folder, `${folder}/run/checkpoints/kd.safetensors`);
  });
}

async function rowsOf(
  engine: Engine,
  path: string,
  out: string,
  asked = ASKED,
  method = "kd",
): Promise<readonly EvaluationRow[]> {
  for await (const event of evaluateModels(asked, { engine, models: [{ method, path }], out })) {
    if (event.kind === "end") return event.rows;
  }
  throw new Error("no end");
}

const evidenceIn = async (folder: string): Promise<EvidenceRow[]> =>
  parseEvidence(await Deno.readTextFile(`${folder}/evidence.csv`)).rows;

Deno.test("evaluateModels() finds what the run that trained the network found, and goes on where it was stopped", async () => {
  await withModel(async (engine, folder, model) => {
    const rows = await rowsOf(engine, model, `${folder}/a`);
    const ofRun = (await evidenceIn(`${folder}/run`)).filter(({ method }) => method === "kd");
    assertEquals(await evidenceIn(`${folder}/a`), ofRun);
    assertEquals(rows.map(({ attack, eps }) => `${attack} ${eps}`), [
      "clean 0",
      "fgsm 2/255",
      "fgsm 8/255",
      "worst 2/255",
      "worst 8/255",
    ]);

    let left = 4;
    const models = [{ method: "kd", path: model }];
    for await (const _ of evaluateModels(ASKED, { engine, models, out: `${folder}/b` })) if (--left === 0) break;
    assert((await evidenceIn(`${folder}/b`)).length < ofRun.length);
    assertEquals(await rowsOf(engine, model, `${folder}/b`), rows);
    const [{ "manifest.json": _, ...a }, { "manifest.json": __, ...b }] = [
      await filesIn(`${folder}/a`),
      await filesIn(`${folder}/b`),
    ];
    assertEquals(b, a);
  });
});

Deno.test("evaluateModels() refuses a folder of another evaluation, too many images, and names that are none", async () => {
  await withModel(async (engine, folder, model) => {
    await rowsOf(engine, model, `${folder}/a`);
    const before = await filesIn(folder);
    const teacher = `${folder}/run/checkpoints/teacher.safetensors`;
    for (const [path, asked] of [[teacher, ASKED], [model, { ...ASKED, seed: 9 }]] as const) {
      await assertRejects(
        () => rowsOf(engine, path, `${folder}/a`, asked),
        ExperimentError,
        "as another one lies there",
      );
    }
    await assertRejects(
      () => rowsOf(engine, model, `${folder}/b`, { ...ASKED, evaluation: { ...TINY.evaluation, n: 21 } }),
      ExperimentError,
      'Cannot evaluate on 21 images as "shapes-12 test" (test) has 20: lower n',
    );
    await assertRejects(
      () => rowsOf(engine, model, `${folder}/b`, ASKED, "../kd"),
      UsageError,
      'Cannot name a network "../kd": write lower-case letters, digits, dots and hyphens',
    );
    const twice = [{ method: "kd", path: model }, { method: "kd", path: teacher }];
    await assertRejects(
      () => Array.fromAsync(evaluateModels(ASKED, { engine, models: twice, out: `${folder}/b` })),
      UsageError,
      'Cannot evaluate two networks named "kd": name each by --method, in their order',
    );
    assertEquals(await filesIn(folder), before);
  });
});

Deno.test("evaluateModels() evaluates several networks on the same images into one folder", async () => {
  await withModel(async (engine, folder) => {
    const models = ["teacher", "kd"].map((method) => ({
      method,
      path: `${folder}/run/checkpoints/${method}.safetensors`,
    }));
    for await (const _ of evaluateModels(ASKED, { engine, models, out: `${folder}/a` }));
    const ofRun = (await evidenceIn(`${folder}/run`)).filter(({ method }) => method !== "kdiga");
    assertEquals(await evidenceIn(`${folder}/a`), ofRun);
    const { weights } = JSON.parse(await Deno.readTextFile(`${folder}/a/manifest.json`));
    assertEquals(Object.keys(weights), ["teacher", "kd"]);
  });
});
