import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseEpochs, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import {
  bestName,
  checkExperiment,
  type Experiment,
  type Manifest,
  override,
  run,
  type RunEvent,
  runName,
  selectedName,
  watchAttack,
  type WatchSpec,
} from "../../lib/experiments/mod.ts";
import { loadWeights } from "../../lib/models/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const WATCH: WatchSpec = { n: 12, eps: "8/255", steps: 2, batchSize: 5 };
const [KD, KDIGA] = TINY.students;

/** A watch of each kind over three epochs of three steps. */
const WATCHED: Experiment = {
  ...TINY,
  teacher: { ...TINY.teacher, epochs: 3, watch: { ...WATCH, select: "bestValidation" } },
  students: [
    { ...KD!, epochs: 3, watch: { ...WATCH, every: 2, theory: true } },
    { ...KDIGA!, epochs: 3, watch: { ...WATCH, alarm: { share: 1, action: "rollBack" } } },
  ],
};

async function eventsOf(
  engine: Engine,
  out: string,
  experiment: Experiment,
  until: (event: RunEvent) => boolean = () => false,
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run(experiment, { engine, out, checkpointEvery: 2 })) {
    events.push(event);
    if (until(event)) break;
  }
  return events;
}

async function resultsIn(folder: string): Promise<Record<string, string>> {
  const { "manifest.json": _, ...files } = await filesIn(folder);
  return files;
}

const epochsIn = async (out: string) => parseEpochs(await Deno.readTextFile(`${out}/epochs.csv`)).rows;
const manifestIn = async (out: string): Promise<Manifest> =>
  JSON.parse(await Deno.readTextFile(`${out}/manifest.json`));

Deno.test("watchAttack() is PGD of the watch's steps; bestName() tells the best weights from the last", () => {
  assertEquals(watchAttack({ n: 1, eps: "8/255" }), { kind: "pgd", steps: 5 });
  assertEquals(watchAttack({ n: 1, eps: "8/255", steps: 3, stepSize: "2/255" }), {
    kind: "pgd",
    steps: 3,
    stepSize: "2/255",
  });
  assertEquals(bestName("kd"), "kd.best");
  const watch: WatchSpec = { n: 1, eps: "8/255", select: "bestValidation" };
  assertEquals([selectedName({ name: "kd" }), selectedName({ name: "kd", watch })], ["kd", "kd.best"]);
});

Deno.test("run() with a watch keeps the last and the best weights, evaluates both, and hands on the selected ones", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const out = `${folder}/run`;
    const events = await eventsOf(engine, out, WATCHED);
    const rows = await epochsIn(out);
    assertEquals(events.flatMap((event) => event.kind === "watched" ? [event.row] : []), rows);
    assertEquals(
      rows.filter(({ method }) => method === "kd").map(({ epoch }) => epoch),
      [2, 3],
      "the last one as well",
    );
    for (const row of rows) {
      assertEquals([row.n, row.attack, row.eps], [12, "pgd-2", "8/255"]);
      assert(row.robustAccuracy <= row.cleanAccuracy && row.trainAccuracy <= 1);
      assertEquals(row.bound === "", row.method !== "kd");
    }
    assertEquals(events.flatMap((event) => event.kind === "evaluated" ? [event.name] : []), [
      ...["teacher", "teacher.best", "kd", "kd.best", "kdiga", "kdiga.best"],
    ]);
    const { watches, weights } = await manifestIn(out);
    const best = rows.filter(({ method }) => method === "teacher").reduce((a, b) =>
      (b.robustAccuracy - a.robustAccuracy || b.cleanAccuracy - a.cleanAccuracy) > 0 ? b : a
    );
    assertEquals(watches!.teacher, { selected: "teacher.best", best: best.epoch, last: 3, alarms: [], ended: null });
    assertEquals(watches!.kd!.selected, "kd");
    const { card } = await loadWeights(`${out}/checkpoints/teacher.best.safetensors`);
    assertEquals(weights["teacher.best"], card.sha256);
    const { n, attack, eps, cleanAccuracy, robustAccuracy } = best;
    assertEquals(card.provenance.validation, { n, attack, eps, cleanAccuracy, robustAccuracy });
    assertEquals(card.provenance.epoch, best.epoch);
    const names = Object.keys(await filesIn(`${out}/checkpoints`));
    assertEquals(names.filter((name) => /state|good/.test(name)), []);
    const report = await Deno.readTextFile(`${out}/report.html`);
    assert(report.includes("KD (best)") && report.includes("Gap val."));

    // The teacher's best weights are another network to learn from than its last, where they differ.
    const last = override(WATCHED, "teacher.watch.select=last");
    await eventsOf(engine, `${folder}/last`, last);
    const { weights: other } = await manifestIn(`${folder}/last`);
    assertEquals(other.teacher, weights.teacher);
    assertEquals(other.kd === weights.kd, weights.teacher === weights["teacher.best"]);
  });
});

