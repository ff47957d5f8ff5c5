/**
 * A run that is killed ends as one that is not: real processes, ended by SIGKILL while they train, evaluate and write.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { filesIn, inTempFolder, resultOf, startTask } from "./_task.ts";
import { TINY } from "./_tiny_experiment.ts";

/** Windows ends processes in another way and has other exit codes. */
const test = Deno.build.os === "windows" ? Deno.test.ignore : Deno.test;
const ARGS = ["tiny.json", "--out", "run", "--checkpoint-every", "3"];

const start = (folder: string): Deno.ChildProcess => startTask(folder, "run", ...ARGS);

/** Files of a finished run, but for the manifest: that has times. */
async function resultsIn(folder: string): Promise<Record<string, string>> {
  const { "manifest.json": _, ...files } = await filesIn(`${folder}/run`);
  return files;
}

async function withExperiment(body: (folder: string) => Promise<void>): Promise<void> {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/tiny.json`, JSON.stringify(TINY));
    await body(folder);
  });
}

let uninterrupted: Promise<Record<string, string>> | undefined;

/** Files of a run that nobody disturbs; it is run once. */
function expected(): Promise<Record<string, string>> {
  uninterrupted ??= (async () => {
    let files = {};
    await withExperiment(async (folder) => {
      assertEquals((await resultOf(start(folder))).code, 0);
      files = await resultsIn(folder);
    });
    return files;
  })();
  return uninterrupted;
}

const sizeOf = (path: string): Promise<number> => Deno.stat(path).then(({ size }) => size, () => 0);

/** Starts a run and sends it a signal as soon as something holds of its folder. */
async function interrupt(
  folder: string,
  signal: Deno.Signal,
  when: (run: string) => Promise<boolean>,
): Promise<{ code: number; err: string }> {
  const child = start(folder);
  const result = resultOf(child);
  let ended = false;
  result.then(() => ended = true);
  while (!ended && !await when(`${folder}/run`)) await new Promise((resolve) => setTimeout(resolve, 2));
  assert(!ended, `the run ended before it could be interrupted: ${(await Promise.race([result, { err: "" }])).err}`);
  child.kill(signal);
  return await result;
}

/** Moments of a run. */
const MOMENTS = {
  "the teacher's training": async (run: string) => await sizeOf(`${run}/checkpoints/teacher.state.safetensors`) > 0,
  "a student's training": async (run: string) => await sizeOf(`${run}/checkpoints/kdiga.state.safetensors`) > 0,
  "the evaluation": async (run: string) => await sizeOf(`${run}/evidence.csv`) > 30_000,
} as const;

test("a run killed in each of its parts goes on and ends with the same bytes", async () => {
  await withExperiment(async (folder) => {
    for (const [moment, when] of Object.entries(MOMENTS)) {
      const { code } = await interrupt(folder, "SIGKILL", when);
      assertEquals(code, 137, moment);
      assertNotEquals(await resultsIn(folder), await expected(), `${moment}: the run was not finished`);
    }
    const { code, err } = await resultOf(start(folder));
    assertEquals(code, 0, err);
    assert(err.includes("going on in run\n") && !err.includes("train natural"), "nothing is done twice");
    assertEquals(await resultsIn(folder), await expected());
  });
});

test("a run killed again and again while it writes files ends with the same bytes", async () => {
  await withExperiment(async (folder) => {
    await Deno.mkdir(`${folder}/run`);
    let kills = 0;
    // Later each time, so that it comes to its end: each event is a step of writing some file.
    for (let events = 5;; events += 17) {
      const watcher = Deno.watchFs(`${folder}/run`);
      const child = start(folder);
      const result = resultOf(child);
      result.then(() => watcher.close());
      let seen = 0;
      for await (const { kind } of watcher) {
        if (kind !== "access" && ++seen === events) child.kill("SIGKILL");
      }
      const { code, err } = await result;
      if (code === 0) break;
      assertEquals([code, err.includes("Error")], [137, false], err);
      kills++;
      assert(kills < 40, "the run does not come forward");
    }
    assert(kills >= 5, `it was killed ${kills} times`);
    assertEquals(await resultsIn(folder), await expected());
  });
});

test("a run stopped by Ctrl-C says so and goes on when it is run again", async () => {
  await withExperiment(async (folder) => {
    const { code, err } = await interrupt(folder, "SIGINT", MOMENTS["a student's training"]);
    assertEquals([code, err.trimEnd().split("\n").at(-1)], [130, "stopped: run the same command again to go on"]);
    assertEquals((await resultOf(start(folder))).code, 0);
    assertEquals(await resultsIn(folder), await expected());
  });
});

test("what a killed process left unfinished is mended: torn lines, weights without a card, temporary files", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await resultOf(start(folder))).code, 0);
    const run = `${folder}/run`;
    const evidence = await Deno.readTextFile(`${run}/evidence.csv`);
    await Deno.writeTextFile(`${run}/evidence.csv`, evidence.slice(0, Math.floor(0.7 * evidence.length)));
    await Deno.remove(`${run}/checkpoints/kdiga.json`);
    await Deno.writeTextFile(`${run}/checkpoints/kdiga.json.0123abcd.tmp`, "{");
    await Deno.writeTextFile(`${run}/steps.csv.0123abcd.tmp`, "");
    await Deno.remove(`${run}/evaluation.csv`);
    const { code, err } = await resultOf(start(folder));
    assertEquals(code, 0, err);
    assertEquals(await resultsIn(folder), await expected());
  });
});

test("an analysis killed and stopped in its midst goes on and ends with the same bytes", async () => {
  await withExperiment(async (folder) => {
    const { teacher, students, evaluation } = TINY;
    const quick = { ...TINY, teacher: { ...teacher, epochs: 1 }, students: [students[1]!] };
    await Deno.writeTextFile(
      `${folder}/quick.json`,
      JSON.stringify({ ...quick, evaluation: { ...evaluation, n: 8, attacks: [] } }),
    );
    assertEquals((await resultOf(startTask(folder, "run", "quick.json", "--out", "trained"))).code, 0);
    const files = ["teacher", "kdiga"].map((name) => `trained/checkpoints/${name}.safetensors`);
    const args = ["--model", files[1]!, "--teacher", files[0]!, "--eps", "0..8/255", "--batch", "8"]
      .concat("--steps", "2", "--starts", "1", "--attack", "fgsm", "--out");
    const analysis = (out: string) => startTask(folder, "analyze", ...args, out);
    const results = async (out: string) => ({ ...await filesIn(`${folder}/${out}`), "manifest.json": "" });
    assertEquals((await resultOf(analysis("whole"))).code, 0);
    const wanted = await results("whole");
    for (const [signal, size, status] of [["SIGKILL", 6_000, 137], ["SIGINT", 40_000, 130]] as const) {
      const child = analysis("run");
      const result = resultOf(child);
      let ended = false;
      result.then(() => ended = true);
      while (!ended && await sizeOf(`${folder}/run/measurements.csv`) < size) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      assert(!ended, "the analysis ended before it could be interrupted");
      child.kill(signal);
      const { code, err } = await result;
      assertEquals(code, status, err);
      assert(!("analysis.csv" in await results("run")), "it was not finished");
    }
    const { code, err } = await resultOf(analysis("run"));
    assertEquals(code, 0, err);
    assert(err.includes("going on in run\n"), err);
    assertEquals(await results("run"), wanted);
  });
});
