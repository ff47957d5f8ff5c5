import { assertAlmostEquals, assertEquals } from "@std/assert";
import { rng, scalar } from "../../lib/core/mod.ts";
import { constant, createEngine, readTree, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import { objectiveOf, type ObjectiveSpec } from "../../lib/objectives/mod.ts";
import { BATCH, INPUTS, type Tiny, tinyLogits } from "./_tiny.ts";
import { termsOfLogits } from "./_logits.ts";

/** Asserts the terms of an objective for the logits of `_logits.ts`, and their names. */
export async function assertTerms(
  spec: ObjectiveSpec,
  expected: Readonly<Record<string, number>>,
  tolerance = 2e-6,
): Promise<void> {
  const terms = await termsOfLogits(spec);
  assertEquals(Object.keys(terms), Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) assertAlmostEquals(terms[name]!, value, tolerance, name);
}

/** Asserts that the forward passes an objective says it makes are those it makes, inner attack included. */
export async function assertPassesCounted(spec: ObjectiveSpec): Promise<void> {
  const asked = { student: 0, teacher: 0 };
  // On the reference engine a program runs its function at every call.
  await using engine = await createEngine("reference");
  const objective = objectiveOf(spec);
  const classifier = (who: keyof typeof asked): Classifier => ({
    classes: 3,
    inputShape: [2, 2, 3],
    logits: (weights: Weights<Tensor>, x: Tensor) => {
      asked[who]++;
      return tinyLogits(weights.parameters as unknown as Tiny<Tensor>, x);
    },
    weights: { parameters: INPUTS[who], buffers: {} },
  });
  const [student, teacher, naturalTeacher] = [classifier("student"), classifier("teacher"), classifier("teacher")];
  const xAdv = await objective.perturb?.({
    engine,
    student: () => student,
    teacher,
    naturalTeacher,
    x: BATCH.x,
    y: BATCH.y,
    ids: Int32Array.of(3, 1, 4, 2),
    progress: 0.5,
    rng: rng(1, "perturb", 0),
  }, spec);
  const needs = objective.needs(spec);
  const program = engine.compile(
    ({ weights, taught, batch }: {
      readonly weights: Weights<Tensor>;
      readonly taught: Weights<Tensor>;
      readonly batch: { readonly x: Tensor; readonly y: Tensor; readonly xAdv: Tensor | undefined };
    }) => {
      const pair = {
        student: (x: Tensor) => student.logits(weights, x),
        teacher: needs.includes("teacher") ? (x: Tensor) => teacher.logits(taught, x) : undefined,
        naturalTeacher: needs.includes("naturalTeacher") ? (x: Tensor) => naturalTeacher.logits(taught, x) : undefined,
      };
      const context = { progress: constant(scalar(0.5)), state: {} };
      return objective.losses(pair, batch, spec, context).terms;
    },
  );
  const batch = { x: BATCH.x, y: BATCH.y, xAdv };
  await readTree(engine, await program({ weights: student.weights, taught: teacher.weights, batch }));
  const { studentForward, teacherForward } = objective.passes(spec);
  assertEquals(asked, { student: studentForward, teacher: teacherForward }, JSON.stringify(spec));
}
