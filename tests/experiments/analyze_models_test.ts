import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type AnalysisRow,
  DataError,
  ExperimentError,
  type MeasurementRow,
  parseAnalysis,
  parseMeasurements,
  UsageError,
} from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import {
  analyzeModels,
  type AnalyzeModelsOptions,
  type Experiment,
  type ModelAnalysis,
  run,
} from "../../lib/experiments/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const ANALYSIS = {
  n: 20,
  batchSize: 8,
  eps: ["0", "8/255"],
  attack: { kind: "pgd", steps: 2 },
  linearity: { steps: 2, starts: 1 },
} as const;
const ASKED: ModelAnalysis = { data: TINY.data, seed: TINY.seed, analysis: ANALYSIS };
const WITH_ANALYSIS: Experiment = { ...TINY, analysis: ANALYSIS };

/** Runs a body with trained and analysed networks in the folder `run`. */
async function withModels(
  body: (engine: Engine, folder: string, saved: (method: string) => { method: string; path: string }) => Promise<void>,
): Promise<void> {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    for await (const _ of run(WITH_ANALYSIS, { engine, out: `${folder}/run` }));
    await body(engine, folder, (method) => ({ method, path: `${folder}/run/checkpoints/${method}.safetensors` }));
  });
}

async function rowsOf(options: AnalyzeModelsOptions, asked = ASKED): Promise<readonly AnalysisRow[]> {
  for await (const event of analyzeModels(asked, options)) if (event.kind === "end") return event.rows;
  throw new Error("no end");
}

const measurementsIn = async (folder: string): Promise<MeasurementRow[]> =>
  parseMeasurements(await Deno.readTextFile(`${folder}/measurements.csv`)).rows;

Deno.test("analyzeModels() finds what the run that trained the networks found, and goes on where it was stopped", async () => {
  await withModels(async (engine, folder, saved) => {
    const options = { engine, models: [saved("kd"), saved("kdiga")], teacher: saved("teacher") };
    const rows = await rowsOf({ ...options, out: `${folder}/a` });
    const measurements = await measurementsIn(`${folder}/a`);
    assertEquals(measurements.length, 3 * 2 * 20);
    assertEquals(measurements, await measurementsIn(`${folder}/run`));
    assertEquals(parseAnalysis(await Deno.readTextFile(`${folder}/a/analysis.csv`)).rows, [...rows]);
    assertEquals(parseAnalysis(await Deno.readTextFile(`${folder}/run/analysis.csv`)).rows, [...rows]);
    const figures = Object.keys(await filesIn(`${folder}/run/figures`));
    for (const name of Object.keys(await filesIn(`${folder}/a/figures`))) assert(figures.includes(name), name);
    assert(figures.includes("analysis_curve_gradient-cosine.png"));
    for (const name of ["run", "a"]) {
      assert((await Deno.readTextFile(`${folder}/${name}/report.html`)).includes("<h2>Analysis</h2>"), name);
    }

    let left = 6;
    for await (const _ of analyzeModels(ASKED, { ...options, out: `${folder}/b` })) if (--left === 0) break;
    assert((await measurementsIn(`${folder}/b`)).length < measurements.length);
    // As a process that is killed in the midst of a line leaves it.
    const text = await Deno.readTextFile(`${folder}/b/measurements.csv`);
    await Deno.writeTextFile(`${folder}/b/measurements.csv`, text.slice(0, -30));
    assertEquals(await rowsOf({ ...options, out: `${folder}/b` }), rows);
    const { "manifest.json": _, ...a } = await filesIn(`${folder}/a`);
    const { "manifest.json": __, ...b } = await filesIn(`${folder}/b`);
    assertEquals(b, a);
    const { weights } = JSON.parse(await Deno.readTextFile(`${folder}/a/manifest.json`));
    assertEquals(Object.keys(weights), ["teacher", "kd", "kdiga"]);
  });
});

Deno.test("analyzeModels() compares with a teacher that is among the networks, and with none", async () => {
  await withModels(async (engine, folder, saved) => {
    const models = [saved("kd"), saved("teacher")];
    const quantities = (rows: readonly AnalysisRow[], method: string) =>
      rows.filter((row) => row.method === method && row.eps === "8/255").map(({ quantity }) => quantity);
    const against = await rowsOf({ engine, models, teacher: saved("teacher"), out: `${folder}/a` });
    assertEquals(quantities(against, "teacher"), ["local-linearity", "cross-entropy", "gradient-norm"]);
    assertEquals(quantities(against, "kd").length, 5);
    const alone = await rowsOf({ engine, models, out: `${folder}/b` });
    assertEquals(alone.map(({ method }) => method), [...Array(6).fill("kd"), ...Array(6).fill("teacher")]);
    assertEquals(
      alone.filter(({ method }) => method === "kd"),
      against.filter(({ method, quantity }) => method === "kd" && !/gap|cosine/.test(quantity)),
    );
  });
});

Deno.test("analyzeModels() refuses a teacher of other images, another folder, and what cannot be measured", async () => {
  await withModels(async (engine, folder, saved) => {
    const large: Experiment = { ...TINY, data: { ...TINY.data, size: 16 } as Experiment["data"], students: [] };
    for await (const _ of run(large, { engine, out: `${folder}/large` }));
    const options = { engine, models: [saved("kd")], out: `${folder}/a` };
    const refuses = async (
      type: typeof DataError | typeof UsageError,
      message: string,
      more: Partial<AnalyzeModelsOptions>,
      analysis: Partial<ModelAnalysis["analysis"]> = {},
    ) => {
      const asked = { ...ASKED, analysis: { ...ANALYSIS, ...analysis } };
      const error = await assertRejects(() => rowsOf({ ...options, ...more }, asked), type) as Error;
      assertEquals(error.message, message);
    };
    const teacher = { method: "teacher", path: `${folder}/large/checkpoints/teacher.safetensors` };
    await refuses(
      DataError,
      'Cannot compare "kd", which takes images of [12,12,3] in 10 classes, with a teacher that takes images of [16,16,3] in ' +
        "10 classes: use the teacher that it learned from",
      { teacher },
    );
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(), ["large", "run"]);
    await refuses(
      UsageError,
      'Cannot analyse two networks named "kd": name each by --method, in their order',
      { models: [saved("kd"), saved("kd")] },
    );
    await refuses(
      ExperimentError,
      'Cannot evaluate on 21 images as "shapes-12 test" (test) has 20: lower n (analysis.n of an experiment, --n of a ' +
        "command)",
      {},
      { n: 21 },
    );
    await refuses(
      UsageError,
      "Cannot analyse L2 attacks beside local linearity in Linf as a radius means another thing to each: use one norm, " +
        "Linf or L2",
      {},
      { attack: { kind: "pgd", steps: 2, norm: "L2" } },
    );
    await refuses(UsageError, 'Cannot analyse without a radius: write analysis.eps such as ["8/255"]', {}, { eps: [] });
    await rowsOf(options);
    await assertRejects(
      () => rowsOf({ ...options, teacher: saved("teacher") }),
      ExperimentError,
      "as another one lies there",
    );
  });
});
