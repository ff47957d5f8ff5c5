import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { float32, type NdArray, rng, scalar } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import { type Norm, project, projectImages, steepestStep } from "../../lib/attacks/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { distances } from "./_classifiers.ts";

const engine = await createEngine("reference");

async function projected(xAdv: NdArray, x: NdArray, norm: Norm, eps: number): Promise<NdArray<"float32">> {
  const program = engine.compile((inputs: { xAdv: Tensor; x: Tensor; eps: Tensor }) =>
    project(inputs.xAdv, inputs.x, norm, inputs.eps)
  );
  return await engine.read(await program({ xAdv, x, eps: scalar(eps) })) as NdArray<"float32">;
}

async function steepest(grad: NdArray, norm: Norm): Promise<number[]> {
  const value = await engine.compile(({ grad }: { grad: Tensor }) => steepestStep(grad, norm as "Linf" | "L2"))({
    grad,
  });
  return Array.from((await engine.read(value)).data);
}

/** Two-pixel images: random centres in the box, random points around and outside of it. */
function points(count: number): { readonly x: NdArray<"float32">; readonly xAdv: NdArray<"float32"> } {
  const shape = [count, 1, 1, 2];
  return {
    x: float32(shape, rng(1, "x").uniform(2 * count)),
    xAdv: float32(shape, rng(1, "xAdv").uniform(2 * count, -0.5, 1.5)),
  };
}

/** The nearest point of ball and box together, on a grid of 1/400. */
function nearest(xAdv: readonly number[], x: readonly number[], norm: Norm, eps: number): [number, number] {
  let best: [number, number] = [NaN, NaN];
  let least = Infinity;
  for (let i = 0; i <= 400; i++) {
    for (let k = 0; k <= 400; k++) {
      const at: [number, number] = [i / 400, k / 400];
      const d = [at[0] - x[0]!, at[1] - x[1]!];
      const length = norm === "Linf" ? Math.max(Math.abs(d[0]!), Math.abs(d[1]!)) : Math.hypot(d[0]!, d[1]!);
      const distance = Math.hypot(at[0] - xAdv[0]!, at[1] - xAdv[1]!);
      if (length <= eps + 1e-9 && distance < least) [best, least] = [at, distance];
    }
  }
  return best;
}

Deno.test("project() gives the nearest image of ball and box for Linf (brute force)", async () => {
  const { x, xAdv } = points(12);
  const result = await projected(xAdv, x, "Linf", 0.2);
  for (let row = 0; row < 12; row++) {
    const pair = (array: NdArray) => Array.from(array.data.subarray(2 * row, 2 * row + 2));
    const expected = nearest(pair(xAdv), pair(x), "Linf", 0.2);
    pair(result).forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1 / 400));
  }
});

Deno.test("project() gives the nearest image of the ball for L2 where the box does not matter (brute force)", async () => {
  const x = float32([3, 1, 1, 2], [0.5, 0.5, 0.4, 0.6, 0.5, 0.5]);
  const xAdv = float32([3, 1, 1, 2], [0.9, 0.3, -0.3, 0.7, 0.55, 0.6]);
  const result = await projected(xAdv, x, "L2", 0.2);
  for (let row = 0; row < 3; row++) {
    const pair = (array: NdArray) => Array.from(array.data.subarray(2 * row, 2 * row + 2));
    const expected = nearest(pair(xAdv), pair(x), "L2", 0.2);
    // On the circle the grid's nearest point may lie a square root of its spacing aside.
    pair(result).forEach((value, i) => assertAlmostEquals(value, expected[i]!, 0.02));
  }
  assertEquals(Array.from(result.data.subarray(4)), Array.from(xAdv.data.subarray(4)), "inside: untouched");
  distances(result, x, "L2").slice(0, 2).forEach((length) => assertAlmostEquals(length, 0.2, 1e-6));
});

for (const norm of ["Linf", "L2", "L1"] as const) {
  Deno.test(`project() and projectImages() stay in ball and box, agree, and do nothing twice (${norm})`, async () => {
    const { x, xAdv } = points(200);
    for (const eps of [0, 1e-6, 8 / 255, 0.4, 1]) {
      const traced = await projected(xAdv, x, norm, eps);
      const plain = projectImages(xAdv, x, norm, eps);
      for (const result of [traced, plain]) {
        distances(result, x, norm).forEach((length) => assertLessOrEqual(length, eps + 1e-6));
        assert(result.data.every((pixel) => pixel >= 0 && pixel <= 1));
      }
      traced.data.forEach((pixel, i) => assertAlmostEquals(pixel, plain.data[i]!, 1e-6));
      // What the traced projection returns is left as it is, bit for bit.
      assertEquals(projectImages(traced, x, norm, eps).data, traced.data);
      if (eps === 0) assertEquals(plain.data, x.data);
    }
  });
}

/**
 * The nearest image of L1 ball and box: a quadratic programme, solved by trying every set of pixels that stay at their
 * centre or reach the border; what is left is shortened by one number.
 */
