import { assert, assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DataError,
  formatAnalysis,
  formatBracket,
  formatEpochs,
  formatEvaluation,
  formatEvidence,
  formatSeeds,
  formatSteps,
} from "../../lib/core/mod.ts";
import { summarize } from "../../lib/evaluation/mod.ts";
import { FIGURE_ENDINGS, figureSpecs, robustnessCurve, writeFigures } from "../../lib/report/mod.ts";
import { inFolder } from "./_in_folder.ts";
import { ANALYSIS, BRACKET, EPOCHS, EVALUATION, EVIDENCE, STAGES, STEPS, WEIGHTS } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("writeFigures() draws all figures from the CSV files of a run folder", async () => {
  const files = { "evaluation.csv": formatEvaluation(EVALUATION), "steps.csv": formatSteps(STEPS) };
  await inFolder(files, async (folder) => {
    const paths = await writeFigures(folder);
    assertEquals(
      paths,
      ["robustness_curve_fgsm", "robustness_curve_pgd-20", "trade_off_pgd-20", "robustness_bars", "training_curves"]
        .flatMap((name) => FIGURE_ENDINGS.map((ending) => `${folder}/figures/${name}${ending}`)),
    );
    const names = Array.from(Deno.readDirSync(`${folder}/figures`), (entry) => entry.name);
    assertEquals(new Set(names.map((name) => `${folder}/figures/${name}`)), new Set(paths));
    for (const path of paths) assertGreater((await Deno.stat(path)).size, 1000);
    assertEquals(
      JSON.parse(await Deno.readTextFile(`${folder}/figures/robustness_curve_pgd-20.vl.json`)),
      JSON.parse(JSON.stringify(robustnessCurve(EVALUATION, { attack: "pgd-20" }))),
    );
    assertStringIncludes(await Deno.readTextFile(`${folder}/figures/training_curves.svg`), "</svg>");
    assertEquals(await writeFigures(folder), paths);
  });
});

Deno.test("writeFigures() draws what some of the files allow", async () => {
  await inFolder({ "steps.csv": formatSteps(STEPS) }, async (folder) => {
    assertEquals((await writeFigures(folder)).length, FIGURE_ENDINGS.length);
  });
  await inFolder({ "analysis.csv": formatAnalysis(ANALYSIS) }, async (folder) => {
    const names = ["analysis_curve_local-linearity", "analysis_curve_gradient-gap"];
    assertEquals((await writeFigures(folder)).filter((path) => path.endsWith(".pdf")), [
      `${folder}/figures/${names[0]}.pdf`,
      `${folder}/figures/${names[1]}.pdf`,
    ]);
  });
  await inFolder({ "bracket.csv": formatBracket(BRACKET) }, async (folder) => {
    assertEquals(await writeFigures(folder), FIGURE_ENDINGS.map((ending) => `${folder}/figures/bracket${ending}`));
  });
  await inFolder({ "epochs.csv": formatEpochs(EPOCHS) }, async (folder) => {
    assertEquals((await writeFigures(folder)).filter((path) => path.endsWith(".svg")), [
      `${folder}/figures/epoch_curves.svg`,
      `${folder}/figures/theory_check.svg`,
    ]);
  });
  const clean = EVALUATION.filter((row) => row.attack === "clean");
  await inFolder({ "evaluation.csv": formatEvaluation(clean) }, async (folder) => {
    assertEquals(await writeFigures(folder), []);
  });
});

/** Names of the figures that a folder with some files has. */
async function figuresOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  let names: string[] = [];
  await inFolder(files, async (folder) => {
    names = [...(await figureSpecs(folder))!.keys()];
  });
  return names;
}

Deno.test("figureSpecs() draws who broke what, and each class, from the evidence", async () => {
  const files = { "evidence.csv": formatEvidence(EVIDENCE), "evaluation.csv": formatEvaluation(summarize(EVIDENCE)) };
  const drawn = ["class_robustness", "break_matrix", "first_breaks"];
  assertEquals((await figuresOf(files)).filter((name) => !/^(robustness|trade_off)_/.test(name)), drawn);
  const one = EVIDENCE.filter(({ attack }) => attack === "pgd-20" || attack === "clean");
  const ofOne = { "evidence.csv": formatEvidence(one), "evaluation.csv": formatEvaluation(summarize(one)) };
  assertEquals((await figuresOf(ofOne)).filter((name) => drawn.includes(name)), ["class_robustness"]);
  const stages = { "evidence.csv": formatEvidence(STAGES), "evaluation.csv": formatEvaluation(summarize(STAGES)) };
  assertEquals((await figuresOf(stages)).filter((name) => drawn.includes(name)), ["class_robustness", "first_breaks"]);
});

