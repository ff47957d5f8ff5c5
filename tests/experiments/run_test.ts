import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  CheckpointError,
  DataError,
  DISPLAY,
  type Displayable,
  ExperimentError,
  float32,
  parseCost,
  parseEvaluation,
  parseEvidence,
  parseSteps,
  rng,
  UsageError,
} from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { type Experiment, type Manifest, override, run, type RunEvent } from "../../lib/experiments/mod.ts";
import { createModel, encodeSafetensors, loadWeights, toPyTorch } from "../../lib/models/mod.ts";
import { summarize } from "../../lib/evaluation/mod.ts";
import { writeTinyFolder } from "../data/_tiny_folder.ts";
import type { AverageSpec } from "../../lib/training/mod.ts";
import { summaryTable, tableHtml, tableText } from "../../lib/report/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const MEAN = [0.5, 0.5, 0.5];
const STD = [0.25, 0.25, 0.25];
const MODEL = { kind: "cnn", width: 2, mean: MEAN, std: STD } as const;

/** Runs to the end, or until something holds of an event. */
async function eventsOf(
  engine: Engine,
  out: string,
  { experiment = TINY, until = () => false }: { experiment?: Experiment; until?: (event: RunEvent) => boolean } = {},
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run(experiment, { engine, out, checkpointEvery: 2 })) {
    events.push(event);
    if (until(event)) break;
  }
  return events;
}

/** Files but for the manifest, which has times. */
async function resultsIn(folder: string): Promise<Record<string, string>> {
  const { "manifest.json": _, ...files } = await filesIn(folder);
  return files;
}

const kinds = (events: readonly RunEvent[]) => events.map(({ kind }) => kind).filter((kind) => kind !== "progress");

Deno.test("run() trains, evaluates and draws, and its files agree with each other", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const out = `${folder}/run`;
    const events = await eventsOf(engine, out);
    assertEquals(kinds(events), [
      "open",
      ...["trained", "trained", "trained"],
      ...["evaluated", "evaluated", "evaluated"],
      "costs",
      "end",
    ]);
    const end = events.at(-1)!;
    assert(end.kind === "end");
    const { rows } = parseEvaluation(await Deno.readTextFile(`${out}/evaluation.csv`));
    assertEquals([end.folder, end.rows], [out, rows]);
    const shown = await (end as object as Displayable)[DISPLAY]();
    assertEquals(
      shown["text/plain"],
      `${tableText(summaryTable(rows))}\nIn ${out}; its report.html has all of it on one page.`,
    );
    assertStringIncludes(shown["text/html"] as string, tableHtml(summaryTable(rows)));
    assertEquals(summarize(parseEvidence(await Deno.readTextFile(`${out}/evidence.csv`)).rows), rows);
    const steps = parseSteps(await Deno.readTextFile(`${out}/steps.csv`)).rows;
    // 48 images are left for training: 3 batches of 16 in each of 2 epochs.
    assertEquals(
      steps.map(({ method, step }) => `${method} ${step}`),
      ["teacher", "kd", "kdiga"].flatMap((method) => [0, 1, 2, 3, 4, 5].map((step) => `${method} ${step}`)),
    );
    assertEquals(steps.map(({ terms }) => Object.keys(terms).join()).filter((_, i) => i % 6 === 0), [
      "ce",
      "ce,kl",
      "ce,kl,iga",
    ]);
    const manifest: Manifest = JSON.parse(await Deno.readTextFile(`${out}/manifest.json`));
    assert(manifest.finished !== null);
    for (const name of ["teacher", "kd", "kdiga"]) {
      const { card } = await loadWeights(`${out}/checkpoints/${name}.safetensors`);
      assertEquals(manifest.weights[name], card.sha256);
      assertEquals([card.provenance.data, card.provenance.seed], [TINY.data, TINY.seed]);
    }
    assertEquals(Object.keys(await filesIn(`${out}/checkpoints`)).filter((name) => name.includes("state")), []);
    // 2 epochs of 3 batches of 16.
    const costs = parseCost(await Deno.readTextFile(`${out}/cost.csv`)).rows;
    assertEquals(costs.map(({ seconds: _, secondsPerImage: __, ...row }) => Object.values(row).join()), [
      "teacher,1,1,0,0,96",
      "kd,1,1,1,0,96",
      "kdiga,1,3,1,1,96",
    ]);
    for (const { method, seconds, secondsPerImage } of costs) {
      assertEquals(seconds, manifest.seconds[`train ${method}`]);
      assertEquals(secondsPerImage, seconds === 0 ? "" : Number(seconds) / 96);
    }
    assert((await Deno.readTextFile(end.report)).includes("<h2>Cost</h2>"));
    for (const path of end.figures) assert(path.startsWith(`${out}/figures/`));
  });
});