Deno.test("run() with a watch trains to the same bits as without, and looks at no test image", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const watched: Experiment = {
      ...TINY,
      teacher: { ...TINY.teacher, watch: WATCH },
      students: [{ ...KD!, watch: { ...WATCH, theory: true } }],
    };
    await eventsOf(engine, `${folder}/plain`, { ...TINY, students: [KD!] });
    await eventsOf(engine, `${folder}/watched`, watched);
    const fewer = override(override(watched, "data.test=10"), "evaluation.n=10");
    await eventsOf(engine, `${folder}/fewer`, fewer);
    const [plain, other, third] = await Promise.all(
      ["plain", "watched", "fewer"].map((name) => resultsIn(`${folder}/${name}`)),
    );
    for (const name of ["steps.csv", "checkpoints/teacher.safetensors", "checkpoints/kd.safetensors"]) {
      assertEquals(other![name], plain![name], name);
    }
    assertEquals(plain!["epochs.csv"], undefined);
    assertEquals(third!["epochs.csv"], other!["epochs.csv"]);
  });
});

Deno.test("run() with a watch, stopped at any event, goes on to the same bytes", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const all = await eventsOf(engine, `${folder}/whole`, WATCHED);
    const whole = await resultsIn(`${folder}/whole`);
    const out = `${folder}/parts`;
    for (let count = 3; count < 2 * all.length; count += 2) {
      let left = count;
      const events = await eventsOf(engine, out, WATCHED, () => --left <= 0);
      if (events.at(-1)!.kind === "end") break;
    }
    await eventsOf(engine, out, WATCHED);
    assertEquals(await resultsIn(out), whole);
    assertEquals((await manifestIn(out)).watches, (await manifestIn(`${folder}/whole`)).watches);
  });
});

/** Five epochs that learn, and then a learning rate that destroys what was learned. */
const COLLAPSE: Experiment = {
  ...TINY,
  name: "collapse",
  data: { kind: "shapes", seed: 1, train: 360, test: 20, size: 12, validation: 40 },
  teacher: {
    name: "teacher",
    model: { kind: "cnn", width: 6 },
    objective: { kind: "adversarial", eps: "1/255", steps: 1, randomStart: false },
    optimizer: { kind: "sgd", momentum: 0.9 },
    schedule: { kind: "step", peak: 0.1, milestones: [5], epochs: 6, factor: 100 },
    epochs: 6,
    batchSize: 20,
    watch: { n: 40, eps: "1/255", steps: 2, alarm: { share: 0.5, action: "report" } },
  },
  students: [],
  evaluation: { n: 20, batchSize: 20, attacks: [{ kind: "fgsm" }], eps: ["1/255"] },
};

Deno.test("an alarm reports, stops or rolls back where accuracy under the attack breaks down, stopped before or not", async () => {
  await using engine = await createEngine("onnxruntime");
  await inTempFolder(async (folder) => {
    const sums: Record<string, Readonly<Record<string, string>>> = {};
    for (const action of ["report", "stop", "rollBack"] as const) {
      const out = `${folder}/${action}`;
      const experiment = override(COLLAPSE, `teacher.watch.alarm.action=${action}`);
      // It is stopped amid the epoch that will collapse: what it rolls back to is read from its file.
      if (action === "rollBack") {
        await eventsOf(engine, out, experiment, (event) => event.kind === "progress" && event.done === 82);
      }
      const events = await eventsOf(engine, out, experiment);
      const rows = await epochsIn(out);
      const first = rows.findIndex(({ alarm }) => alarm !== "");
      assertEquals(first, 5, JSON.stringify(rows));
      const best = Math.max(...rows.slice(0, first).map(({ robustAccuracy }) => robustAccuracy));
      assert(rows[first]!.robustAccuracy < 0.5 * best);
      const alarm = events.find((event) => event.kind === "alarm")!;
      assertEquals(alarm, { kind: "alarm", row: rows[first]!, best, action });
      assertEquals(rows.length, 6);
      const { watches, weights } = await manifestIn(out);
      assertEquals(
        [watches!.teacher!.last, watches!.teacher!.ended],
        action === "report" ? [6, null] : [action === "stop" ? 6 : 5, { epoch: 6, action }],
      );
      assertEquals(watches!.teacher!.alarms[0], 6);
      const { card: { provenance } } = await loadWeights(`${out}/checkpoints/teacher.safetensors`);
      const ended = { epoch: watches!.teacher!.last, alarmAt: 6, action };
      assertEquals(provenance.ended, action === "report" ? undefined : ended);
      const names = Object.keys(await filesIn(`${out}/checkpoints`));
      assertEquals(names.filter((name) => /state|good/.test(name)), []);
      assert((await Deno.readTextFile(`${out}/report.html`)).includes("<strong>Alarm:</strong> Teacher was down to"));
      sums[action] = weights;
    }
    const { report, stop, rollBack } = sums;
    // The best epoch is the fifth, so that what is rolled back to are its very weights.
    assertEquals(rollBack!.teacher, rollBack!["teacher.best"]);
    assertEquals(stop!.teacher, report!.teacher, "the alarm was at the last epoch");
    assert(stop!.teacher !== rollBack!.teacher);
    assertEquals([report!["teacher.best"], stop!["teacher.best"]], [rollBack!.teacher, rollBack!.teacher]);
  });
});