Deno.test("figureSpecs() names classes as the networks' cards do", async () => {
  const files = { "evidence.csv": formatEvidence(EVIDENCE), "evaluation.csv": formatEvaluation(summarize(EVIDENCE)) };
  await inFolder(files, async (folder) => {
    await Deno.mkdir(`${folder}/checkpoints`);
    await Deno.writeTextFile(`${folder}/checkpoints/kd.json`, '{"classes":["plane","car"]}');
    const text = JSON.stringify((await figureSpecs(folder))!.get("class_robustness"));
    assertStringIncludes(text, '"domain":["plane","car","2","3"');
  });
});

Deno.test("figureSpecs() draws a sweep over a weight, with the base's own weight where its declaration says it", async () => {
  const means = WEIGHTS.filter(({ weight }) => weight > 0).map(({ weight, correct: _, ...row }) => ({
    ...row,
    method: weight === 16 ? "kdiga" : `kdiga-weight-${weight}`,
    seeds: weight === 16 ? 3 : 1,
    interval: weight === 16 ? "seeds" as const : "images" as const,
  }));
  const weightsOf = async (files: Readonly<Record<string, string>>): Promise<unknown[]> => {
    let weights: unknown[] = [];
    await inFolder({ "means.csv": formatSeeds(means), ...files }, async (folder) => {
      const spec = (await figureSpecs(folder))!.get("weight_sweep")!;
      const points = viewsOf(spec).flatMap(({ rows }) => rows).filter(({ weight }) => weight !== undefined);
      weights = [...new Set(points.map(({ weight }) => weight))];
      assertStringIncludes(String(spec.description), "t interval over 3 seeds, Wilson interval where there is one");
    });
    return weights;
  };
  const base = { students: [{ name: "kdiga", objective: { kind: "kdiga", weight: 16 } }, { name: "natural" }] };
  assertEquals(await weightsOf({ "experiment.json": JSON.stringify({ name: "study", base }) }), [1, 4, 16, 64]);
  assertEquals(await weightsOf({ "experiment.json": '{"name":"study","base":"quickstart"}' }), [1, 4, 64]);
  assertEquals(await weightsOf({}), [1, 4, 64]);
});

Deno.test("figureSpecs() draws what a card reports beside what was found of the network of its name", async () => {
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION) }, async (folder) => {
    await Deno.mkdir(`${folder}/references`);
    const card = { name: "kdiga", "clean_acc": "88", "autoattack_acc": "51", eps: "8/255" };
    await Deno.writeTextFile(`${folder}/references/kdiga.json`, JSON.stringify(card));
    const spec = (await figureSpecs(folder))!.get("reported_measured")!;
    // Without AutoAttack or a worst case, the accuracy without attack alone.
    assertEquals(viewsOf(spec).at(-1)!.rows.map(({ reported, measured }) => [reported, measured]), [[88, 87]]);
  });
});

Deno.test("writeFigures() names files after attacks whose names have a slash", async () => {
  const rows = EVALUATION.map((row) => row.attack === "fgsm" ? { ...row, attack: "pgd-5-step-2/255" } : row);
  await inFolder({ "evaluation.csv": formatEvaluation(rows) }, async (folder) => {
    const paths = await writeFigures(folder);
    assert(paths.includes(`${folder}/figures/robustness_curve_pgd-5-step-2-255.svg`), paths.join());
  });
});

Deno.test("writeFigures() refuses a folder without rows", async () => {
  await inFolder({}, async (folder) => {
    await assertRejects(
      () => writeFigures(folder),
      DataError,
      `Cannot draw figures of "${folder}" as it has no row in evaluation.csv, analysis.csv or steps.csv: ` +
        "train, evaluate or analyse first",
    );
  });
});