function nearestL1(xAdv: readonly number[], x: readonly number[], eps: number): number[] {
  const d = xAdv.map((pixel, i) => pixel - x[i]!);
  const room = d.map((each, i) => each > 0 ? 1 - x[i]! : x[i]!);
  const moves = (states: readonly number[], t: number) =>
    d.map((each, i) => Math.sign(each) * (states[i] === 0 ? 0 : states[i] === 1 ? Math.abs(each) - t : room[i]!));
  let best: number[] = [];
  let least = Infinity;
  const states = d.map(() => 0);
  for (let code = 0; code < 3 ** d.length; code++) {
    states.forEach((_, i) => states[i] = Math.floor(code / 3 ** i) % 3);
    const free = d.filter((_, i) => states[i] === 1).reduce((sum, each) => sum + Math.abs(each), 0);
    const fixed = room.filter((_, i) => states[i] === 2).reduce((sum, each) => sum + each, 0);
    const count = states.filter((state) => state === 1).length;
    for (const t of [0, count === 0 ? 0 : (free + fixed - eps) / count]) {
      const move = moves(states, t);
      const length = move.reduce((sum, each) => sum + Math.abs(each), 0);
      const allowed = t >= 0 && length <= eps + 1e-9 &&
        move.every((each, i) => Math.abs(each) <= room[i]! + 1e-9 && each * d[i]! >= 0);
      const distance = move.reduce((sum, each, i) => sum + (each - d[i]!) ** 2, 0);
      if (allowed && distance < least) [best, least] = [move.map((each, i) => x[i]! + each), distance];
    }
  }
  return best;
}

testOnEngines("project() and projectImages() give the nearest image of ball and box for L1", async (engine) => {
  const shape = [30, 1, 1, 5];
  const x = float32(shape, rng(3, "x").uniform(150).map((value, i) => i % 7 === 0 ? Math.round(value) : value));
  const xAdv = float32(shape, rng(3, "xAdv").uniform(150, -0.6, 1.6));
  const program = engine.compile((inputs: { xAdv: Tensor; x: Tensor; eps: Tensor }) =>
    project(inputs.xAdv, inputs.x, "L1", inputs.eps)
  );
  for (const eps of [0.05, 0.4, 1.2, 4]) {
    const traced = await engine.read(await program({ xAdv, x, eps: scalar(eps) }));
    const plain = projectImages(xAdv, x, "L1", eps);
    for (let row = 0; row < 30; row++) {
      const of = (array: NdArray) => Array.from(array.data.subarray(5 * row, 5 * row + 5));
      const expected = nearestL1(of(xAdv), of(x), eps);
      for (const result of [traced, plain]) {
        of(result).forEach((pixel, i) => assertAlmostEquals(pixel, expected[i]!, 1e-6, `eps ${eps}, image ${row}`));
      }
    }
  }
});

Deno.test("project() in L1 of images of 3072 pixels is exact to rounding", async () => {
  const shape = [2, 32, 32, 3];
  const x = float32(shape, rng(4, "x").uniform(2 * 3072));
  const xAdv = float32(shape, rng(4, "xAdv").uniform(2 * 3072, -0.5, 1.5));
  const traced = await projected(xAdv, x, "L1", 12);
  const plain = projectImages(xAdv, x, "L1", 12);
  distances(plain, x, "L1").forEach((length) => assertAlmostEquals(length, 12, 1e-4));
  traced.data.forEach((pixel, i) => assertAlmostEquals(pixel, plain.data[i]!, 1e-6));
  const moved = (array: NdArray) => array.data.filter((pixel, i) => pixel !== x.data[i]).length;
  assert(moved(plain) < 1000, "most pixels stay exactly where they were");
  assertAlmostEquals(moved(traced), moved(plain), 2);
});

Deno.test("projectImages() leaves its arguments alone and keeps NaN visible", () => {
  const x = float32([1, 1, 1, 2], [0.5, 0.5]);
  const xAdv = float32([1, 1, 1, 2], [2, NaN]);
  const result = projectImages(xAdv, x, "Linf", 0.25);
  assertEquals(Array.from(result.data), [0.75, NaN]);
  assertEquals(Array.from(xAdv.data), [2, NaN]);
  assertEquals(Array.from(x.data), [0.5, 0.5]);
});

Deno.test("steepestStep() is the best linear perturbation: gradient (1, -2) rises by 3 in Linf, by sqrt(5) in L2", async () => {
  const grad = float32([1, 1, 1, 2], [1, -2]);
  assertEquals(await steepest(grad, "Linf"), [1, -1]);
  const [a, b] = await steepest(grad, "L2");
  assertAlmostEquals(a! ** 2 + b! ** 2, 1, 1e-6);
  assertAlmostEquals(a! - 2 * b!, Math.sqrt(5), 1e-6);
});

Deno.test("steepestStep() makes no step at a zero gradient and one of length 1 at gradients of any size", async () => {
  const grad = float32([4, 1, 1, 2], [0, 0, 3e-30, -4e-30, 3e30, 4e30, 0, -2]);
  const expected = [0, 0, 0.6, -0.8, 0.6, 0.8, 0, -1];
  (await steepest(grad, "L2")).forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1e-6, `entry ${i}`));
  assertEquals((await steepest(grad, "Linf")).map((value) => value + 0), [0, 0, 1, -1, 1, 1, 0, -1]);
});
