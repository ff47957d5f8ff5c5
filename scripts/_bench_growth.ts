import {
  attackPasses,
  type Classifier,
  createModel,
  type Dataset,
  disposeTree,
  type Engine,
  evaluate,
  type FgsmSpec,
  freeze,
  type Model,
  type NdArray,
  putTree,
  shapes,
  subset,
  train,
  type Weights,
} from "../mod.ts";
import { type BenchCase, OPTIMIZER } from "./_bench_arrays.ts";
import { benchRows, measure, rounded } from "./_bench_measure.ts";
import { benchSteps, type StepName } from "./_bench_steps.ts";
import { WARM_UPS } from "./_bench_times.ts";

/** How cost grows with one quantity. */
export interface GrowthRow {
  /** What grows; "images so far" is how far a single run has come. */
  readonly over: "width" | "batch" | "image size" | "images" | "images so far";
  /** How large it is. */
  readonly value: number;
  /** What was called. */
  readonly step: string;
  /** Name of the engine. */
  readonly engine: string;
  /** Median time of a call, ms; null of whole runs. */
  readonly medianMs: number | null;
  /** Time per image, ms. */
  readonly msPerImage: number;
  /** 10^9 floating-point operations per second; null where they are not counted. */
  readonly gflops: number | null;
}

/** What is varied. */
export interface GrowthPlan {
  /** Cases to run, by what grows in them. */
  readonly cases: readonly { readonly over: GrowthRow["over"]; readonly value: number; readonly one: BenchCase }[];
  /** Lengths of data sets. */
  readonly lengths: readonly number[];
  /** Images per batch of the data sets. */
  readonly batch: number;
}

const STEPS: readonly StepName[] = ["cross-entropy step", "KDIGA step, linear teacher"];
/** Parts that the longest run is told in. */
const PARTS = 4;
const FGSM: FgsmSpec = { kind: "fgsm" };
const FGSM_PASSES = Object.values(attackPasses(FGSM)).reduce((sum, passes) => sum + passes);

/** What is varied; `small` takes seconds. */
export function growthPlan(small: boolean): GrowthPlan {
  const vary = (over: GrowthRow["over"], values: readonly number[], one: (value: number) => BenchCase) =>
    values.map((value) => ({ over, value, one: one(value) }));
  if (small) {
    return {
      cases: [
        ...vary("width", [2], (width) => ({ width, batch: 2 })),
        ...vary("batch", [3], (batch) => ({ width: 2, batch })),
        ...vary("image size", [16], (size) => ({ width: 2, batch: 2, size })),
      ],
      lengths: [40, 80],
      batch: 10,
    };
  }
  return {
    cases: [
      ...vary("width", [16, 32, 64], (width) => ({ width, batch: 32 })),
      ...vary("batch", [16, 32, 64, 128], (batch) => ({ width: 16, batch })),
      ...vary("image size", [32, 64, 96], (size) => ({ width: 16, batch: 16, size })),
    ],
    lengths: [1000, 4000, 16_000],
    batch: 50,
  };
}

/** Measures how the cost of two steps grows. */
export async function stepGrowth(
  engine: Engine,
  { over, value, one }: GrowthPlan["cases"][number],
  runs: number,
): Promise<GrowthRow[]> {
  const { steps, dispose } = benchSteps(engine, one, STEPS);
  const measured = await measure(steps, { runs, warmUps: WARM_UPS });
  const rows = benchRows(measured, one, engine.name).map(({ step, medianMs, gflops }) => (
    { over, value, step, engine: engine.name, medianMs, msPerImage: rounded(medianMs / one.batch), gflops }
  ));
  dispose();
  return rows;
}

/**
 * Measures the time per image of training and of evaluation (as they are, and under FGSM): over the length of the data
 * set, as many images in all for each, and over the parts of a run on the longest. The network is a small one; what is
 * evaluated is what was trained on the longest set, so that of each set the same share of images is attacked.
 */