Deno.test("run() stopped at any event goes on to the same bytes", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const all = await eventsOf(engine, `${folder}/whole`);
    const whole = await resultsIn(`${folder}/whole`);
    const out = `${folder}/parts`;
    // Three events at a time, of those that are new: every event is an end once in three runs.
    let stops = 0;
    for (let count = 3; count < all.length; count += 3) {
      let left = count;
      const events = await eventsOf(engine, out, { until: () => --left <= 0 });
      if (events.at(-1)!.kind === "end") break;
      stops++;
    }
    assert(stops > 3, `it was stopped ${stops} times`);
    await eventsOf(engine, out);
    assertEquals(await resultsIn(out), whole);
    const again = await eventsOf(engine, out);
    assertEquals(again.filter(({ kind }) => kind === "progress").length, 1, "nothing is done again but loading data");
    assertEquals(await resultsIn(out), whole);
  });
});

Deno.test("run() keeps the average of the weights and the last ones, stopped or not", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const [kd] = TINY.students;
    const student = { ...kd!, model: { kind: "cnn", width: 2 }, optimizer: { kind: "adamw" } } as const;
    const averaged = (average: AverageSpec): Experiment => ({ ...TINY, students: [{ ...student, average }] });
    const swa = averaged({ kind: "swa", from: 0.4, every: 2 });
    await eventsOf(engine, `${folder}/whole`, { experiment: swa });
    const whole = await resultsIn(`${folder}/whole`);
    for (const done of [2, 4]) {
      const until = (event: RunEvent) => event.kind === "progress" && event.label === "train kd" && event.done > done;
      await eventsOf(engine, `${folder}/parts ${done}`, { experiment: swa, until });
      await eventsOf(engine, `${folder}/parts ${done}`, { experiment: swa });
      assertEquals(await resultsIn(`${folder}/parts ${done}`), whole);
    }
    const { card } = await loadWeights(`${folder}/whole/checkpoints/kd.safetensors`);
    assertEquals(card.provenance.average, { kind: "swa", from: 0.4, every: 2 });
    await eventsOf(engine, `${folder}/plain`, { experiment: { ...TINY, students: [student] } });
    await eventsOf(engine, `${folder}/last`, {
      experiment: averaged({ ...swa.students[0]!.average!, weights: "last" }),
    });
    const weightsOf = async (path: string) => (await loadWeights(`${folder}/${path}.safetensors`)).weights;
    const [last, average] = [await weightsOf("plain/checkpoints/kd"), await weightsOf("whole/checkpoints/kd")];
    assertNotEquals(average, last);
    assertEquals(await weightsOf("whole/checkpoints/kd.last"), last);
    assertEquals(await weightsOf("last/checkpoints/kd"), last);
    assertEquals(await weightsOf("last/checkpoints/kd.average"), average);
  });
});

Deno.test("run() gives other seeds other results, and students the same first weights and order", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    await eventsOf(engine, `${folder}/a`);
    await eventsOf(engine, `${folder}/b`, { experiment: { ...TINY, seed: 4 } });
    const [a, b] = [await resultsIn(`${folder}/a`), await resultsIn(`${folder}/b`)];
    for (const name of ["teacher", "kd"]) {
      assertNotEquals(a[`checkpoints/${name}.safetensors`], b[`checkpoints/${name}.safetensors`]);
    }
    const steps = parseSteps(await Deno.readTextFile(`${folder}/a/steps.csv`)).rows.filter(({ step }) => step === 0);
    const [teacher, kd, kdiga] = steps.map(({ terms }) => terms.ce);
    assertEquals(kd, kdiga);
    // alpha weighs the student's cross-entropy by one half.
    assertNotEquals(kd! / 0.5, teacher);
  });
});

