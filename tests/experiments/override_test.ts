import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { checkExperiment, override } from "../../lib/experiments/mod.ts";
import { TINY } from "./_tiny.ts";

Deno.test("override() replaces one value and leaves the original alone", () => {
  const before = structuredClone(TINY);
  const changed = override(TINY, "students.kdiga.objective.weight=4");
  assertEquals(TINY, before);
  assertEquals(
    changed,
    {
      ...TINY,
      students: [TINY.students[0]!, { ...TINY.students[1]!, objective: { ...TINY.students[1]!.objective, weight: 4 } }],
    } as typeof TINY,
  );
  assertEquals(override(TINY, "students.1.objective.weight=4"), changed);
});

Deno.test("override() reads values as JSON, else as texts, and may add a key or put a list in place", () => {
  assertEquals(override(TINY, "seed=12").seed, 12);
  assertEquals(override(TINY, "name=other").name, "other");
  assertEquals(override(TINY, 'name="12"').name, "12");
  assertEquals(override(TINY, "name=a=b").name, "a=b");
  assertEquals(override(TINY, "evaluation.split=validation").evaluation.split, "validation");
  assertEquals(override(TINY, 'evaluation.eps=["1/255"]').evaluation.eps, ["1/255"]);
  assertEquals(override(TINY, "evaluation.eps.0=1/255").evaluation.eps, ["1/255", "8/255"]);
  assertEquals(override(TINY, 'teacher.model={"kind":"cnn"}').teacher.model, { kind: "cnn" });
});

Deno.test("override() says where a path leads nowhere, and what is there", () => {
  const refuses = (assignment: string, message: string) =>
    assertThrows(() => override(TINY, assignment), UsageError, message);
  for (const assignment of ["seed", "=1", ""]) {
    refuses(assignment, `Cannot use "--set ${assignment}": write a path and a value, such as "seed=2"`);
  }
  refuses(
    "students.natural.epochs=1",
    'Cannot set "students.natural" as the list has no such element: it has kd, kdiga',
  );
  refuses("students.2.epochs=1", 'Cannot set "students.2" as the list has no such element: it has kd, kdiga');
  refuses("evaluation.eps.2=1/255", 'Cannot set "evaluation.eps.2" as the list has no such element: it has 0, 1');
  refuses(
    "teacher.optimiser.momentum=0",
    'Cannot set "teacher.optimiser" as there is no such key: ' +
      "known keys are model, optimizer, schedule, epochs, batchSize, name, objective",
  );
  refuses("seed.x=1", 'Cannot set "seed.x" as "seed" is 3, which has no keys');
});

Deno.test("a last key that override() adds is checked by checkExperiment()", () => {
  assertThrows(
    () => checkExperiment(override(TINY, "students.kdiga.objective.wieght=4")),
    UsageError,
    'Cannot use the experiment as "students.1.objective.wieght" is not known: ' +
      "known keys are kind, alpha, temperature, klReduction, weight, scale, squared, randomStart, separatePasses",
  );
});