Deno.test("checkExperiment() refuses a watch that could not be kept", () => {
  const refuses = (experiment: unknown, message: string) =>
    assertEquals(assertThrows(() => checkExperiment(experiment), UsageError).message, message);
  const { validation: _, ...data } = TINY.data as { validation?: number };
  const kd = { ...KD!, watch: WATCH };
  refuses(
    { ...TINY, data, students: [kd] },
    'Cannot watch "kd" as its data have no validation images: set some aside by "data.validation", or leave the watch out',
  );
  refuses(
    { ...TINY, teacher: { ...TINY.teacher, watch: { ...WATCH, theory: true } } },
    'Cannot watch "teacher" as the theory compares with a teacher and it has none: leave "watch.theory" to students of one',
  );
  const { teacher: _teacher, ...alone } = TINY;
  const natural = { ...kd, objective: { kind: "natural" }, watch: { ...WATCH, theory: true } };
  refuses(
    { ...alone, students: [natural] },
    'Cannot watch "kd" as the theory compares with a teacher and it has none: leave "watch.theory" to students of one',
  );
  refuses(
    { ...TINY, students: [{ ...kd, average: { kind: "swa", from: 0.5 } }] },
    'Cannot watch "kd" as the running statistics of its average are taken when training is over: ' +
      'keep one of kind "ema", or set "average.weights" to "last"',
  );
  checkExperiment({ ...TINY, students: [{ ...kd, average: { kind: "swa", from: 0.5, weights: "last" } }] });
  refuses(
    { ...TINY, students: [{ ...kd, epochs: 0, pretrained: { weights: "a.safetensors" } }] },
    'Cannot watch "kd" as it is not trained: leave the watch out, or train it for some epochs',
  );
  refuses(
    { ...TINY, students: [kd, { ...KDIGA!, name: "kd.best" }] },
    'Cannot watch "kd" as its best weights are named "kd.best", as another network is: rename that one',
  );
  refuses(
    override({ ...TINY, students: [kd] }, "students.kd.watch.alarm={}"),
    'Cannot use the experiment as "students.0.watch.alarm.share" is missing: it must be a number from 0 to 1',
  );
  refuses(
    { ...TINY, students: [{ ...kd, watch: { ...WATCH, select: "best" } }] },
    'Cannot use the experiment as "students.0.watch.select" is "best": it must be one of "last", "bestValidation"',
  );
});

Deno.test("the weights that a watch selects teach in another experiment", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const origin: Experiment = {
      ...TINY,
      name: "origin",
      teacher: { ...TINY.teacher, watch: { ...WATCH, select: "bestValidation" } },
      students: [],
    };
    for await (const _ of run(origin, { engine, runs: folder }));
    const { weights } = await manifestIn(`${folder}/${await runName(origin)}`);
    const teacher = { experiment: origin, network: "teacher" };
    for await (const _ of run({ ...TINY, teacher, students: [KD!] }, { engine, runs: folder, out: `${folder}/b` }));
    const { teachers } = await manifestIn(`${folder}/b`);
    assertEquals(teachers!.teacher!.sha256, weights["teacher.best"]);
  });
});

Deno.test("run() refuses a watch on more images than there are for validation, before it makes a folder", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    const experiment = override(WATCHED, "students.kd.watch.n=13");
    let message = "";
    await eventsOf(engine, `${folder}/run`, experiment).catch((error) => message = error.message);
    assertEquals(
      message,
      'Cannot evaluate on 13 images as "shapes-12 validation" (validation) has 12: ' +
        "lower n (watch.n of an experiment, --n of a command)",
    );
    assertEquals(await filesIn(folder), {});
  });
});