Deno.test("run() refuses what it cannot use, before it makes a folder", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const out = `${folder}/run`;
    await assertRejects(
      () => eventsOf(engine, out, { experiment: override(TINY, "teacher.epochs=0") }),
      UsageError,
      'Cannot use the experiment as "teacher" has 0 epochs and no pretrained weights: give it one of them',
    );
    await assertRejects(
      () => eventsOf(engine, out, { experiment: override(TINY, "evaluation.n=21") }),
      ExperimentError,
      'Cannot evaluate on 21 images as "shapes-12 test" (test) has 20: lower n',
    );
    await assertRejects(
      () =>
        eventsOf(engine, out, {
          experiment: override(override(TINY, "evaluation.split=validation"), "evaluation.n=13"),
        }),
      ExperimentError,
      'Cannot evaluate on 13 images as "shapes-12 validation" (validation) has 12: lower n',
    );
    assertEquals(await filesIn(folder), {});
  });
});

Deno.test("run() refuses a checkpoint of another experiment", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const stop = { until: (event: RunEvent) => event.kind === "progress" && event.done === 5 };
    await eventsOf(engine, `${folder}/a`, stop);
    await eventsOf(engine, `${folder}/b`, { ...stop, experiment: { ...TINY, seed: 4 } });
    const state = "checkpoints/teacher.state.safetensors";
    await Deno.copyFile(`${folder}/a/${state}`, `${folder}/b/${state}`);
    await assertRejects(
      () => eventsOf(engine, `${folder}/b`, { experiment: { ...TINY, seed: 4 } }),
      CheckpointError,
      `Cannot resume from "${folder}/b/${state}" as experiment `,
    );
  });
});

Deno.test("run() takes a pretrained teacher as it is, and fine-tunes a student under a new head", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    // A state_dict of someone else's, of four classes: no card, wrapped, with its normalisation inside.
    const shape = { inputShape: [12, 12, 3] } as const;
    const [teacher, other] = [
      createModel(MODEL, { ...shape, classes: 10 }),
      createModel(MODEL, { ...shape, classes: 4 }),
    ]
      .map((model, i) => model.init(rng(50 + i)));
    const norm = { "module.mu": float32([1, 3, 1, 1], MEAN), "module.sigma": float32([1, 3, 1, 1], STD) };
    for (const [name, weights] of [["teacher", teacher!], ["other", other!]] as const) {
      const tensors = Object.fromEntries(Object.entries(toPyTorch(weights)).map(([key, it]) => [`module.${key}`, it]));
      await Deno.writeFile(`${folder}/${name}.safetensors`, encodeSafetensors({ tensors: { ...norm, ...tensors } }));
    }
    const pretrained = { weights: `${folder}/other.safetensors`, fresh: ["fc.*"] };
    const optimizer = {
      kind: "sgd",
      weightDecay: 0.1,
      frozen: ["conv1.*", "bn1.*"],
      learningRates: [{ match: "conv*", factor: 0.1 }],
    } as const;
    const [kd] = TINY.students;
    const experiment: typeof TINY = {
      ...TINY,
      teacher: { ...TINY.teacher, model: MODEL, epochs: 0, pretrained: { weights: `${folder}/teacher.safetensors` } },
      students: [{ ...kd!, model: MODEL, optimizer, pretrained }],
    };
    const out = `${folder}/run`;
    assertEquals(kinds(await eventsOf(engine, out, { experiment })).at(-1), "end");
    const loaded = await loadWeights(`${out}/checkpoints/teacher.safetensors`);
    assertEquals(loaded.weights, teacher);
    const { weights: { parameters }, card } = await loadWeights(`${out}/checkpoints/kd.safetensors`);
    for (const name of ["conv1.weight", "bn1.weight", "bn1.bias"]) {
      assertEquals(parameters[name], other!.parameters[name]);
    }
    assertNotEquals(parameters["conv4.weight"], other!.parameters["conv4.weight"]);
    assertEquals(parameters["fc.bias"]!.shape, [10]);
    const from = card.provenance.pretrained as { sha256: string; fresh: string[] };
    assertEquals([from.sha256.length, from.fresh], [64, ["fc.*"]]);
    const steps = parseSteps(await Deno.readTextFile(`${out}/steps.csv`)).rows;
    assertEquals([...new Set(steps.map(({ method }) => method))], ["kd"]);

    const wrong = {
      ...experiment,
      teacher: { ...experiment.teacher, pretrained: { ...pretrained, fresh: ["head.*"] } },
    };
    await assertRejects(
      () => eventsOf(engine, `${folder}/wrong`, { experiment: wrong }),
      UsageError,
      'Cannot begin "head.*" new as it matches no weight of "cnn": names are like',
    );
  });
});

