/**
 * Sweeps as real processes: one per run, killed, stopped, resumed, in parts, with runs that fail.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Sweep } from "../../mod.ts";
import { filesIn, inTempFolder, resultOf, runTask, startTask } from "./_task.ts";
import { TINY } from "./_tiny_experiment.ts";

const model = { kind: "mlp", hidden: [8] } as const;
const SWEEP: Sweep = {
  name: "s",
  base: {
    ...TINY,
    teacher: { ...TINY.teacher, model, epochs: 1 },
    students: TINY.students.map((student) => ({ ...student, model, epochs: 1 })),
    evaluation: { ...TINY.evaluation, attacks: [], n: 32 },
  },
  grids: [{ methods: ["natural", "kdiga"], seeds: [1, 2] }],
};
const ENGINE = ["--engine", "reference"];
const NAMES = ["s-teacher", "s-natural-s1", "s-natural-s2", "s-kdiga-s1", "s-kdiga-s2"];

async function withSweep(body: (folder: string) => Promise<void>, sweep: unknown = SWEEP): Promise<void> {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/s.json`, JSON.stringify(sweep));
    await body(folder);
  });
}

/** Results of a sweep and of its runs, but for what has times. */
async function resultsIn(runs: string): Promise<Record<string, string>> {
  const files = Object.entries(await filesIn(runs));
  return Object.fromEntries(files.filter(([name]) => !/(manifest\.json|costs\.csv)$/.test(name)));
}

const withoutHash = (name: string) => name.replace(/-[0-9a-f]{8}$/, "");

Deno.test("a sweep stopped and killed at any point, and in parts, ends with the same bytes, and does nothing twice", async () => {
  await withSweep(async (folder) => {
    const whole = await runTask(folder, "sweep", "s.json", "--runs", "whole", ...ENGINE, "--workers", "2", "--json");
    assertEquals(whole.code, 0, whole.err);
    const { missing, failures, rows } = JSON.parse(whole.out);
    assertEquals([missing, failures, rows.length], [[], {}, 5]);
    const expected = await resultsIn(`${folder}/whole`);

    const args = ["s.json", "--runs", "parts", ...ENGINE];
    const stop = async (signal: Deno.Signal, file: RegExp) => {
      const child = startTask(folder, "sweep", ...args);
      const result = resultOf(child);
      const seen = async () => {
        const files = await filesIn(`${folder}/parts`).catch(() => ({}));
        return Object.keys(files).some((name) => file.test(name));
      };
      let ended = false;
      result.then(() => ended = true);
      while (!ended && !await seen()) await new Promise((resolve) => setTimeout(resolve, 5));
      assert(!ended, "it ended before it could be interrupted");
      child.kill(signal);
      return await result;
    };
    const stopped = await stop("SIGTERM", /s-teacher-.*steps\.csv$/);
    assertEquals([stopped.code, stopped.err.trimEnd().split("\n").at(-1)], [
      130,
      "stopped: run the same command again to go on",
    ]);
    // The process of a run that is left behind holds its folder; the next sweep waits for it.
    assertEquals((await stop("SIGKILL", /s-natural-s1-.*experiment\.json$/)).code, 137);
    const first = await runTask(folder, "sweep", ...args, "--shard", "1/2");
    assertEquals(first.code, 0, first.err);
    assertMatch(first.err, /^3 of 5 runs are finished$/m);
    assert(!first.err.includes("s-kdiga-s2"), "a part leaves the other's runs alone");
    const second = await runTask(folder, "sweep", ...args, "--shard", "2/2");
    assertEquals(second.code, 0, second.err);
    assertMatch(second.err, /^s-teacher-[0-9a-f]{8}: finished before$/m);
    assertEquals(await resultsIn(`${folder}/parts`), expected);

    const again = await runTask(folder, "sweep", ...args);
    assertEquals(again.err.match(/: finished before$/gm)?.length, 5);
    const listed = await runTask(folder, "sweep", ...args, "--list", "--json");
    const { runs } = JSON.parse(listed.out) as { runs: { name: string; finished: boolean }[] };
    assertEquals(runs.map(({ name, finished }) => [withoutHash(name), finished]), NAMES.map((name) => [name, true]));
  });
});

Deno.test("a run that fails does not stop the others, is told at the end, and is tried again", async () => {
  const [natural, kdiga] = (SWEEP.base as typeof TINY).students;
  const wild = { ...natural!, name: "wild", schedule: { kind: "constant", peak: 1e30 } };
  const base = { ...SWEEP.base as typeof TINY, students: [wild, kdiga] };
  await withSweep(async (folder) => {
    for (const _ of [1, 2]) {
      const { code, out, err } = await runTask(folder, "sweep", "s.json", ...ENGINE, "--json");
      assertEquals(code, 1, err);
      const { failures, missing, rows } = JSON.parse(out);
      assertEquals([...new Set(rows.map(({ method }: { method: string }) => method))], ["teacher", "kdiga"]);
      assertEquals(Object.keys(failures), missing);
      assertEquals(missing.map(withoutHash), ["s-wild-s1"]);
      assertMatch(err, /^failed: s-wild-s1-[0-9a-f]{8}: DivergedError: Cannot go on training as /m);
      const log = await filesIn(`${folder}/runs`);
      assert(Object.keys(log).some((name) => /\/logs\/s-wild-s1-[0-9a-f]{8}\.txt$/.test(name)));
    }
  }, { ...SWEEP, base, grids: [{ methods: ["wild", "kdiga"] }] });
});

Deno.test("runs are not begun where their teacher failed, and mistakes are told in one line", async () => {
  const base = SWEEP.base as typeof TINY;
  const teacher = { ...base.teacher, schedule: { kind: "constant", peak: 1e30 } };
  await withSweep(async (folder) => {
    const { code, err } = await runTask(folder, "sweep", "s.json", ...ENGINE);
    assertEquals(code, 1, err);
    assertMatch(err, /^failed: s-kdiga-s1-[0-9a-f]{8}: s-teacher-[0-9a-f]{8} failed$/m);
    assertMatch(err, /^0 of 2 runs are finished$/m);
    const wrong = await runTask(folder, "sweep", "s.json", "--shard", "3/2");
    assertEquals([wrong.code, wrong.err.trimEnd().split("\n").at(-1)], [
      2,
      "UsageError: Cannot use --shard 3/2: write a part and the number of parts, such as 1/3",
    ]);
    const unknown = await runTask(folder, "sweep", "nowhere");
    assertEquals(unknown.code, 2);
    assertMatch(unknown.err, /^UsageError: Cannot sweep "nowhere" as it is neither a preset nor a file/m);
  }, { ...SWEEP, base: { ...base, teacher }, grids: [{ methods: ["kdiga"] }] });
});
