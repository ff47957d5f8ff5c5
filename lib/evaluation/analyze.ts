import {
  type AnalysisQuantity,
  type AnalysisRow,
  formatEps,
  meanInterval,
  type NdArray,
  parseEps,
  type Progress,
  rng,
  UsageError,
} from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { type AttackSpec, runAttack } from "../attacks/mod.ts";
import { inputGradients } from "./input_gradients.ts";
import { localLinearity, type LocalLinearitySpec } from "./local_linearity.ts";

/** What to analyse. */
export interface AnalyzeOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** Its teacher; without one there are no rows of the gap and the cosine. */
  readonly teacher?: Classifier;
  /** Images; the paper takes 1,000. */
  readonly dataset: Dataset;
  /** Radii in pixel units as text; "0" is the image itself. */
  readonly eps: readonly string[];
  /** Seed of starts. */
  readonly seed: number;
  /** Images per batch. */
  readonly batchSize: number;
  /** How the adversarial images are made. @default {PGD of 10 steps} */
  readonly attack?: AttackSpec;
  /** How local linearity is measured. */
  readonly linearity?: LocalLinearitySpec;
}

/**
 * The paper's analysis of a network as rows: at each radius the local linearity error around the images, and at the
 * adversarial images of that radius (the images themselves at 0) the cross-entropy, the length of its input gradient
 * ||g_S||_2, and against a teacher the gap ||g_S - g_T||_2 and the cosine of the two gradients (1 where both are 0, 0
 * where one is). Means over images with 95 % normal intervals ({@linkcode meanInterval}).
 *
 * Source: Shao et al. (2021), the quantities that its analysis compares; Differs in taking gradients of each image's own
 * loss, where the released code takes those of the batch mean.
 *
 * @param engine Where it runs.
 * @param options What to analyse.
 * @returns Progress in batches; at the end rows in the order of radii and quantities.
 * @throws {UsageError} If there are fewer than two images, or a radius or a setting cannot be used.
 * @throws {DataError} As `runAttack`.
 */
export async function* analyze(
  engine: Engine,
  options: AnalyzeOptions,
): AsyncGenerator<Progress, AnalysisRow[], void> {
  const { method, classifier, teacher, dataset, seed, linearity = {} } = options;
  const attack = options.attack ?? { kind: "pgd", steps: 10 };
  const n = dataset.ids.length;
  if (n < 2) throw new UsageError(`Cannot analyse "${method}" on ${n} images: use at least two`);
  const size = Math.min(options.batchSize, n);
  const radii = [...new Set(options.eps.map((eps) => formatEps(eps, Infinity)))];
  const total = radii.length * Math.ceil(n / size);
  const rows: AnalysisRow[] = [];
  let done = 0;
  for (const eps of radii) {
    const radius = parseEps(eps, Infinity);
    const values = new Map<AnalysisQuantity, number[]>();
    const keep = (quantity: AnalysisQuantity, found: ArrayLike<number>, count: number): void => {
      values.set(quantity, [...values.get(quantity) ?? [], ...Array.from(found).slice(0, count)]);
    };
    for (let from = 0; from < n; from += size) {
      const count = Math.min(size, n - from);
      const batch = gather(dataset, Array.from({ length: size }, (_, k) => k < count ? from + k : from));
      const stream = rng(seed, "analysis");
      keep("local-linearity", await localLinearity(engine, classifier, batch, radius, stream, linearity), count);
      const x = radius === 0
        ? batch.x
        : (await runAttack(engine, classifier, batch, attack, radius, stream.child("attack"))).xAdv;
      const student = await inputGradients(engine, classifier, { x, y: batch.y });
      const own = products(student.gradient, student.gradient);
      keep("cross-entropy", student.loss, count);
      keep("gradient-norm", own.map(Math.sqrt), count);
      if (teacher !== undefined) {
        const { gradient } = await inputGradients(engine, teacher, { x, y: batch.y });
        const other = products(gradient, gradient);
        const both = products(student.gradient, gradient);
        keep("gradient-gap", gaps(student.gradient, gradient), count);
        keep("gradient-cosine", both.map((product, i) => cosine(product, own[i]!, other[i]!)), count);
      }
      yield { label: `analyse ${method}`, done: ++done, total, detail: `eps ${eps}` };
    }
    for (const [quantity, found] of values) rows.push({ method, eps, quantity, n, ...meanInterval(found) });
  }
  return rows;
}

/** Scalar product of each image's arrays, in float64. */
function products(a: NdArray<"float32">, b: NdArray<"float32">): number[] {
  return perImage(a, (i) => a.data[i]! * b.data[i]!);
}

function gaps(a: NdArray<"float32">, b: NdArray<"float32">): number[] {
  return perImage(a, (i) => (a.data[i]! - b.data[i]!) ** 2).map(Math.sqrt);
}

function perImage({ shape, data }: NdArray<"float32">, term: (i: number) => number): number[] {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => {
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) sum += term(i);
    return sum;
  });
}

function cosine(product: number, a: number, b: number): number {
  if (a === 0 || b === 0) return a === b ? 1 : 0;
  return product / Math.sqrt(a) / Math.sqrt(b);
}
