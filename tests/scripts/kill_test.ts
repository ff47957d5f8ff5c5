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

test("an evaluation that saves images is killed, goes on, and ends with the same rows and images, which verify holds true", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await resultOf(start(folder))).code, 0);
    const args = ["--model", "run/checkpoints/kdiga.safetensors", "--attack", "pgd-20,apgd-ce-steps-20", "--n", "64"]
      .concat(["--eps", "1/255..8/255", "--batch", "16", "--skip-masking"]);
    const evaluation = (to: string) =>
      startTask(folder, "evaluate", ...args, "--out", to, "--save-images", `${to}-images`);
    const results = async (to: string) => {
      const { "manifest.json": _, ...files } = await filesIn(`${folder}/${to}`);
      return { files, images: await filesIn(`${folder}/${to}-images`) };
    };
    assertEquals((await resultOf(evaluation("a"))).code, 0);
    const expected = await results("a");
    assertEquals(Object.keys(expected.images).length, 16);
    const whole = await sizeOf(`${folder}/a/evidence.csv`);
    for (const share of [0.2, 0.5, 0.8]) {
      const child = evaluation("b");
      const result = resultOf(child);
      let ended = false;
      result.then(() => ended = true);
      while (!ended && await sizeOf(`${folder}/b/evidence.csv`) < share * whole) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      assert(!ended, `it ended before ${share} of its rows were written`);
      child.kill("SIGKILL");
      assertEquals((await result).code, 137);
    }
    const { code, err } = await resultOf(evaluation("b"));
    assertEquals(code, 0, err);
    assertEquals(await results("b"), expected);
    const verified = await resultOf(
      startTask(folder, "verify", "b-images", "--model", "run/checkpoints/kdiga.safetensors", "--json"),
    );
    assertEquals(verified.code, 0, verified.err);
    for (const { n, originals, claims } of JSON.parse(verified.out).rows) {
      assertEquals([n, originals, claims], [64, 64, []]);
    }
  });
});

test("an evaluation within a budget is killed, goes on, and ends as one that had no budget", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await resultOf(start(folder))).code, 0);
    const args = [
      "--model",
      "run/checkpoints/kdiga.safetensors",
      "--attack",
      "fgsm,pgd-20,apgd-ce,apgd-t-steps-50",
      "--n",
      "64",
    ]
      .concat(["--eps", "2/255,8/255", "--batch", "16", "--skip-masking"]);
    const evaluation = (to: string, ...more: string[]) => startTask(folder, "evaluate", ...args, "--out", to, ...more);
    for (const rows of [20, 67, 74]) {
      const child = evaluation("b", "--budget", "1h");
      const result = resultOf(child);
      let ended = false;
      result.then(() => ended = true);
      const linesIn = () =>
        Deno.readTextFile(`${folder}/b/budget.csv`).then((text) => text.split("\n").length, () => 0);
      while (!ended && await linesIn() < rows) await new Promise((resolve) => setTimeout(resolve, 2));
      assert(!ended, `it ended before there were ${rows} rows`);
      child.kill("SIGKILL");
      assertEquals((await result).code, 137);
    }
    const over = await resultOf(evaluation("b", "--budget", "1s", "--json"));
    assertEquals(over.code, 0, over.err);
    const { bracket, isFinished } = JSON.parse(over.out);
    assertEquals(bracket.map(({ eps }: { eps: string }) => eps), ["0", "2/255", "8/255"]);
    assert(isFinished || over.err.includes("\nthe time is over: run again with a further --budget to go on"));
    for (const to of ["b", "a"]) assertEquals((await resultOf(evaluation(to))).code, 0);
    const [{ "manifest.json": _, ...a }, { "manifest.json": __, ...b }] = [
      await filesIn(`${folder}/a`),
      await filesIn(`${folder}/b`),
    ];
    assertEquals(b, a);
  });
});
