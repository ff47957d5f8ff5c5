import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "@std/assert";
import { float32, int32, type NdArray, parseEps, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Engine, type Tensor } from "../../lib/engine/mod.ts";
import { perturb } from "../../lib/attacks/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";
import {
  checkInnerAttack,
  innerAttack,
  type InnerAttackFields,
  innerAttackPasses,
  type InnerLoss,
  type PerturbContext,
} from "../../lib/objectives/mod.ts";
import { klDivergence } from "../../lib/losses/mod.ts";
import { counting, distances, linear, mlp, randomBatch, rowsOf } from "../attacks/_classifiers.ts";
import { testOnEngines } from "../testing/engines.ts";

const engine = await createEngine("reference");
const LOSSES: readonly InnerLoss[] = ["crossEntropy", "klToClean", "klToCleanTeacher", "klToTeacher"];

type Batch = Pick<PerturbContext, "x" | "y" | "ids">;

function contextOf(student: Classifier, teacher: Classifier | undefined, batch: Batch, on: Engine = engine) {
  const context: PerturbContext = {
    engine: on,
    student: () => student,
    teacher,
    ...batch,
    progress: 0,
    rng: rng(1, "perturb", 4),
  };
  return context;
}

async function attacked(context: PerturbContext, fields: InnerAttackFields, loss: InnerLoss): Promise<NdArray> {
  const value = await innerAttack(context, fields, loss);
  const array = await engine.read(value);
  value.dispose();
  return array;
}

Deno.test("innerAttack() of the cross-entropy is perturb(), bit for bit", async () => {
  const student = mlp();
  const batch = randomBatch(student, 5);
  for (const norm of ["Linf", "L2"] as const) {
    for (const start of ["uniform", "none"] as const) {
      for (const length of [{}, { stepSize: "0.03" }, { relativeStepSize: 0.4 }]) {
        const pgd = { kind: "pgd", norm, steps: 3, randomStart: start === "uniform", ...length } as const;
        const expected = await perturb(engine, student, batch, pgd, 0.1, rng(1, "perturb", 4));
        const fields = { eps: "0.1", steps: 3, norm, start, ...length };
        const found = await attacked(contextOf(student, undefined, batch), fields, "crossEntropy");
        assertEquals(found.data, (await engine.read(expected)).data, JSON.stringify(pgd));
      }
    }
  }
});

Deno.test("innerAttack() takes probabilities for labels: certain ones are the classes", async () => {
  const [student, teacher] = [mlp(), mlp(4, 6)];
  const batch = randomBatch(student, 3);
  const certain = new Float32Array(12);
  batch.y.data.forEach((label, row) => certain[4 * row + label] = 1);
  for (const loss of LOSSES) {
    const of = (y: NdArray) => attacked(contextOf(student, teacher, { ...batch, y }), { eps: "0.1", steps: 3 }, loss);
    assertEquals((await of(float32([3, 4], certain))).data, (await of(batch.y)).data, loss);
  }
});

for (const loss of LOSSES) {
  Deno.test(`innerAttack() of ${loss} stays in ball and box, knows no batch, and keeps nothing`, async () => {
    const [student, teacher] = [mlp(), mlp(4, 6)];
    const whole = randomBatch(student, 6);
    whole.x.data.set([0, 1, 0.01, 0.99]);
    const counted = counting(engine);
    for (const start of ["gaussian", "uniform"] as const) {
      for (const norm of ["Linf", "L2"] as const) {
        const fields = { eps: "0.2", steps: 3, start, norm };
        const images = await attacked(contextOf(student, teacher, whole, counted.engine), fields, loss);
        assertEquals(counted.live(), 0);
        assert(images.data.every((pixel) => pixel >= 0 && pixel <= 1));
        const lengths = distances(images, whole.x, norm);
        lengths.forEach((length) => assertLessOrEqual(length, 0.2 + 1e-6));
        assert(Math.max(...lengths) > 0.1, "moved");
        const alone = await attacked(contextOf(student, teacher, rowsOf(whole, [4])), fields, loss);
        assertEquals(alone.data, images.data.slice(4 * 12, 5 * 12));
      }
    }
  });
}

// Two linear classifiers of two classes on three pixels: margins z_0 - z_1 of 2 x_0 - 2 x_1 and 1 + 4 x_2. At
// x = (0.5, 0.5, 0.5) the student says sigmoid(0), the teacher sigmoid(3), more of class 0.
const STUDENT = linear([[1, -1], [-1, 1], [0, 0]], [0, 0]);
const TEACHER = linear([[0, 0], [0, 0], [4, 0]], [1, 0]);
const MIDDLE: Batch = { x: float32([1, 1, 1, 3], [0.5, 0.5, 0.5]), y: int32([1], [0]), ids: Int32Array.of(7) };

