import { assert, assertEquals } from "@std/assert";
import {
  add,
  greater,
  mean,
  mul,
  reshape,
  slice,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from "../../lib/engine/mod.ts";
import { crossEntropy } from "../../lib/losses/mod.ts";
import {
  alignment,
  checkObjective,
  inputGradient,
  KDIGA_ARD_CLEAN,
  type Losses,
  type OwnObjective,
  type TracedBatch,
  type TracedPair,
} from "../../lib/objectives/mod.ts";

const ONCE = { studentForward: 1, studentBackward: 1, teacherForward: 1, teacherBackward: 0 };

/** An objective of one term, "squares", which is right unless something is put in place of it. */
function own(term: (pair: TracedPair, batch: TracedBatch) => Tensor, rest: Partial<OwnObjective> = {}): OwnObjective {
  return {
    kind: "own",
    termNames: () => ["squares"],
    needs: () => ["teacher"],
    passes: () => ONCE,
    check: () => {},
    losses: (pair, batch): Losses => ({ terms: { squares: term(pair, batch) } }),
    ...rest,
  };
}

const squares = ({ student, teacher }: TracedPair, { x }: TracedBatch) =>
  mean(sum(square(sub(student(x), stopGradient(teacher!(x)))), 1));

/** What is found broken, by question and term. */
async function broken(objective: OwnObjective, comparing: readonly string[] = []): Promise<string[]> {
  const answers = await checkObjective(objective, { comparing });
  return answers.filter(({ ok }) => !ok).map(({ question, term }) => term === "" ? question : `${question} ${term}`);
}

Deno.test("checkObjective() finds nothing wrong with a sound objective, and says what it found", async () => {
  const answers = await checkObjective(own(squares), { comparing: ["squares"] });
  assertEquals(answers.filter(({ ok }) => !ok), []);
  assertEquals(answers.map(({ question }) => question), [
    "names",
    "state",
    "passes",
    "finite",
    "determinism",
    "student",
    "teacher",
    "derivative",
    "order",
    "doubling",
    "labels",
    "equality",
  ]);
  assertEquals(answers[2]!.found, "1 of the student, 1 of teachers where it says 1 of the student, 1 of teachers");
  assert(/^-?[\d.]+ where -?[\d.]+ is measured$/.test(answers[7]!.found), answers[7]!.found);
  const perturbing = await checkObjective({ ...KDIGA_ARD_CLEAN, attack: { eps: "8/255", steps: 1 } });
  assertEquals(perturbing.find(({ question }) => question === "perturb"), {
    question: "perturb",
    term: "",
    ok: true,
    found: "[4,2,2,3], the same the second time",
  });
});

Deno.test("checkObjective() finds a detached gradient: the fault of the first released KDIGA", async () => {
  const aligned = (detach: (gradient: Tensor) => Tensor) =>
    own(({ student, teacher }, { x, y }) =>
      alignment(
        detach(inputGradient(student, x, y).gradient),
        stopGradient(inputGradient(teacher!, x, y).gradient),
      )
    );
  assertEquals(await broken(aligned((gradient) => gradient), ["squares"]), []);
  assertEquals(await broken(aligned(stopGradient), ["squares"]), ["student squares", "derivative squares"]);
});

Deno.test("checkObjective() finds a teacher that is taught, and a part of a term without its gradient", async () => {
  const taught = own(({ student, teacher }, { x }) => mean(sum(square(sub(student(x), teacher!(x))), 1)));
  assertEquals(await broken(taught), ["teacher squares"]);
  const half = own((pair, batch) => {
    const logits = pair.student(batch.x);
    const apart = sub(logits, stopGradient(pair.teacher!(batch.x)));
    return mean(sum(mul(stopGradient(apart), apart), 1));
  });
  assertEquals(await broken(half), ["derivative squares"]);
});

Deno.test("checkObjective() finds terms that depend on the batch, on chance or on labels as integers", async () => {
  const total = own(({ student, teacher }, { x }) => sum(square(sub(student(x), stopGradient(teacher!(x))))));
  assertEquals(await broken(total), ["doubling squares"]);
  const first = own((pair, batch) => squares(pair, { ...batch, x: slice(batch.x, [0, 0, 0, 0], [1, 2, 2, 3]) }));
  assertEquals(await broken(first), ["order squares"]);
  let calls = 0;
  const random = own((pair, batch) => mul(squares(pair, batch), 1 + 0.01 * calls++));
  assert((await broken(random)).includes("determinism squares"));
  const integers = own(({ student }, { x, y }) => mean(mul(crossEntropy(student(x), y), y.rank === 1 ? 1 : 2)), {
    passes: () => ({ ...ONCE, teacherForward: 0 }),
  });
  assertEquals(await broken(integers), ["labels squares"]);
});

Deno.test("checkObjective() finds other names, other passes and a number that is none", async () => {
  assertEquals(await broken(own(squares, { termNames: () => ["cubes"] })), ["names"]);
  assertEquals(await broken(own(squares, { passes: () => ({ ...ONCE, studentForward: 2 }) })), ["passes"]);
  const nan = own((pair, batch) => {
    const value = squares(pair, batch);
    return where(greater(value, 0), mul(value, NaN), value);
  });
  assert((await broken(nan)).includes("finite squares"));
  const carrying = own(squares, {
    losses: (pair, batch) => ({ terms: { squares: squares(pair, batch) }, state: { seen: reshape(batch.y, [-1]) } }),
  });
  assertEquals(await broken(carrying), ["state"]);
  const unequal = own((pair, batch) => add(squares(pair, batch), 1));
  assertEquals(await broken(unequal, ["squares"]), ["equality squares"]);
  let draws = 0;
  const perturb: OwnObjective["perturb"] = ({ x }) =>
    Promise.resolve({ ...x, data: x.data.map((value) => value + 0.01 * draws) }).finally(() => draws++);
  assertEquals(await broken(own(squares, { perturb })), ["perturb"]);
});