export async function runGrowth(
  engine: Engine,
  { lengths, batch }: GrowthPlan,
  onRun: (detail: string) => void,
): Promise<GrowthRow[]> {
  const longest = Math.max(...lengths);
  const all = shapes({ seed: 1, train: longest, test: 0 }).train;
  const sets = lengths.map((length) => subset(all, Array.from({ length }, (_, i) => i)));
  const model = createModel({ kind: "cnn" }, { classes: all.classes.length, inputShape: all.imageShape });
  const rows: GrowthRow[] = [];
  const add = (over: GrowthRow["over"], value: number, step: string, msPerImage: number) =>
    rows.push({
      over,
      value,
      step,
      engine: engine.name,
      medianMs: null,
      msPerImage: rounded(msPerImage),
      gflops: null,
    });

  let last: TrainingRun | undefined;
  for (const dataset of sets) {
    last = await trainingRun(engine, model, dataset, { epochs: longest / dataset.ids.length, batch });
    add("images", dataset.ids.length, "training", msPerImage(last.marks));
    onRun("training");
  }
  const classifier = freeze(model, putTree(engine, last!.weights));
  await evaluationRun(engine, classifier, sets[0]!, batch); // makes the programs
  let marks: readonly Mark[] = [];
  for (const dataset of sets) {
    const times = longest / dataset.ids.length;
    const start = performance.now();
    for (let i = 0; i < times; i++) marks = await evaluationRun(engine, classifier, dataset, batch);
    add("images", dataset.ids.length, "evaluation", (performance.now() - start) / longest);
    onRun("evaluation");
  }
  for (const part of partsOf(last!.marks)) {
    add("images so far", Math.round(part.at(-1)!.images), "training", msPerImage(part));
  }
  for (const part of partsOf(marks)) add("images so far", Math.round(part.at(-1)!.images), "FGSM", msPerImage(part));
  disposeTree(classifier.weights);
  return rows;
}

/** When a run had come how far. */
export interface Mark {
  /** Images done. */
  readonly images: number;
  /** The clock then, ms. */
  readonly ms: number;
}

/** Time per image from the first mark to the last, ms. */
export function msPerImage(marks: readonly Mark[]): number {
  const [first, last] = [marks[0]!, marks.at(-1)!];
  return (last.ms - first.ms) / (last.images - first.images);
}

/** Cuts a run into parts of about as many marks, each beginning where the one before ends; fewer of a short run. */
export function partsOf(marks: readonly Mark[]): (readonly Mark[])[] {
  const length = Math.max(1, (marks.length - 1) / PARTS);
  const cut = (part: number) => Math.round(part * length);
  return Array.from({ length: PARTS }, (_, part) => marks.slice(cut(part), cut(part + 1) + 1))
    .filter((part) => part.length > 1);
}

interface TrainingRun {
  readonly weights: Weights<NdArray>;
  /** After each step; the program is made before the first. */
  readonly marks: readonly Mark[];
}

async function trainingRun(
  engine: Engine,
  model: Model,
  dataset: Dataset,
  { epochs, batch }: { readonly epochs: number; readonly batch: number },
): Promise<TrainingRun> {
  const marks: Mark[] = [];
  const schedule = { kind: "constant", peak: 0.05 } as const;
  const objective = { kind: "natural" } as const;
  const fixed = { name: "growth", seed: 1, objective, optimizer: OPTIMIZER, schedule };
  for await (const event of train(engine, { ...fixed, model, dataset, epochs, batchSize: batch })) {
    if (event.kind === "step") marks.push({ images: event.done * batch, ms: performance.now() });
    if (event.kind === "end") return { weights: event.weights, marks };
  }
  throw new Error("Cannot go on as the training has no end");
}

/** The marks of the attack's batches; images that are misclassified as they are do not count. */
async function evaluationRun(
  engine: Engine,
  classifier: Classifier,
  dataset: Dataset,
  batch: number,
): Promise<readonly Mark[]> {
  const marks: Mark[] = [];
  const fixed = { method: "growth", seed: 1, attacks: [{ attack: FGSM }], eps: ["8/255"] };
  for await (const event of evaluate(engine, { ...fixed, classifier, dataset, batchSize: batch })) {
    if (event.kind !== "progress" || event.label === "clean") continue;
    marks.push({ images: (event.done - dataset.ids.length) / FGSM_PASSES, ms: performance.now() });
  }
  return marks;
}
