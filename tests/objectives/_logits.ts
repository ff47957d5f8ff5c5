import { float32, int32, type NdArray, scalar } from "../../lib/core/mod.ts";
import { add, createEngine, mul, neg, readTree, reshape, type Tensor } from "../../lib/engine/mod.ts";
import { objectiveOf, type ObjectiveSpec } from "../../lib/objectives/mod.ts";

/** Logits of the student for three clean images, those for the attacked ones, and the classes. */
export const CLEAN = [[1, 2, -1], [0, 0, 3], [0.5, -1.5, 0.2]];
export const ATTACKED = [[0.3, 1.1, 0.4], [0.9, -0.2, 0.1], [-0.6, 0.8, 1.5]];
export const Y = [0, 2, 1];

const SHIFT = [1, 0, -1];
/** What the teacher says where the student says z. */
export const taught = (z: readonly number[]): number[] => z.map((value, k) => 0.5 * value + SHIFT[k]!);
/** What the natural teacher says there. */
export const natural = (z: readonly number[]): number[] => z.map((value) => -value);

/** Terms of an objective whose "images" are the logits above, on the reference engine. */
export async function termsOfLogits(spec: ObjectiveSpec, progress = 0.5): Promise<Record<string, number>> {
  await using engine = await createEngine("reference");
  const program = engine.compile(
    ({ x, xAdv, y, shift, share }: Record<"x" | "xAdv" | "y" | "shift" | "share", Tensor>) => {
      const student = (pixels: Tensor) => reshape(pixels, [3, 3]);
      const pair = {
        student,
        teacher: (pixels: Tensor) => add(mul(student(pixels), 0.5), shift),
        naturalTeacher: (pixels: Tensor) => neg(student(pixels)),
      };
      return objectiveOf(spec).losses(pair, { x, y, xAdv }, spec, { progress: share, state: {} }).terms;
    },
  );
  const images = (rows: number[][]): NdArray => float32([3, 1, 1, 3], rows.flat());
  const inputs = { x: images(CLEAN), xAdv: images(ATTACKED), y: int32([3], Y) };
  const terms = await readTree(
    engine,
    await program({ ...inputs, shift: float32([3], SHIFT), share: scalar(progress) }),
  );
  return Object.fromEntries(Object.entries(terms).map(([name, { data }]) => [name, data[0]!]));
}

/** Probabilities, in float64. */
export function softmax(z: readonly number[], t = 1): number[] {
  const powers = z.map((value) => Math.exp(value / t));
  return powers.map((power) => power / powers.reduce((a, b) => a + b));
}

/** Cross-entropy of each image. */
export const ce = (rows: readonly number[][]): number[] => rows.map((z, i) => -Math.log(softmax(z)[Y[i]!]!));

/** KL(softmax(from / t) || softmax(to / t)) of each image. */
export const kl = (from: readonly number[][], to: readonly number[][], t = 1): number[] =>
  from.map((z, i) => {
    const [p, q] = [softmax(z, t), softmax(to[i]!, t)];
    return p.reduce((sum, value, k) => sum + value * Math.log(value / q[k]!), 0);
  });

/** Mean over images. */
export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
