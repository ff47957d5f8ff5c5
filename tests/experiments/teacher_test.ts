import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { ChecksumError, ExperimentError, parseAnalysis, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import {
  checkExperiment,
  type Experiment,
  networksOf,
  override,
  PRESETS,
  readManifest,
  resolveExperiment,
  run,
  type RunEvent,
  runName,
  teacherName,
} from "../../lib/experiments/mod.ts";
import { loadWeights } from "../../lib/models/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const { teacher, ...WITHOUT } = TINY;
/** The teacher of TINY alone, and its students in an experiment of their own. */
const ORIGIN: Experiment = { ...WITHOUT, name: "origin", teacher, students: [] };
const STUDENTS: Experiment = { ...WITHOUT, teacher: { experiment: ORIGIN, network: "teacher" } };

async function eventsOf(engine: Engine, experiment: Experiment, runs: string): Promise<RunEvent[]> {
  return await Array.fromAsync(run(experiment, { engine, runs }));
}

const trained = (events: readonly RunEvent[]) => events.flatMap((event) => event.kind === "trained" ? event.name : []);
const checkpoint = (folder: string, name: string) => loadWeights(`${folder}/checkpoints/${name}.safetensors`);

Deno.test("a teacher of another experiment is made first, once, and teaches as one of the same run", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (runs) => {
    const events = await eventsOf(engine, STUDENTS, runs);
    assertEquals(trained(events), ["teacher", "kd", "kdiga"]);
    const end = events.at(-1)!;
    assert(end.kind === "end");
    assertEquals([...new Set(end.rows.map(({ method }) => method))], ["kd", "kdiga"], "it is not evaluated again");
    assertEquals(events.filter(({ kind }) => kind === "end").length, 1);
    const origin = `${runs}/${await runName(ORIGIN)}`;
    const { sha256 } = (await checkpoint(origin, "teacher")).card;
    assertEquals((await readManifest(end.folder))!.teachers, {
      teacher: { run: await runName(ORIGIN), path: `${origin}/checkpoints/teacher.safetensors`, sha256 },
    });
    assertEquals(end.folder, `${runs}/${await runName(STUDENTS)}`);

    await eventsOf(engine, TINY, runs);
    for (const name of ["kd", "kdiga"]) {
      const [apart, together] = [end.folder, `${runs}/${await runName(TINY)}`].map((each) => checkpoint(each, name));
      assertEquals((await apart)!.weights, (await together)!.weights);
    }
    // Another student of the same teacher: nothing is trained but itself.
    const other = { ...override(STUDENTS, "students.kd.objective.alpha=0.25"), name: "other" };
    assertEquals(trained(await eventsOf(engine, { ...other, students: [other.students[0]!] }, runs)), ["kd"]);
    assertEquals(Object.keys(await filesIn(runs)).filter((name) => name.endsWith(".lock")), []);
  });
});

Deno.test("a teacher is taken from a file, evaluated where that is asked, and analysed against", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (runs) => {
    await eventsOf(engine, ORIGIN, runs);
    const path = `${runs}/${await runName(ORIGIN)}/checkpoints/teacher.safetensors`;
    const { sha256 } = (await loadWeights(path)).card;
    const analysis = {
      n: 4,
      batchSize: 4,
      eps: ["8/255"],
      attack: { kind: "fgsm" },
      linearity: { steps: 1, starts: 1 },
    };
    const given = { checkpoint: path, sha256 };
    const experiment = checkExperiment({ ...TINY, analysis, teacher: { ...given, name: "wrn", evaluate: true } });
    const events = await eventsOf(engine, experiment, runs);
    const end = events.at(-1)!;
    assert(end.kind === "end");
    assertEquals([...new Set(end.rows.map(({ method }) => method))], ["wrn", "kd", "kdiga"]);
    const rows = parseAnalysis(await Deno.readTextFile(`${end.folder}/analysis.csv`)).rows;
    const gaps = rows.filter(({ quantity }) => quantity === "gradient-gap").map(({ method }) => method);
    assertEquals(gaps, ["kd", "kdiga"], "the others against the teacher");
    assertEquals((await readManifest(end.folder))!.teachers!.teacher, { run: null, path, sha256 });

    const wrong = { ...experiment, teacher: { ...given, sha256: "0".repeat(64) } };
    await assertRejects(
      () => eventsOf(engine, wrong, runs),
      ChecksumError,
      `Cannot use "${path}" as its SHA-256 is ${sha256} where ${"0".repeat(64)} was expected: take that file, or write`,
    );
  });
});

