import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import {
  checkExperiment,
  checkSweep,
  expandSweep,
  type Experiment,
  small,
  type Sweep,
  SWEEPS,
} from "../../lib/experiments/mod.ts";
import { TINY } from "./_tiny.ts";

const SWEEP: Sweep = {
  name: "s",
  base: TINY,
  grids: [
    { methods: ["kd", "kdiga"], seeds: [3, 4] },
    { methods: ["kdiga"], values: { "students.kdiga.objective.weight": [1, 0.5] } },
  ],
};

const namesOf = (sweep: Sweep) => expandSweep(sweep).runs.map(({ experiment }) => experiment.name);
const origin = (experiment: Experiment) => {
  const { teacher } = experiment;
  assert(teacher !== undefined && "experiment" in teacher && typeof teacher.experiment === "object");
  return teacher.experiment;
};

for (const [name, sweep] of Object.entries(SWEEPS)) {
  Deno.test(`the sweep ${name} is one of that name, plain JSON, and so is its smoke size`, () => {
    assertEquals(sweep.name, name);
    assertEquals(checkSweep(sweep), sweep);
    assertEquals(JSON.parse(JSON.stringify(sweep)), sweep);
    for (const { experiment } of expandSweep(sweep, small).runs) checkExperiment(experiment);
  });
}

Deno.test("expandSweep() names runs after method, values and seed, and networks after values", () => {
  const { origins, runs } = expandSweep(SWEEP);
  assertEquals(runs.map(({ experiment, methods }) => [experiment.name, experiment.seed, ...methods]), [
    ["s-kd-s3", 3, "kd"],
    ["s-kd-s4", 4, "kd"],
    ["s-kdiga-s3", 3, "kdiga"],
    ["s-kdiga-s4", 4, "kdiga"],
    ["s-kdiga-weight-1-s3", 3, "kdiga-weight-1"],
    ["s-kdiga-weight-0.5-s3", 3, "kdiga-weight-0.5"],
  ]);
  assertEquals(runs.map(({ experiment }) => experiment.students.length), [1, 1, 1, 1, 1, 1]);
  const [, weighted] = runs.slice(-2).map(({ experiment }) => experiment.students[0]!.objective);
  assertEquals(weighted, { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 0.5 });
  // One teacher, with the seed of the base.
  assertEquals(origins.map(({ experiment, methods }) => [experiment.name, experiment.seed, ...methods]), [
    ["s-teacher", 3, "teacher"],
  ]);
  for (const { experiment } of runs) assertEquals(origin(experiment), origins[0]!.experiment);
  assertEquals(expandSweep(SWEEP), { origins, runs }, "a pure function");
});

Deno.test("expandSweep() keeps apart what differs in all networks, and gives each teacher its run", () => {
  const { origins, runs } = expandSweep({ name: "s", base: TINY, grids: [{ values: { "teacher.epochs": [1, 2] } }] });
  assertEquals(runs.map(({ experiment, methods }) => [experiment.name, ...methods]), [
    ["s-epochs-1-s3", "kd-epochs-1", "kdiga-epochs-1"],
    ["s-epochs-2-s3", "kd-epochs-2", "kdiga-epochs-2"],
  ]);
  assertEquals(origins.map(({ methods }) => methods), [["teacher-epochs-1"], ["teacher-epochs-2"]]);
});

Deno.test("expandSweep() takes runs one by one, and teachers that lie elsewhere as they are", () => {
  const runs = [["seed=7"], ["students.kd.epochs=1", "seed=8"], ["evaluation.n=4"]];
  assertEquals(namesOf({ name: "s", base: TINY, runs }), ["s-s7", "s-epochs-1-s8", "s-n-4-s3"]);
  const saved = { ...TINY, teacher: { checkpoint: "a.safetensors" } };
  const plan = expandSweep({ name: "s", base: saved, runs: [["seed=7"]] });
  assertEquals([plan.origins, plan.runs[0]!.experiment.teacher], [[], saved.teacher]);
  const natural = { ...TINY, students: [{ ...TINY.teacher, name: "natural" }] };
  assertEquals(expandSweep({ name: "s", base: natural, runs: [["seed=7"]] }).origins, [], "nobody needs the teacher");
});

Deno.test("checkSweep() refuses what cannot be used", () => {
  const refuses = (sweep: unknown, message: string) => assertThrows(() => checkSweep(sweep), UsageError, message);
  refuses(
    { ...SWEEP, gird: [] },
    'Cannot use the experiment as "gird" is not known: known keys are name, base, runs, grids',
  );
  refuses({ ...SWEEP, base: "quickstrat" }, 'Cannot use the experiment as "base" is "quickstrat": it must be');
  refuses(
    { ...SWEEP, grids: [{ methods: ["kdigga"] }] },
    'Cannot use the method "kdigga" as the base has no such student: it has kd, kdiga',
  );
  refuses(
    { ...SWEEP, runs: [["seed=3"], ["seed=3"]] },
    'Cannot use the sweep as two of its runs are "s-s3": leave one of them out',
  );
  refuses(
    { ...SWEEP, grids: [{ values: { "students.kdiga.objective.wieght": [1] } }] },
    'Cannot use the experiment as "students.1.objective.wieght" is not known',
  );
  refuses({ name: "s", base: TINY }, 'Cannot use the sweep as it has no runs: write "runs" or "grids"');
});
