import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DataError,
  formatAnalysis,
  formatBracket,
  formatCost,
  formatEpochs,
  formatEvaluation,
} from "../../lib/core/mod.ts";
import { writeFigures, writeReport } from "../../lib/report/mod.ts";
import { inFolder } from "./_in_folder.ts";
import { ANALYSIS, BRACKET, EPOCHS, EVALUATION } from "./_rows.ts";

Deno.test("writeReport() writes tables, figures and the experiment into one file that needs no other", async () => {
  const experiment = JSON.stringify({ name: "a<b>", seed: 1 });
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION), "experiment.json": experiment }, async (folder) => {
    const figures = (await writeFigures(folder)).filter((path) => path.endsWith(".svg"));
    assertEquals(await writeReport(folder), `${folder}/report.html`);
    const page = await Deno.readTextFile(`${folder}/report.html`);
    assertEquals(
      page.match(/<img src="data:image\/svg\+xml;base64,[^"]{1000,}" alt="[^"]{10,}">/g)?.length,
      figures.length,
    );
    assertStringIncludes(page, "<title>a&lt;b&gt;</title>");
    assert(!page.includes("a<b>"), "texts of the experiment must be escaped");
    for (const heading of ["FGSM", "PGD-20"]) assertStringIncludes(page, `<h3>${heading}</h3>`);
    assertEquals(page.match(/(?:src|href)="(?!data:)[^"]*"/g), ['href="manifest.json"']);
    await writeReport(folder);
    assertEquals(await Deno.readTextFile(`${folder}/report.html`), page);
  });
});

Deno.test("writeReport() shows clean accuracy where nothing was attacked, and no figure where none is drawn", async () => {
  const clean = EVALUATION.filter(({ attack }) => attack === "clean");
  await inFolder({ "evaluation.csv": formatEvaluation(clean) }, async (folder) => {
    await writeReport(folder);
    const page = await Deno.readTextFile(`${folder}/report.html`);
    assertStringIncludes(page, '<th scope="col">Clean</th>');
    assert(!page.includes("<img"));
  });
});

Deno.test("writeReport() has a section of the analysis, beside accuracies or alone", async () => {
  const analysis = { "analysis.csv": formatAnalysis(ANALYSIS) };
  const page = (files: Record<string, string>) => {
    let text = "";
    return inFolder(files, async (folder) => {
      text = await Deno.readTextFile(await writeReport(folder));
    }).then(() => text);
  };
  const both = await page({ ...analysis, "evaluation.csv": formatEvaluation(EVALUATION) });
  assert(both.includes("<h2>Accuracy</h2>") && both.includes("<h2>Analysis</h2>"));
  const alone = await page(analysis);
  assert(!alone.includes("<h2>Accuracy</h2>"));
  for (const heading of ["Local linearity error (nats)", "Gradient gap to the teacher"]) {
    assertStringIncludes(alone, `<h3>${heading}</h3>`);
  }
  assertStringIncludes(alone, '<th scope="row">KDIGA</th><td>200</td><td>0 [-0.100, 0.100]</td>');
});

Deno.test("writeReport() has what training cost, where the folder says it", async () => {
  const passes = { studentForward: 1, studentBackward: 3, teacherForward: 1, teacherBackward: 1 };
  const cost = formatCost([{ method: "kdiga", ...passes, images: 96, seconds: 1.2, secondsPerImage: 0.0125 }]);
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION), "cost.csv": cost }, async (folder) => {
    const page = await Deno.readTextFile(await writeReport(folder));
    assertStringIncludes(page, "<h2>Cost</h2>");
    assertStringIncludes(page, '<th scope="row">KDIGA</th><td>1 / 3</td><td>1 / 1</td><td>96</td><td>12.50</td>');
  });
});

Deno.test("writeReport() shows the bracket of an evaluation within a budget, beside rows or without any", async () => {
  const bracket = { "bracket.csv": formatBracket(BRACKET) };
  for (const files of [bracket, { ...bracket, "evaluation.csv": formatEvaluation(EVALUATION) }]) {
    await inFolder(files, async (folder) => {
      await writeReport(folder);
      const page = await Deno.readTextFile(`${folder}/report.html`);
      assertStringIncludes(page, "<h2>Worst case within a budget</h2>");
      assertStringIncludes(page, '<th scope="row">KDIGA, Linf 4/255</th>');
      assertEquals(page.includes("<h2>Accuracy</h2>"), files !== bracket);
    });
  }
});

Deno.test("writeReport() refuses a folder without rows", async () => {
  await inFolder({}, async (folder) => {
    await assertRejects(
      () => writeReport(folder),
      DataError,
      `Cannot write a report of "${folder}" as it has no row in evaluation.csv or analysis.csv: ` +
        "evaluate or analyse first",
    );
  });
});

Deno.test("writeReport() tells of alarms, of overfitting and of violations of the bound", async () => {
  const files = { "epochs.csv": formatEpochs(EPOCHS), "evaluation.csv": formatEvaluation(EVALUATION) };
  await inFolder(files, async (folder) => {
    await writeReport(folder);
    const page = await Deno.readTextFile(`${folder}/report.html`);
    assertStringIncludes(
      page,
      "<strong>Alarm:</strong> KD was down to 10.0 % under PGD-5 8/255 at epoch 4: it was trained on.",
    );
    assertStringIncludes(page, '<th scope="row">KD</th><td>3</td><td>4</td>');
    assertStringIncludes(page, "in 6 of 400 measurements");
  });
});
