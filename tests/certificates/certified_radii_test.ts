import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { runAttack } from "../../lib/attacks/mod.ts";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { type BoundSpec, certifiedRadii } from "../../lib/certificates/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { createModel, freeze } from "../../lib/models/mod.ts";
import { type Exact, randomMlp, smallestMargins } from "./_networks.ts";

const METHODS: readonly BoundSpec[] = [
  { kind: "ibp" },
  { kind: "crown", intermediate: "ibp" },
  { kind: "crown", intermediate: "crown" },
  { kind: "crown", intermediate: "crown", optimise: { steps: 3 } },
];

/** Images near the middle with the classes that the network gives them. */
function images({ logits, classifier }: Exact, count: number, seed: number) {
  const size = classifier.inputShape.reduce((a, b) => a * b);
  const x = float32([count, ...classifier.inputShape], rng(seed, "images").uniform(count * size, 0.1, 0.9));
  const y = Array.from({ length: count }, (_, i) => {
    const z = logits(x.data.subarray(i * size, (i + 1) * size));
    return z.indexOf(Math.max(...z));
  });
  return { x, y: int32([count], y), ids: Int32Array.from(y, (_, i) => 10 + i), name: "net" };
}

Deno.test("certified radii of a linear network are its distances, from below, within the tolerance", async () => {
  await using engine = await createEngine("reference");
  const model = createModel({ kind: "mlp", hidden: [] }, { classes: 2, inputShape: [1, 1, 4] });
  const classifier = freeze(model, {
    parameters: { "fc1.weight": float32([4, 2], [1, 0, -2, 0, 0.5, 0, 1, 0]), "fc1.bias": float32([2], [0.25, 0]) },
    buffers: {},
  });
  // Margin w x + b = 1 (w = (1, -2, 0.5, 1)): 0.5 - 1 + 0.25 + 0.5 + 0.25 = 0.5 at class 0.
  const x = float32([2, 1, 1, 4], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  const question = { x, y: int32([2], [0, 1]), ids: [7, 9], name: "linear", largest: 0.4, tolerance: 1e-3 };
  for (const method of METHODS) {
    for (const [norm, exact] of [["Linf", 0.5 / 4.5], ["L2", 0.5 / 2.5]] as const) {
      const [right, wrong] = await certifiedRadii(engine, classifier, { ...question, norm, method });
      assert(right!.certified && right!.radius <= exact && right!.radius > exact - 2e-3, `${right!.radius}, ${exact}`);
      assert(right!.lowerMargin > 0);
      assertEquals([right!.image, right!.label, right!.method, right!.norm], [7, 0, "linear", norm]);
      assertEquals([wrong!.certified, wrong!.radius, wrong!.image], [false, 0, 9]);
      assertAlmostEquals(wrong!.lowerMargin, -0.5, 1e-3);
    }
  }
});

Deno.test("no attack and no point finds its way inside a certified ball", async () => {
  await using engine = await createEngine("reference");
  let certified = 0;
  for (const seed of [1, 2]) {
    const exact = randomMlp([5, 8, 6, 3], seed, "relu", 1.2);
    const batch = images(exact, 6, seed);
    for (const [norm, largest] of [["Linf", 0.5], ["L2", 1]] as const) {
      const found = await Promise.all(
        METHODS.map((method) => certifiedRadii(engine, exact.classifier, { ...batch, norm, method, largest })),
      );
      for (const [row, label] of batch.y.data.entries()) {
        const pixels = batch.x.data.subarray(5 * row, 5 * row + 5);
        const radius = Math.max(...found.map((rows) => rows[row]!.radius));
        certified += Number(radius > 0);
        const margins = smallestMargins(exact, pixels, label, radius, norm, 1500, seed);
        margins.forEach((margin, k) => {
          if (k !== label) assert(margin > 0, `${norm}: margin ${margin} within ${radius} of image ${row}`);
        });
        const image = { x: float32([1, 1, 1, 5], pixels), y: int32([1], [label]), ids: Int32Array.of(row) };
        const spec = { kind: "pgd", norm, steps: 20, restarts: 2 } as const;
        const attacked = await runAttack(engine, exact.classifier, image, spec, radius, rng(seed, "attack"));
        const z = exact.logits(attacked.xAdv.data);
        assert(z.every((other, k) => k === label || z[label]! > other), "PGD has found a way");
      }
    }
  }
  assert(certified > 15, "there are balls to attack");
});

Deno.test("a range or tolerance that is no radius is refused", async () => {
  await using engine = await createEngine("reference");
  const exact = randomMlp([2, 3, 2], 1);
  const question = { ...images(exact, 1, 1), norm: "Linf", method: METHODS[0]!, largest: 0 } as const;
  await assertRejects(
    () => certifiedRadii(engine, exact.classifier, question),
    UsageError,
    "Cannot seek certified radii with the largest radius 0: write a number above 0",
  );
});
