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
      page.match(/<figure><img class="still" src="data:image\/svg\+xml,[^"]{1000,}" alt="[^"]{10,}">/g)?.length,
      figures.length,
    );
    assertStringIncludes(page, "<title>a&lt;b&gt;</title>");
    assert(!page.includes("a<b>"), "texts of the experiment must be escaped");
    for (const heading of ["FGSM", "PGD-20"]) assertStringIncludes(page, `<h3>${heading}</h3>`);
    const body = page.slice(0, page.indexOf("<!--\n"));
    assertEquals(
      body.match(/ (?:src|href)="(?!data:)[^"]*"/g),
      [' href="#figures"', ' href="#accuracy"', ' href="#experiment"'],
      "nothing but links inside the page",
    );
    assert(page.length < 1_500_000, `${page.length} bytes`);
    await writeReport(folder);
    assertEquals(await Deno.readTextFile(`${folder}/report.html`), page);
  });
});

Deno.test("writeReport() draws the same page where the figures are not drawn yet", async () => {
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION) }, async (folder) => {
    await writeReport(folder, { out: `${folder}/first.html` });
    await writeFigures(folder);
    await writeReport(folder);
    assertEquals(await Deno.readTextFile(`${folder}/report.html`), await Deno.readTextFile(`${folder}/first.html`));
  });
});

Deno.test("writeReport() allows its own scripts alone, and none that makes code of text", async () => {
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION) }, async (folder) => {
    const page = await Deno.readTextFile(await writeReport(folder));
    const [, policy = ""] = page.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)!;
    const scripts = Array.from(page.matchAll(/<script>([\s\S]*?)<\/script>/g), ([, code]) => code!);
    const digests = await Promise.all(scripts.map(async (code) => {
      const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code));
      return `'sha256-${new Uint8Array(bytes).toBase64()}'`;
    }));
    assertEquals(digests.length, 3);
    assertEquals(
      policy,
      `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ${digests.join(" ")}; ` +
        "base-uri 'none'; form-action 'none'",
    );
    for (const licence of ["University of Washington Interactive Data Lab", "Copyright Mike Bostock"]) {
      assertStringIncludes(page, licence);
    }
  });
});

Deno.test("writeReport() shows the checks for masked gradients, and says in its head what failed", async () => {
  const check = (method: string, status: "pass" | "fail") => ({
    rows: [
      { check: "one-step", method, status, value: 0.5, reason: "one step leaves 10.0 %, many steps 60.0 %" },
      { check: "noise", method, status: "pass", value: 0, reason: "random noise leaves 90.0 %" },
    ],
    n: 60,
    eps: "8/255",
    forwardPasses: 120,
    backwardPasses: 30,
  });
  const masking = JSON.stringify([check("kdiga", "pass"), check("my net", "fail")]);
  await inFolder({ "evaluation.csv": formatEvaluation(EVALUATION), "masking.json": masking }, async (folder) => {
    const page = await Deno.readTextFile(await writeReport(folder));
    assertStringIncludes(page, "<h2>Masked gradients</h2>\n<h3>KDIGA</h3>\n<p>On 60 images at 8/255.</p>");
    assertStringIncludes(page, "1 fail, 1 pass.");
    assertStringIncludes(page, "They cost 120 images forward and 30 back.");
    assertEquals(page.match(/<strong>Masked gradients:<\/strong> [^;]*;/g), [
      "<strong>Masked gradients:</strong> my net fails one-step;",
    ]);
    for (const wrong of ["{", "[{}]", JSON.stringify([{ ...check("kd", "pass"), rows: [{}] }])]) {
      await Deno.writeTextFile(`${folder}/masking.json`, wrong);
      await assertRejects(
        () => writeReport(folder),
        DataError,
        `Cannot read "${folder}/masking.json" as checks for masked gradients: delete it and evaluate again`,
      );
    }
  });
});

Deno.test("writeReport() shows the manifest, but for the time at which the run was finished", async () => {
  const manifest = {
    commit: { id: "0123456789abcdef", dirty: true },
    lock: null,
    versions: { engine: "libtensorflow 2.21.0" },
    engines: ["tensorflow: cpu (2 threads)"],
    seed: 7,
    started: ["2026-11-24T19:00:33.822Z", "2026-11-24T20:00:33.822Z"],
    finished: null as string | null,
    seconds: { "train kd": 100, "evaluate kd": 20.4 },
    waiting: {},
  };
  const files = { "evaluation.csv": formatEvaluation(EVALUATION), "manifest.json": JSON.stringify(manifest) };
  await inFolder(files, async (folder) => {
    const page = await Deno.readTextFile(await writeReport(folder));
    const facts = Array.from(page.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g), ([, name, text]) => [name, text]);
    assertEquals(facts, [
      ["Networks", "Teacher, KDIGA, my net"],
      ["Attacks", "FGSM, PGD-20 at 2/255, 4/255, 8/255"],
      ["Images", "200"],
      ["Seed", "7"],
      ["Engine", "tensorflow: cpu (2 threads) (libtensorflow 2.21.0)"],
      ["Started", "2026-11-24 19:00 UTC"],
      ["Time", "2 min"],
      ["Commit", "0123456789ab, with changes"],
    ]);
    const [table = ""] = page.match(/<table class="facts">[\s\S]*?<\/table>/)!;
    const lines = Array.from(
      table.matchAll(/<th scope="row">([^<]*)<\/th><td>([^<]*)<\/td>/g),
      (line) => line.slice(1),
    );
    assertEquals(lines.slice(0, 4), [
      ["commit, id", "0123456789abcdef"],
      ["commit, dirty", "true"],
      ["lock", "none"],
      ["versions, engine", "libtensorflow 2.21.0"],
    ]);
    assert(!lines.some(([name]) => name === "finished"));
    const finished = JSON.stringify({ ...manifest, finished: "2026-11-24T21:00:00.000Z" });
    await Deno.writeTextFile(`${folder}/manifest.json`, finished);
    assertEquals(await Deno.readTextFile(await writeReport(folder)), page);
    await Deno.writeTextFile(`${folder}/manifest.json`, "[");
    assert(!(await Deno.readTextFile(await writeReport(folder))).includes("<h2>What made it</h2>"));
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
