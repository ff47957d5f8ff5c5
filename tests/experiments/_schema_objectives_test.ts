import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { OBJECTIVE_CHECKS } from "../../lib/experiments/_schema_objectives.ts";
import { checkExperiment, small } from "../../lib/experiments/mod.ts";
import * as objectives from "../../lib/objectives/mod.ts";
import { objectiveOf, type ObjectiveSpec } from "../../lib/objectives/mod.ts";
import { TINY } from "./_tiny.ts";

/** The exported presets by name. */
const PRESETS = Object.entries(objectives).filter(([name, value]) =>
  /^[A-Z]/.test(name) && typeof value === "object" && "kind" in value
) as unknown as [string, ObjectiveSpec][];

Deno.test("every preset of an objective is in range, and known to the schema as JSON", () => {
  assertEquals(PRESETS.length > 15, true);
  for (const [, spec] of PRESETS) {
    objectiveOf(spec);
    OBJECTIVE_CHECKS[spec.kind](JSON.parse(JSON.stringify(spec)), "objective");
  }
});

Deno.test("small() leaves an objective two steps of its inner attack, and the rest of it as it is", () => {
  for (const [name, spec] of PRESETS) {
    const student = { ...TINY.students[0]!, objective: spec };
    const naturalTeacher = { ...TINY.students[0]!, name: "natural", objective: { kind: "natural" } } as const;
    const made = checkExperiment(small({ ...TINY, naturalTeacher, students: [student] })).students[0]!.objective;
    const shortened = JSON.stringify(spec).replace(
      /"steps":\d+/,
      (field) => field.endsWith(":1") ? field : '"steps":2',
    );
    assertEquals(made, JSON.parse(shortened), name);
  }
});

Deno.test("the schema names the keys that an inner attack has", () => {
  assertThrows(
    () => OBJECTIVE_CHECKS.trades({ kind: "trades", beta: 6, eps: "8/255", steps: 10, randomStart: true }, "objective"),
    UsageError,
    'Cannot use the experiment as "objective.randomStart" is not known: known keys are kind, beta, eps, steps, ' +
      "stepSize, relativeStepSize, norm, start, studentMode",
  );
  assertThrows(
    () => OBJECTIVE_CHECKS.rslad({ kind: "rslad", alpha: 0.8, eps: "8/255", steps: 2, start: "normal" }, "objective"),
    UsageError,
    'Cannot use the experiment as "objective.start" is "normal": it must be one of "uniform", "gaussian", "none"',
  );
});