Deno.test("innerAttack() from a fixed teacher's answer goes to the corner where the student is farthest", async () => {
  const fields = { eps: "0.1", steps: 3, start: "none" } as const;
  const found = await attacked(contextOf(STUDENT, TEACHER, MIDDLE), fields, "klToCleanTeacher");
  // d KL / d margin of the student = p_S - p_T < 0: its margin falls; nothing depends on the third pixel.
  [0.4, 0.6, 0.5].forEach((pixel, i) => assertAlmostEquals(found.data[i]!, pixel, 1e-6));
});

Deno.test("innerAttack() between teacher and student moves the pixels of both", async () => {
  const fields = { eps: "0.1", steps: 3, start: "none" } as const;
  const found = await attacked(contextOf(STUDENT, TEACHER, MIDDLE), fields, "klToTeacher");
  // d KL / d margin of the teacher = p_T (1 - p_T) (m_T - m_S) > 0: it rises.
  [0.4, 0.6, 0.6].forEach((pixel, i) => assertAlmostEquals(found.data[i]!, pixel, 1e-6));
});

Deno.test("innerAttack() from the student's clean answer goes on where its start went", async () => {
  for (const start of ["gaussian", "uniform"] as const) {
    const ends = new Set<number>();
    for (let id = 1; id <= 12; id++) {
      const stream = rng(1, "perturb", 4).child("start", id, 0);
      const point = start === "gaussian" ? stream.normal(3) : stream.uniform(3, -1, 1);
      const side = Math.sign(point[0]! - point[1]!);
      const context = contextOf(STUDENT, undefined, { ...MIDDLE, ids: Int32Array.of(id) });
      const { data } = await attacked(context, { eps: "0.1", steps: 5, start }, "klToClean");
      assertAlmostEquals(data[0]!, 0.5 + 0.1 * side, 1e-6, `${start} ${id}`);
      assertAlmostEquals(data[1]!, 0.5 - 0.1 * side, 1e-6);
      ends.add(side);
    }
    assertEquals(ends.size, 2);
  }
});

Deno.test("innerAttack() starts at 0.001 N(0, 1) where gaussian, inside the ball", async () => {
  // The third pixel has no gradient of the cross-entropy: it stays where it started.
  const batch = { x: float32([50, 1, 1, 3], new Array(150).fill(0.5)), y: int32([50]), ids: new Int32Array(50) };
  batch.ids.forEach((_, i) => batch.ids[i] = i);
  const started = async (eps: string) => {
    const context = contextOf(STUDENT, undefined, batch);
    const { data } = await attacked(context, { eps, steps: 1, start: "gaussian" }, "crossEntropy");
    return Array.from({ length: 50 }, (_, i) => data[3 * i + 2]! - 0.5);
  };
  (await started("0.1")).forEach((moved, i) =>
    assertAlmostEquals(moved, 0.001 * rng(1, "perturb", 4).child("start", i, 0).normal(3)[2]!, 1e-7)
  );
  (await started("0.0005")).forEach((moved) => assertLessOrEqual(Math.abs(moved), 0.0005 + 1e-7));
});

Deno.test("innerAttack() between teacher and student follows the gradient that differences show", async () => {
  const [student, teacher] = [mlp(), mlp(4, 6)];
  const batch = randomBatch(student, 1);
  const fields = { eps: "0.1", stepSize: "0.01", steps: 1, start: "none", norm: "L2" } as const;
  const found = await attacked(contextOf(student, teacher, batch), fields, "klToTeacher");
  const program = engine.compile(({ s, t, x }: { s: Weights<Tensor>; t: Weights<Tensor>; x: Tensor }) =>
    klDivergence(teacher.logits(t, x), student.logits(s, x))
  );
  const at = async (index: number, by: number) => {
    const data = batch.x.data.slice();
    data[index]! += by;
    const x = float32(batch.x.shape, data);
    return (await engine.read(await program({ s: student.weights, t: teacher.weights, x }))).data[0]!;
  };
  const h = 1e-2;
  const gradient: number[] = [];
  for (let i = 0; i < 12; i++) gradient.push((await at(i, h) - await at(i, -h)) / (2 * h));
  const length = Math.hypot(...gradient);
  gradient.forEach((slope, i) =>
    assertAlmostEquals((found.data[i]! - batch.x.data[i]!) / 0.01, slope / length, 3e-3, `pixel ${i}`)
  );
});

