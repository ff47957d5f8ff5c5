import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ExperimentError, parseSeeds, parseSweep, wilson } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import {
  expandSweep,
  mergeSweep,
  openSweep,
  run,
  type Sweep,
  sweepName,
  type SweepPlan,
} from "../../lib/experiments/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const ATTACKED: Sweep = { name: "s", base: TINY, grids: [{ methods: ["kd", "kdiga"], seeds: [3, 4] }] };
/** The same without attacks, for speed. */
const SWEEP: Sweep = { ...ATTACKED, base: { ...TINY, evaluation: { ...TINY.evaluation, attacks: [] } } };
const PLAN = expandSweep(SWEEP);

/** Makes some of the runs, and their teacher. */
async function make(runs: string, which: readonly number[], plan: SweepPlan = PLAN): Promise<void> {
  await using engine = await createEngine("reference");
  for (const i of which) for await (const _ of run(plan.runs[i]!.experiment, { engine, runs }));
}

/** The sweep's files but for the seconds. */
async function resultsIn(folder: string): Promise<Record<string, string>> {
  const { "costs.csv": _, ...files } = await filesIn(folder);
  return files;
}

Deno.test("mergeSweep() gathers what is finished, with means over seeds and what it cost", async () => {
  await inTempFolder(async (runs) => {
    const plan = expandSweep(ATTACKED);
    const none = await mergeSweep(ATTACKED, plan, { runs });
    assertEquals([none.rows, none.missing.length, none.figures, none.report], [[], 5, [], undefined]);
    await make(runs, [0, 1, 2], plan);
    const { folder, rows, means, missing, figures } = await mergeSweep(ATTACKED, plan, { runs });
    assertEquals(folder, `${runs}/${await sweepName(ATTACKED, plan)}`);
    assertEquals(missing.map((name) => name.slice(0, -9)), ["s-kdiga-s4"]);
    assertEquals(parseSweep(await Deno.readTextFile(`${folder}/rows.csv`)).rows, rows);
    assertEquals(parseSeeds(await Deno.readTextFile(`${folder}/means.csv`)).rows, means);
    // Clean, FGSM and the worst case, at two radii: 5 rows for each network.
    assertEquals(rows.map(({ method, seed }) => `${method} ${seed}`).filter((_, i) => i % 5 === 0), [
      "teacher 3",
      "kd 3",
      "kd 4",
      "kdiga 3",
    ]);
    const [teacher, kd, , kdiga] = rows.filter(({ attack }) => attack === "clean");
    // 6 steps of 16 images; KD is a forward and a backward pass of the student and a forward one of the teacher.
    assertEquals([teacher!.images, teacher!.studentPasses, teacher!.teacherPasses], [96, 192, 0]);
    assertEquals([kd!.studentPasses, kd!.teacherPasses], [192, 96]);
    assert(kdiga!.studentPasses > 192 && kdiga!.teacherPasses > 96);
    const [of3, of4] = rows.filter(({ method, attack }) => method === "kd" && attack === "clean");
    const mean = means.find(({ method, attack }) => method === "kd" && attack === "clean")!;
    assertEquals([mean.seeds, mean.n, mean.interval], [2, 20, "seeds"]);
    assertAlmostEquals(mean.rate, (of3!.rate + of4!.rate) / 2, 1e-12);
    // t of one degree of freedom is 12.7; half the difference of two values is s / sqrt(2).
    const spread = 12.7062047362 * Math.abs(of3!.rate - of4!.rate) / 2;
    assertAlmostEquals(mean.high, Math.min(1, mean.rate + spread), 1e-9);
    const alone = means.find(({ method, attack }) => method === "kdiga" && attack === "clean")!;
    const { interval, rate, low, high } = alone;
    assertEquals([interval, { rate, low, high }], ["images", wilson(kdiga!.correct, 20)]);
    for (const name of ["robustness_curve_fgsm", "robustness_bars", "trade_off_fgsm"]) {
      assert(figures.includes(`${folder}/figures/${name}.svg`), name);
    }
    assert((await Deno.readTextFile(`${folder}/report.html`)).includes("t interval over 2 seeds"));
  });
});

Deno.test("parts made on several machines merge to the same bytes as one made on one", async () => {
  await inTempFolder(async (folder) => {
    const [whole, a, b] = ["whole", "a", "b"].map((name) => `${folder}/${name}`);
    await make(whole!, [0, 1, 2, 3]);
    const { folder: expected } = await mergeSweep(SWEEP, PLAN, { runs: whole! });
    await make(a!, [0, 2]);
    await make(b!, [3, 1]);
    const { folder: merged, missing } = await mergeSweep(SWEEP, PLAN, { runs: a!, from: [b!] });
    assertEquals(missing, []);
    assertEquals(await resultsIn(merged), await resultsIn(expected));
    await mergeSweep(SWEEP, PLAN, { runs: a!, from: [b!, whole!] });
    assertEquals(await resultsIn(merged), await resultsIn(expected));
  });
});

Deno.test("mergeSweep() refuses runs of another sweep, other rows of a run, and other weights of the teacher", async () => {
  await inTempFolder(async (folder) => {
    const [a, b] = ["a", "b"].map((name) => `${folder}/${name}`);
    await make(a!, [0]);
    await Deno.mkdir(b!);
    await assertRejects(
      () => mergeSweep(SWEEP, PLAN, { runs: a!, from: [b!] }),
      ExperimentError,
      `Cannot merge "${b}" as it has no finished run of this sweep "s": give the folder of its runs`,
    );
    await make(b!, [0, 1]);
    const opened = (await openSweep(SWEEP, PLAN, b!)).runs;
    const [teacher, first, second] = opened;
    const evidence = await Deno.readTextFile(`${first!.folder}/evidence.csv`);
    await Deno.writeTextFile(`${first!.folder}/evidence.csv`, evidence.split("\n").slice(0, -2).join("\n"));
    await assertRejects(
      () => mergeSweep(SWEEP, PLAN, { runs: a!, from: [b!] }),
      ExperimentError,
      `Cannot merge "${first!.folder}" as "${a}/${
        first!.name
      }" is the same experiment with other rows: keep one of them`,
    );
    const path = `${second!.folder}/manifest.json`;
    const manifest = JSON.parse(await Deno.readTextFile(path));
    manifest.teachers.teacher.sha256 = "0".repeat(64);
    await Deno.writeTextFile(path, JSON.stringify(manifest));
    await assertRejects(
      () => mergeSweep(SWEEP, PLAN, { runs: b! }),
      ExperimentError,
      `Cannot merge "${second!.name}" with "${teacher!.name}" as the weights of its teacher are others: remove one`,
    );
  });
});

Deno.test("openSweep() writes a file for each run, which says after which one it must come", async () => {
  await inTempFolder(async (runs) => {
    const { folder, runs: opened } = await openSweep(SWEEP, PLAN, runs);
    const [teacher, ...others] = opened;
    assertEquals([teacher!.teachers, teacher!.methods, teacher!.seed], [[], ["teacher"], 3]);
    for (const { teachers } of others) assertEquals(teachers, [teacher!.name]);
    for (const { file, run } of opened) {
      assertEquals(JSON.parse(await Deno.readTextFile(file)), run.experiment);
    }
    const before = await filesIn(folder);
    await openSweep(SWEEP, PLAN, runs);
    assertEquals(await filesIn(folder), before);
  });
});
