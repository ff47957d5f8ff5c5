import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type EvidenceRow, float32, int32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { attackName, attackPasses, checkAttack, type OwnAttack, runAttack } from "../../lib/attacks/mod.ts";
import { evaluate } from "../../lib/evaluation/mod.ts";
import { linear } from "./_classifiers.ts";

const batch = { x: float32([2, 1, 1, 2], [0.5, 0.4, 0.6, 0.1]), y: int32([2], [0, 0]), ids: Int32Array.of(3, 5) };
// z = (x_1, x_2): margins 0.1 and 0.5 of class 0.
const classifier = linear([[1, 0], [0, 1]], [0, 0]);

/** Moves far beyond the ball, to the class 1. */
const greedy: OwnAttack = {
  kind: "own",
  name: "greedy",
  forwardPasses: 3,
  run: (_engine, _classifier, { x }) =>
    Promise.resolve(float32(x.shape, x.data.map((value, i) => value + (i % 2 === 0 ? -9 : 9)))),
};

Deno.test("runAttack() brings the images of one's own attack into ball and box, and asks them again", async () => {
  await using engine = await createEngine("reference");
  const { xAdv, margin, success, firstStep, forwardPasses, backwardPasses } = await runAttack(
    engine,
    classifier,
    batch,
    greedy,
    0.2,
    rng(1),
  );
  const expected = [0.3, 0.6, 0.4, 0.3];
  xAdv.data.forEach((value, i) => assert(Math.abs(value - expected[i]!) < 1e-6, `${xAdv.data}`));
  assert(Math.abs(margin[0]! + 0.3) < 1e-6 && Math.abs(margin[1]! - 0.1) < 1e-6, `${margin}`);
  assertEquals([...success], [1, 0]);
  assertEquals([...firstStep], [1, -1]);
  assertEquals([forwardPasses, backwardPasses], [4, 0]);
  assertEquals(attackPasses(greedy), { forwardPasses: 4, backwardPasses: 0 });
  const value: OwnAttack = { ...greedy, run: async (...call) => engine.put(await greedy.run(...call) as NdArray) };
  assertEquals((await runAttack(engine, classifier, batch, value, 0.2, rng(1))).xAdv, xAdv);
});

Deno.test("evaluate() has rows of one's own attack beside those of others", async () => {
  await using engine = await createEngine("reference");
  const dataset = {
    name: "two",
    classes: ["a", "b"],
    imageShape: [1, 1, 2],
    ids: batch.ids,
    images: Uint8Array.of(128, 102, 153, 26),
    labels: Int32Array.of(0, 0),
  } as const;
  const rows: EvidenceRow[] = [];
  const attacks = [{ attack: greedy }, { attack: { kind: "fgsm" } }] as const;
  const options = { method: "linear", classifier, dataset, attacks, eps: ["0.2"], seed: 1, batchSize: 2 };
  for await (const event of evaluate(engine, options)) if (event.kind === "evidence") rows.push(...event.rows);
  // Of a linear network fgsm takes the same corner.
  const of = (name: string) => rows.filter(({ attack }) => attack === name).map(({ attack: _, ...row }) => row);
  assertEquals(of("greedy").length, 2);
  assertEquals(of("greedy"), of("fgsm"));
});

Deno.test("one's own attack is refused for its name, its radius or the shape of its images", async () => {
  await using engine = await createEngine("reference");
  assertEquals(attackName(greedy), "greedy");
  assertThrows(
    () => checkAttack({ ...greedy, name: "pgd-20" }, [], "attacks[0].attack"),
    UsageError,
    'Cannot use attacks[0].attack.name as it is "pgd-20": write lower-case letters, digits, dots and hyphens that no ' +
      "other attack begins with",
  );
  assertThrows(() => checkAttack({ ...greedy, name: "My attack" }), UsageError, 'as it is "My attack"');
  assertThrows(
    () => checkAttack(greedy, [8]),
    UsageError,
    "Cannot use attack at eps 8: write a radius from 0 to 1",
  );
  checkAttack({ ...greedy, norm: "L2" }, [8]);
  const cut: OwnAttack = { ...greedy, run: () => Promise.resolve(float32([2, 2])) };
  await assertRejects(
    () => runAttack(engine, classifier, batch, cut, 0.2, rng(1)),
    TypeError,
    'Cannot use the images of "greedy" as they are float32 [2,2]: float32 [2,1,1,2] is needed',
  );
});
