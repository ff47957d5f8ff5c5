import { assertAlmostEquals, assertEquals } from "@std/assert";
import { float32, type NdArray } from "../../lib/core/mod.ts";
import { createEngine, readTree, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { alignment, type AlignmentOptions, inputGradient } from "../../lib/objectives/input_gradient_alignment.ts";
import { BATCH, INPUTS, take, type Tiny, tinyLogits } from "./_tiny.ts";

/** alignment() of two arrays, and its gradient with respect to the student's. */
async function align(student: NdArray, teacher: NdArray, options: AlignmentOptions): Promise<[number, number[]]> {
  await using engine = await createEngine("reference");
  const program = engine.compile(({ gS, gT }: { gS: Tensor; gT: Tensor }) => {
    const { value, grad } = valueAndGrad((at: Tensor) => ({ value: alignment(at, gT, options) }), gS);
    return { value, grad };
  });
  const { value, grad } = await readTree(engine, await program({ gS: student, gT: teacher }));
  return [value.data[0]!, [...grad.data]];
}

// Two images of 1 x 1 x 2; differences (3, 4) and (0, 1), of length 5 and 1.
const STUDENT = float32([2, 1, 1, 2], [4, 4, 1, 3]);
const TEACHER = float32([2, 1, 1, 2], [1, 0, 1, 2]);

Deno.test("alignment() per example is the mean length of the differences", async () => {
  const [value, gradient] = await align(STUDENT, TEACHER, {});
  assertEquals(value, 3); // (5 + 1) / 2
  assertClose(gradient, [0.3, 0.4, 0, 0.5]); // d_i / ||d_i|| / 2
  const [squared] = await align(STUDENT, TEACHER, { squared: true });
  assertEquals(squared, 13); // (25 + 1) / 2
});

Deno.test("alignment() at the scale of the released code is one norm of mean-loss gradients over B", async () => {
  const [value, gradient] = await align(STUDENT, TEACHER, { scale: "releasedCode" });
  assertAlmostEquals(value, Math.sqrt(26) / 4, 1e-6); // 1/2 * sqrt((9 + 16 + 0 + 1) / 2^2)
  assertClose(gradient, [3, 4, 0, 1].map((d) => d / Math.sqrt(26) / 4));
  const [squared] = await align(STUDENT, TEACHER, { scale: "releasedCode", squared: true });
  assertAlmostEquals(squared, 26 / 8, 1e-6);
});

Deno.test("alignment() of equal gradients is 0 with a gradient of 0, not of NaN", async () => {
  for (const scale of ["perExample", "releasedCode"] as const) {
    for (const squared of [false, true]) {
      assertEquals(await align(STUDENT, STUDENT, { scale, squared }), [0, [0, 0, 0, 0]]);
    }
  }
  // One image equal, the other not.
  const [value, gradient] = await align(STUDENT, float32([2, 1, 1, 2], [4, 4, 1, 2]), {});
  assertEquals([value, gradient], [0.5, [0, 0, 0, 0.5]]);
});

Deno.test("alignment() is exact for differences as small as input gradients get", async () => {
  const [value, gradient] = await align(float32([1, 1, 1, 2], [3e-9, 4e-9]), float32([1, 1, 1, 2]), {});
  assertAlmostEquals(value, 5e-9, 1e-14);
  assertClose(gradient, [0.6, 0.8]);
});

Deno.test("alignment() of cosines is safe where a gradient is 0, and knows no length", async () => {
  const [value, gradient] = await align(STUDENT, TEACHER, { distance: "cosine" });
  // cos((4, 4), (1, 0)) = 1 / sqrt(2), cos((1, 3), (1, 2)) = 7 / sqrt(50); d cos / da = (b / |b| - cos a / |a|) / |a|.
  const [first, second] = [1 / Math.SQRT2, 7 / Math.sqrt(50)];
  assertAlmostEquals(value, 1 - (first + second) / 2, 1e-6);
  const slope = (a: number[], b: number[], cos: number) =>
    a.map((value, i) => -(b[i]! / Math.hypot(...b) - cos * value / Math.hypot(...a)) / Math.hypot(...a) / 2);
  assertClose(gradient, [...slope([4, 4], [1, 0], first), ...slope([1, 3], [1, 2], second)]);
  const [long] = await align(float32([2, 1, 1, 2], [8, 8, 1e-4, 3e-4]), TEACHER, { distance: "cosine" });
  assertAlmostEquals(long, value, 1e-6);
  const zero = float32([2, 1, 1, 2], [0, 0, 1, 2]);
  for (const [a, b] of [[zero, TEACHER], [TEACHER, zero]] as const) {
    const [value, gradient] = await align(a, b, { distance: "cosine" });
    assertAlmostEquals(value, 0.5, 1e-6);
    assertClose(gradient, [0, 0, 0, 0]);
  }
});

Deno.test("alignment() falls by 2^1.5 for a doubled batch at the scale of the released code, else not", async () => {
  const twice = ({ data }: NdArray) => float32([4, 1, 1, 2], [...data, ...data]);
  const [once] = await align(STUDENT, TEACHER, { scale: "releasedCode" });
  const [doubled] = await align(twice(STUDENT), twice(TEACHER), { scale: "releasedCode" });
  assertAlmostEquals(once / doubled, 2 ** 1.5, 1e-6);
  const [perExample] = await align(twice(STUDENT), twice(TEACHER), {});
  assertEquals(perExample, 3);
});

interface GradientInputs {
  readonly student: Tiny<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
}

Deno.test("inputGradient() has each image's own gradient, its loss and its logits, from one forward pass", async () => {
  await using engine = await createEngine("reference");
  let forwards = 0;
  const program = engine.compile(({ student, x, y }: GradientInputs) => {
    const forward = (pixels: Tensor) => {
      forwards++;
      return tinyLogits(student, pixels);
    };
    return inputGradient(forward, x, y);
  });
  const at = async (inputs: { student: Tiny<NdArray>; x: NdArray; y: NdArray }) =>
    await readTree(engine, await program({ student: inputs.student, x: inputs.x, y: inputs.y }));

  const { logits, crossEntropy, gradient } = await at(INPUTS);
  assertEquals(forwards, 1);
  assertEquals([logits.shape, crossEntropy.shape, gradient.shape], [[4, 3], [4], [4, 2, 2, 3]]);
  for (let i = 0; i < 4; i++) {
    const z = [...logits.data.slice(3 * i, 3 * i + 3)];
    const loss = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - z[BATCH.y.data[i]!]!;
    assertAlmostEquals(crossEntropy.data[i]!, loss, 1e-5);
    const alone = await at(take(INPUTS, [i]));
    assertClose([...alone.gradient.data], [...gradient.data.slice(12 * i, 12 * i + 12)]);
  }

  // Central differences of image 2's loss in three of its pixels.
  const h = 1e-2;
  for (const pixel of [0, 5, 11]) {
    const moved = async (by: number) => {
      const x = float32(BATCH.x.shape, BATCH.x.data.slice());
      x.data[24 + pixel]! += by;
      return (await at({ ...INPUTS, x })).crossEntropy.data[2]!;
    };
    const slope = (await moved(h) - await moved(-h)) / (2 * h);
    assertAlmostEquals(gradient.data[24 + pixel]!, slope, 1e-4);
  }
});

function assertClose(actual: number[], expected: number[]): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1e-6));
}