Deno.test("a run refuses to go on with another teacher than it began with", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (runs) => {
    const origins: Experiment[] = [1, 2].map((seed) => ({ ...ORIGIN, seed }));
    for (const origin of origins) await eventsOf(engine, origin, runs);
    const [a, b] = await Promise.all(origins.map(async (origin) => `${runs}/${await runName(origin)}`));
    const experiment = { ...TINY, teacher: { checkpoint: `${runs}/teacher.safetensors` } };
    const copy = async (from: string) => {
      for (const end of ["safetensors", "json"]) {
        await Deno.copyFile(`${from}/checkpoints/teacher.${end}`, `${runs}/teacher.${end}`);
      }
    };
    await copy(a!);
    await eventsOf(engine, experiment, runs);
    await copy(b!);
    const folder = `${runs}/${await runName(experiment)}`;
    await assertRejects(
      () => eventsOf(engine, experiment, runs),
      ExperimentError,
      `Cannot go on in "${folder}" as its teacher "${runs}/teacher.safetensors" has SHA-256 `,
    );
  });
});

Deno.test("an experiment may have no teacher, or two", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (runs) => {
    const students = [{ ...teacher, name: "a" }, { ...teacher, name: "b", epochs: 1 }];
    assertEquals(trained(await eventsOf(engine, { ...WITHOUT, students }, runs)), ["a", "b"]);
    const two = { ...TINY, naturalTeacher: { ...teacher, name: "clean", epochs: 1 } };
    assertEquals(trained(await eventsOf(engine, two, runs)), ["teacher", "clean", "kd", "kdiga"]);
    const [one, with2] = await Promise.all([TINY, two].map(async (it) => `${runs}/${await runName(it)}`));
    await eventsOf(engine, TINY, runs);
    assertEquals((await checkpoint(with2!, "kd")).weights, (await checkpoint(one!, "kd")).weights);
    assertNotEquals((await checkpoint(with2!, "clean")).weights, (await checkpoint(with2!, "teacher")).weights);
  });
});

Deno.test("two runs of one folder at once: one waits for the other, and does nothing again", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (runs) => {
    const both = await Promise.all([1, 2].map(() => eventsOf(engine, ORIGIN, runs)));
    const waited = both.map((events) =>
      events.some((event) => event.kind === "progress" && event.label.startsWith("wait for another process in "))
    );
    assertEquals(waited.toSorted(), [false, true]);
    assertEquals(both.map((events) => events.filter(({ kind }) => kind === "end").length), [1, 1]);
    const steps = both.map((events) =>
      events.filter((event) => event.kind === "progress" && event.label === "train teacher").length
    );
    assertEquals(steps.toSorted(), [0, 6]);
  });
});

Deno.test("checkExperiment() refuses teachers that are missing, unknown or do not fit, with the full path", () => {
  const refuses = (experiment: unknown, message: string) =>
    assertThrows(() => checkExperiment(experiment), UsageError, `Cannot use the experiment as ${message}`);
  refuses(WITHOUT, '"students.0.objective.kind" is "kd", which needs a teacher: write "teacher"');
  refuses(
    { ...WITHOUT, teacher: { experiment: { ...WITHOUT, name: "inner" }, network: "kd" } },
    '"teacher.experiment.students.0.objective.kind" is "kd", which needs a teacher: write "teacher.experiment.teacher"',
  );
  refuses(
    { ...TINY, teacher: { experiment: ORIGIN, network: "techer" } },
    '"teacher.network" is "techer": it must be one that "origin" trains, teacher',
  );
  refuses(
    { ...TINY, teacher: { experiment: "quickstrat", network: "teacher" } },
    '"teacher.experiment" is "quickstrat": it must be an experiment or the name of a preset, one of quickstart, ',
  );
  refuses(
    { ...TINY, teacher: { experiment: { ...ORIGIN, data: { ...TINY.data, size: 16 } }, network: "teacher" } },
    '"teacher.experiment.data" has images [16, 16, 3] of 10 classes where "data" has images [12, 12, 3] of 10 classes',
  );
  refuses(
    { ...TINY, teacher: { experiment: { ...ORIGIN, sead: 1 }, network: "teacher" } },
    '"teacher.experiment.sead" is not known: known keys are ',
  );
  refuses(
    { ...TINY, teacher: { checkpoint: "" } },
    '"teacher.checkpoint" is "": it must be the path of a weights file',
  );
  refuses({ ...TINY, naturalTeacher: { checkpoint: "a", name: "kd" } }, 'two networks are named "kd": rename one');
});

Deno.test("resolveExperiment() writes presets out, so that a run's hash is of all that it says", async () => {
  const named: Experiment = { ...TINY, teacher: { experiment: "quickstart", network: "teacher" } };
  const resolved = resolveExperiment(named);
  assertEquals(resolved.teacher, { experiment: PRESETS.quickstart!, network: "teacher" });
  assertEquals(resolveExperiment(resolved), resolved);
  assertEquals(resolveExperiment(TINY), TINY);
  assertNotEquals(await runName(named), await runName(resolved));
  assertEquals(networksOf(resolved).map(({ name }) => name), ["kd", "kdiga"]);
  assertEquals(teacherName("naturalTeacher", { checkpoint: "a" }), "natural-teacher");
});
