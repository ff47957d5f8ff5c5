import { assert, assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DataError,
  formatAnalysis,
  formatBracket,
  formatEpochs,
  formatEvaluation,
  formatSteps,
} from "../../lib/core/mod.ts";
import { FIGURE_ENDINGS, robustnessCurve, writeFigures } from "../../lib/report/mod.ts";
import { inFolder } from "./_in_folder.ts";
import { ANALYSIS, BRACKET, EPOCHS, EVALUATION, STEPS } from "./_rows.ts";

Deno.test("writeFigures() draws all figures from the CSV files of a run folder", async () => {
  const files = { "evaluation.csv": formatEvaluation(EVALUATION), "steps.csv": formatSteps(STEPS) };
  await inFolder(files, async (folder) => {
    const paths = await writeFigures(folder);
    assertEquals(
      paths,
      ["robustness_curve_fgsm", "robustness_curve_pgd-20", "robustness_bars", "training_curves"].flatMap((name) =>
        FIGURE_ENDINGS.map((ending) => `${folder}/figures/${name}${ending}`)
      ),
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