Deno.test("run() trains on images that it decodes meanwhile, tells of damaged ones, and goes on with the same bits", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const data = `${folder}/data`;
    await writeTinyFolder(`${data}/val`);
    await writeTinyFolder(`${data}/train`);
    for (const file of ["train/b/1.JPEG", "val/a/10.png"]) await Deno.truncate(`${data}/${file}`, 50);
    const network = { batchSize: 2, epochs: 3 };
    const experiment: Experiment = {
      ...TINY,
      data: { kind: "imagenet", seed: 1, size: 12, classes: 2, onCorrupt: "skip" },
      teacher: { ...TINY.teacher, ...network },
      students: TINY.students.slice(1).map((student) => ({ ...student, ...network })),
      evaluation: { ...TINY.evaluation, n: 3, batchSize: 3 },
    };
    const events = async (out: string, stopAt?: number) => {
      const found: RunEvent[] = [];
      let left = stopAt ?? Infinity;
      for await (const event of run(experiment, { engine, data, out: `${folder}/${out}`, checkpointEvery: 2 })) {
        found.push(event);
        if (event.kind === "progress" && event.label === "train kdiga" && --left === 0) break;
      }
      return found;
    };
    const whole = await events("whole");
    const skipped = whole.flatMap((event) => event.kind === "skipped" ? [event] : []);
    assertEquals(skipped.map(({ name, images }) => [name, images.map(({ id }) => id)]), [
      ["imagenet test", [0]],
      ["imagenet train", [4]],
    ]);
    assert(skipped.every(({ images: [image] }) => image!.reason.startsWith(`Cannot decode "${data}/`)));
    const trained = whole.flatMap((event) => event.kind === "trained" ? [event] : []);
    assert(trained.every(({ waited = NaN, seconds }) => waited > 0 && waited <= seconds));
    const details = whole.flatMap((event) =>
      event.kind === "progress" && event.label === "train kdiga" ? event.detail! : []
    );
    assert(details.every((detail) => /^loss [\d.-]+, \d+ % waiting for images$/.test(detail)), details[0]);
    const manifest: Manifest = JSON.parse(await Deno.readTextFile(`${folder}/whole/manifest.json`));
    assertEquals(Object.keys(manifest.waiting), ["teacher", "kdiga"]);
    assertEquals(Object.entries(manifest.skipped).map(([name, { count, ids }]) => [name, count, ids]), [
      ["imagenet test", 1, [0]],
      ["imagenet train", 1, [4]],
    ]);
    // In the middle of an epoch, after a checkpoint and before the next.
    for (const stopAt of [1, 3, 5]) {
      await events(`cut-${stopAt}`, stopAt);
      await events(`cut-${stopAt}`);
      assertEquals(await resultsIn(`${folder}/cut-${stopAt}`), await resultsIn(`${folder}/whole`));
    }
    await assertRejects(
      () => Array.fromAsync(run(override(experiment, "data.onCorrupt=stop"), { engine, data, out: `${folder}/stop` })),
      DataError,
      `Cannot decode "${data}/val/a/10.png"`,
    );
  });
});
