import {
  DataError,
  formatEps,
  type MeasurementRow,
  type NdArray,
  parseEps,
  type Progress,
  rng,
  UsageError,
} from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { attackPasses, type AttackSpec, MAX_EPS, runAttack } from "../attacks/mod.ts";
import { checkShapes } from "./check_shapes.ts";
import { inputGradients } from "./input_gradients.ts";
import { localLinearity, localLinearityPasses, type LocalLinearitySpec } from "./local_linearity.ts";

/** What to analyse. */
export interface AnalyzeOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** Its teacher; without one there is no gap and no cosine. */
  readonly teacher?: Classifier;
  /** Images, each id once; the paper takes 1,000. */
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
  /** Rows that exist; they are not yielded again. @default none */
  readonly done?: readonly MeasurementRow[];
}

/** What {@linkcode analyze} tells. */
export type AnalysisEvent =
  /** New rows, to be appended to those before. */
  | { readonly kind: "measurements"; readonly rows: readonly MeasurementRow[] }
  /** How far it has come, in passes: an image forward or back through the network is one. */
  | ({ readonly kind: "progress" } & Progress);

/**
 * The paper's analysis of a network, a row per radius and image: the local linearity error around the image, and at its
 * adversarial image of that radius (the image itself at 0) the cross-entropy, the length of its input gradient
 * ||g_S||_2, and against a teacher the gap ||g_S - g_T||_2 and the cosine of the two gradients (1 where both are 0, 0
 * where one is). {@linkcode summarizeAnalysis} gives their means.
 *
 * Interrupted, it can be called again with the rows that exist: a batch that has all of its rows is not measured again,
 * another is measured in whole, so the rows are those of an uninterrupted run bit for bit.
 *
 * Source: Shao et al. (2021), the quantities that its analysis compares; Differs in taking gradients of each image's own
 * loss, where the released code takes those of the batch mean.
 *
 * @param engine Where it runs.
 * @param options What to analyse.
 * @returns Events, rows in the order of radii and images.
 * @throws {UsageError} If there are fewer than two images, or a radius or a setting cannot be used.
 * @throws {DataError} As `runAttack`; if the teacher takes other images or classes than the network, or a measurement is
 * not finite.
 */
export async function* analyze(engine: Engine, options: AnalyzeOptions): AsyncGenerator<AnalysisEvent, void, void> {
  const { method, classifier, teacher, dataset, seed, linearity = {}, done = [] } = options;
  const attack = options.attack ?? { kind: "pgd", steps: 10 };
  const n = dataset.ids.length;
  if (n < 2) throw new UsageError(`Cannot analyse "${method}" on ${n} images: use at least two`);
  checkShapes(method, classifier, dataset, teacher);
  const most = MAX_EPS[attack.norm ?? "Linf"];
  const radii = [...new Set(options.eps.map((eps) => formatEps(eps, most)))];
  const size = Math.min(options.batchSize, n);
  const isDone = new Set(done.filter((row) => row.method === method).map(({ eps, image }) => `${eps} ${image}`));
  const work = radii.flatMap((eps) =>
    Array.from({ length: Math.ceil(n / size) }, (_, k) => {
      const indices = Array.from({ length: Math.min(size, n - k * size) }, (_, i) => k * size + i);
      return { eps, indices, missing: indices.filter((i) => !isDone.has(`${eps} ${dataset.ids[i]}`)) };
    })
  ).filter(({ missing }) => missing.length > 0);
  const passesAt = (eps: string): number => {
    const gradients = teacher === undefined ? 2 : 4;
    if (parseEps(eps, most) === 0) return gradients;
    const { forwardPasses, backwardPasses } = attackPasses(attack, classifier.classes);
    return gradients + forwardPasses + backwardPasses + localLinearityPasses(linearity);
  };
  const total = work.reduce((sum, { eps, indices }) => sum + indices.length * passesAt(eps), 0);
  let passed = 0;
  for (const { eps, indices, missing } of work) {
    const batch = gather(dataset, Array.from({ length: size }, (_, k) => indices[k] ?? indices[0]!), indices.length);
    const radius = parseEps(eps, most);
    const stream = rng(seed, "analysis");
    const errors = await localLinearity(engine, classifier, batch, radius, stream, linearity);
    const x = radius === 0
      ? batch.x
      : (await runAttack(engine, classifier, batch, attack, radius, stream.child("attack"))).xAdv;
    const student = await inputGradients(engine, classifier, { x, y: batch.y });
    const own = products(student.gradient, student.gradient);
    const against = teacher &&
      compared(student.gradient, (await inputGradients(engine, teacher, { x, y: batch.y })).gradient);
    const rows = missing.map((i): MeasurementRow => {
      const k = indices.indexOf(i);
      return {
        method,
        eps,
        image: dataset.ids[i]!,
        localLinearity: errors[k]!,
        crossEntropy: student.loss[k]!,
        gradientNorm: Math.sqrt(own[k]!),
        gradientGap: against?.gaps[k] ?? "",
        gradientCosine: against?.cosines[k] ?? "",
      };
    });
    rows.forEach(checkFinite);
    yield { kind: "measurements", rows };
    passed += indices.length * passesAt(eps);
    yield { kind: "progress", label: `analyse ${method}`, done: passed, total, detail: `eps ${eps}` };
  }
}

function checkFinite(row: MeasurementRow): void {
  const wrong = Object.entries(row).find(([, value]) => typeof value === "number" && !Number.isFinite(value));
  if (wrong === undefined) return;
  throw new DataError(
    `Cannot analyse "${row.method}" as its ${wrong[0]} is ${wrong[1]} at image ${row.image} and eps ${row.eps}: ` +
      "use a network whose loss is finite there",
  );
}

/** Gaps and cosines of each image's two gradients. */
function compared(
  student: NdArray<"float32">,
  teacher: NdArray<"float32">,
): { readonly gaps: number[]; readonly cosines: number[] } {
  const [own, other, both] = [products(student, student), products(teacher, teacher), products(student, teacher)];
  const gaps = perImage(student, (i) => (student.data[i]! - teacher.data[i]!) ** 2).map(Math.sqrt);
  return { gaps, cosines: both.map((product, i) => cosine(product, own[i]!, other[i]!)) };
}

/** Scalar product of each image's arrays, in float64. */
function products(a: NdArray<"float32">, b: NdArray<"float32">): number[] {
  return perImage(a, (i) => a.data[i]! * b.data[i]!);
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