Deno.test("innerAttackPasses() are the passes that innerAttack() makes", async () => {
  for (const loss of LOSSES) {
    const asked = { student: 0, teacher: 0 };
    // On the reference engine a program runs its function at every call.
    const noted = (who: "student" | "teacher", classifier: Classifier): Classifier => ({
      ...classifier,
      logits: (weights, x) => {
        asked[who]++;
        return classifier.logits(weights, x);
      },
    });
    const [student, teacher] = [noted("student", mlp()), noted("teacher", mlp(4, 6))];
    await attacked(contextOf(student, teacher, randomBatch(student, 2)), { eps: "0.1", steps: 4 }, loss);
    const passes = innerAttackPasses({ steps: 4 }, loss, { studentForward: 2, studentBackward: 1 });
    assertEquals([passes.studentForward, passes.teacherForward], [2 + asked.student, asked.teacher], loss);
    assertEquals([passes.studentBackward, passes.teacherBackward], [1 + 4, loss === "klToTeacher" ? 4 : 0], loss);
  }
});

testOnEngines("innerAttack() is traced once for all steps and all weights", async (engine) => {
  for (const loss of LOSSES) {
    let traced = 0;
    const inner = mlp().logits;
    const logits: Classifier["logits"] = (weights, x) => {
      traced++;
      return inner(weights, x);
    };
    const batch = randomBatch(mlp(), 2);
    const found: NdArray[] = [];
    for (const seed of [5, 8]) {
      const context = contextOf({ ...mlp(4, seed), logits }, mlp(4, 6), batch, engine);
      found.push(await engine.read(await innerAttack(context, { eps: "0.1", steps: 3 }, loss)));
    }
    assertEquals(traced, loss === "klToClean" ? 2 : 1, loss);
    assert(found[0]!.data.some((pixel, i) => pixel !== found[1]!.data[i]), "other weights, other images");
  }
}, ["onnxruntime"]);

Deno.test("innerAttack() asks the student in the mode of its fields", async () => {
  const modes: string[] = [];
  const context = contextOf(mlp(), undefined, randomBatch(mlp(), 1));
  const student = (mode: string) => {
    modes.push(mode);
    return mlp();
  };
  await attacked({ ...context, student }, { eps: "0.1", steps: 1 }, "crossEntropy");
  await attacked({ ...context, student }, { eps: "0.1", steps: 1, studentMode: "train" }, "crossEntropy");
  assertEquals(modes, ["eval", "train"]);
});

Deno.test("innerAttack() needs a teacher where its loss does", async () => {
  const context = contextOf(mlp(), undefined, randomBatch(mlp(), 1));
  for (const loss of ["klToCleanTeacher", "klToTeacher"] as const) {
    await assertRejects(
      () => innerAttack(context, { eps: "0.1", steps: 1 }, loss),
      TypeError,
      `Cannot raise "${loss}" without a teacher: give the context one`,
    );
  }
});

Deno.test("checkInnerAttack() refuses what cannot be meant", () => {
  const refuses = (fields: InnerAttackFields, message: string, loss: InnerLoss = "crossEntropy") =>
    assertThrows(() => checkInnerAttack(fields, loss), UsageError, message);
  const fields: InnerAttackFields = { eps: "8/255", steps: 10 };
  for (const loss of LOSSES) checkInnerAttack({ ...fields, stepSize: "2/255", start: "gaussian", norm: "L2" }, loss);
  checkInnerAttack({ ...fields, start: "none" }, "klToTeacher");
  refuses({ ...fields, steps: 0 }, "Cannot use objective.steps as it is 0: write a positive integer");
  refuses(
    { ...fields, eps: "8" },
    'Cannot use "8" as a radius as pixels are in [0, 1]: write a value between 0 and 1; did you mean 8/255?',
  );
  refuses(
    { ...fields, start: "none" },
    'Cannot use the start "none" where the divergence from the clean answer is raised, as its gradient is 0 there: ' +
      'write "gaussian" or "uniform"',
    "klToClean",
  );
  assertThrows(() => checkInnerAttack({ ...fields, stepSize: "2/255", relativeStepSize: 0.25 }, "crossEntropy"));
  assertEquals(parseEps(fields.eps), 8 / 255);
});
