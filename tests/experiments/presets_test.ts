/**
 * Every preset runs, from its teachers to its figures, at smoke size and on a few made images.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createEngine } from "../../lib/engine/mod.ts";
import {
  checkExperiment,
  expandSweep,
  type Experiment,
  isTrained,
  networksOf,
  PRESETS,
  resolveExperiment,
  run,
  small,
  SWEEPS,
  TEACHER_ROLES,
  type TeacherSpec,
} from "../../lib/experiments/mod.ts";
import { cifarFiles } from "../data/_tiny_cifar10.ts";
import { writeTinyFolder } from "../data/_tiny_folder.ts";
import { inTempFolder } from "./_tiny.ts";

/** Few images in place of those of the preset, also where its teachers come from; and for speed one attack. */
function tiny(experiment: Experiment): Experiment {
  const { evaluation, analysis, data, students } = experiment;
  const isImagenet = data.kind === "imagenet";
  const batchSize = isImagenet ? 2 : 32;
  const n = isImagenet ? 2 : 4;
  const teacherOf = (spec: TeacherSpec): TeacherSpec => {
    if ("experiment" in spec) return { ...spec, experiment: tiny(spec.experiment as Experiment) };
    return isTrained(spec) ? { ...spec, batchSize } : spec;
  };
  return {
    ...experiment,
    data: isImagenet
      ? { kind: "imagenet", seed: 1, classes: 2, size: 32, trainCount: 4, testCount: 4 }
      : { kind: "cifar10", seed: 1, trainCount: 40, testCount: n, ...("validation" in data ? { validation: 4 } : {}) },
    ...Object.fromEntries(TEACHER_ROLES.flatMap((role) => {
      const spec = experiment[role];
      return spec === undefined ? [] : [[role, teacherOf(spec)]];
    })),
    students: students.map((student) => ({ ...student, batchSize })),
    evaluation: {
      ...evaluation,
      n,
      batchSize: n,
      attacks: evaluation.attacks.slice(0, 1),
      eps: evaluation.eps.slice(-1),
    },
    ...(analysis === undefined ? {} : { analysis: { ...analysis, n, batchSize: n, eps: analysis.eps.slice(-1) } }),
  };
}

/** A sweep as one run: its base with every network that some run has. */
function whole(name: string): Experiment {
  const { origins, runs } = expandSweep(SWEEPS[name]!, small);
  const students = new Map(runs.flatMap(({ experiment }) => experiment.students.map((it) => [it.name, it])));
  const teacher = origins[0];
  return {
    ...runs[0]!.experiment,
    ...(teacher === undefined ? {} : { teacher: { experiment: teacher.experiment, network: teacher.methods[0]! } }),
    students: [...students.values()],
  };
}

const ALL: readonly [name: string, experiment: Experiment][] = [
  ...Object.keys(PRESETS).map((name): [string, Experiment] => [name, small(resolveExperiment(PRESETS[name]!))]),
  ...Object.keys(SWEEPS).map((name): [string, Experiment] => [name, whole(name)]),
];

for (const [name, experiment] of ALL.filter(([, { data }]) => data.kind !== "shapes")) {
  Deno.test({
    name: `the preset ${name} runs`,
    fn: () =>
      inTempFolder(async (runs) => {
        await using engine = await createEngine("onnxruntime");
        const data = `${runs}/data`;
        await Deno.mkdir(data);
        if (experiment.data.kind === "imagenet") {
          for (const part of ["train", "val"]) await writeTinyFolder(`${data}/${part}`);
        } else {
          for (const [name, bytes] of cifarFiles(100)) {
            await Deno.writeFile(`${data}/${name}`, bytes);
            // The other images are black, and take no room on the disk.
            await Deno.truncate(`${data}/${name}`, 10_000 * 3073);
          }
        }
        const made = checkExperiment(tiny(experiment));
        const events = await Array.fromAsync(run(made, { engine, data, runs }));
        const end = events.at(-1)!;
        assert(end.kind === "end");
        const evaluated = new Set(end.rows.map(({ method }) => method));
        for (const { name } of networksOf(made)) assert(evaluated.has(name), name);
        const trained = events.flatMap((event) => event.kind === "trained" ? [event.name] : []);
        assertEquals(trained.slice(-made.students.length), made.students.map(({ name }) => name));
      }),
  });
}
