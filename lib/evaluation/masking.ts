import {
  float32,
  formatEps,
  type MaskingCheck,
  type MaskingRow,
  type NdArray,
  parseEps,
  type Progress,
  type Rng,
  rng,
  scalar,
  UsageError,
} from "../core/mod.ts";
import { type Batch, type Dataset, gather } from "../data/mod.ts";
import { disposeTree, type Engine, putTree, takeTree } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import {
  attackName,
  type AttackSpec,
  drawNoise,
  judgingPasses,
  margins,
  type PgdSpec,
  projectImages,
  runAttack,
} from "../attacks/mod.ts";
import { ascentProgram, logitsProgram, type StepNorm } from "./_ascent.ts";
import * as verdicts from "./_masking_verdicts.ts";

/** What to check, and how thoroughly. */
export interface MaskingOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** Images. */
  readonly dataset: Dataset;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: "Linf" | "L2";
  /** The first n images are used. @default {100, or all where there are fewer} */
  readonly n?: number;
  /** Seed of noise and starts. */
  readonly seed: number;
  /** Images per batch. */
  readonly batchSize: number;
  /** Steps of the attack; the stronger one has four times as many, and one has four starts. @default {10} */
  readonly steps?: number;
  /** Random points of the ball tried for every image. @default {10} */
  readonly noiseDraws?: number;
  /** Attack without gradients. @default {Square with 200 queries} */
  readonly blackBox?: AttackSpec;
  /** Another network whose adversarial images are tried on this one. @default {none} */
  readonly surrogate?: { readonly method: string; readonly classifier: Classifier };
}

/** What the checks found, and what they cost. */
export interface MaskingReport {
  /** One row for each check, in order. */
  readonly rows: readonly MaskingRow[];
  /** Images that were used. */
  readonly n: number;
  /** Radius. */
  readonly eps: string;
  /** Images that went forward through a network. */
  readonly forwardPasses: number;
  /** Images that went back through a network. */
  readonly backwardPasses: number;
}

/** Radius at which every image can become grey, given its number of pixel values: the ball grows up to here. */
const FARTHEST: { readonly [N in StepNorm]: (values: number) => number } = {
  Linf: () => 0.5,
  L2: (values) => Math.sqrt(values) / 2,
};

/**
 * Looks for signs that a network hides its gradients, so that the robust accuracy measured on it says more about the
 * attack than about the network: the warnings of AutoAttack and the checks of the evaluation checklist, each with its
 * value and a verdict. "fail" means that attacks with gradients are not to be believed here, "warn" that one should look.
 * A network that passes may still be broken by an attack made for it.
 *
 * Of a classifier that draws ({@linkcode Classifier.noise}) "random-outputs" warns, and tells what PGD leaves by the
 * gradient of one draw per step and by the mean over 16; the other checks attack by single draws.
 *
 * Attacks are tried on those of the images that are classified correctly; accuracies are shares of all of them.
 *
 * Source: Athalye, Carlini, Wagner (2018), "Obfuscated gradients give a false sense of security", section 3.1; Carlini
 * et al. (2019), "On evaluating adversarial robustness", the checklist; Pintor et al. (2022), "Indicators of attack
 * failure"; Croce and Hein (2020), checks.py of AutoAttack's code. Thresholds stand beside each check in
 * `_masking_verdicts.ts`, with those that are ours named so.
 *
 * @param engine Where it runs.
 * @param options What to check.
 * @returns Progress in checks; at the end the report.
 * @throws {UsageError} If a setting cannot be used.
 * @throws {DataError} If the images do not fit the network, or its outputs are not finite.
 */
export async function* maskingReport(
  engine: Engine,
  options: MaskingOptions,
): AsyncGenerator<Progress, MaskingReport, void> {
  const { method, classifier, dataset, eps: text, surrogate } = options;
  const { norm = "Linf", seed, steps = 10, noiseDraws = 10 } = options;
  const n = Math.min(options.n ?? 100, dataset.ids.length);
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new UsageError(`Cannot check ${options.n} images for masked gradients: write a positive integer`);
  }
  const eps = parseEps(text, Infinity);
  if (eps === 0) throw new UsageError("Cannot check for masked gradients at radius 0: write a radius such as 8/255");
  const size = Math.min(options.batchSize, n);
  const passes = { forward: 0, backward: 0 };
  const rows: MaskingRow[] = [];
  const label = `checks of ${method}`;
  const add = (...found: readonly verdicts.Verdict[]): Progress => {
    rows.push(...found.map((verdict) => ({ method, ...verdict })));
    return { label, done: rows.length, total: MASKING_CHECKS.length, detail: found.at(-1)!.check };
  };
  const load = (indices: readonly number[]): Batch =>
    gather(dataset, Array.from({ length: size }, (_, k) => indices[k] ?? indices[0]!), indices.length);
  const chunksOf = (indices: readonly number[]): number[][] =>
    Array.from({ length: Math.ceil(indices.length / size) }, (_, k) => indices.slice(k * size, (k + 1) * size));

  const program = logitsProgram(engine, classifier.logits);
  const logitsOf = async ({ x, ids }: Batch, draw = 0): Promise<number[][]> => {
    passes.forward += x.shape[0]!;
    const noise = drawNoise(classifier, ids, rng(seed, "masking", "outputs", draw));
    const z = await takeTree(engine, await program({ weights: classifier.weights, x, ...noise }));
    return Array.from(
      { length: x.shape[0]! },
      (_, row) => Array.from(z.data.slice(row * classifier.classes, (row + 1) * classifier.classes)),
    );
  };

  const everything = Array.from({ length: n }, (_, i) => i);
  const firstBatch = load(everything.slice(0, size));
  const clean: number[] = [];
  for (const indices of chunksOf(everything)) {
    passes.forward += size * judgingPasses(classifier);
    clean.push(...(await margins(engine, classifier, load(indices))).subarray(0, indices.length));
  }
  const correct = everything.filter((i) => clean[i]! >= 0);

  /** Runs an attack on some images; gives those that are left. */
  const attacked = async (spec: AttackSpec, radius: number, indices: readonly number[]): Promise<number[]> => {
    const left: number[] = [];
    for (const chunk of chunksOf(indices)) {
      const result = await runAttack(
        engine,
        classifier,
        load(chunk),
        spec,
        radius,
        rng(seed, "masking", attackName(spec)),
      );
      passes.forward += size * result.forwardPasses;
      passes.backward += size * result.backwardPasses;
      left.push(...chunk.filter((_, k) => result.success[k] === 0));
    }
    return left;
  };
  const share = (indices: readonly number[]): number => indices.length / n;
  const pgd: PgdSpec = { kind: "pgd", steps, norm };

  const once = await logitsOf(firstBatch);
  const twice = differences(once, await logitsOf(firstBatch, 1));
  if (classifier.noise === undefined) yield add(verdicts.randomOutputs(...twice));
  else {
    const mean: PgdSpec = { ...pgd, samples: SAMPLES };
    const left = [await attacked(pgd, eps, correct), await attacked(mean, eps, correct)].map(share);
    yield add(verdicts.drawnOutputs(...twice, left, [pgd, mean].map(attackName)));
  }
  const flat = once.flat();
  const sums = once.map((z) => Math.abs(z.reduce((sum, value) => sum + value, 0) - 1));
  yield add(
    verdicts.probabilities(Math.min(...flat), Math.max(...flat), Math.max(...sums)),
    verdicts.fewClasses(classifier.classes),
  );
  // Each of some images in a batch of nothing else: of the same shape, so that a sound network gives the same bits.
  const alone: number[][] = [];
  const within = once.slice(0, Math.min(3, size));
  for (const row of within.keys()) alone.push((await logitsOf(load([row])))[0]!);
  yield add(verdicts.batchDependence(...differences(within, alone)));

  if (correct.length === 0) {
    const made = new Set(rows.map(({ check }) => check));
    const left = MASKING_CHECKS.filter((check) => !made.has(check));
    yield add(...left.map((check) => verdicts.skipped(check, "no image is classified correctly")));
    return { rows, n, eps: text, forwardPasses: passes.forward, backwardPasses: passes.backward };
  }

  const { zero, rises, drops } = await path(engine, classifier, chunksOf(correct).map(load), {
    norm,
    eps,
    stream: rng(seed, "masking", "path"),
    passes,
  });
  yield add(verdicts.zeroGradients(zero / correct.length), verdicts.lossRises(rises, drops));

  const base = await attacked(pgd, eps, correct);
  let shaken: readonly number[] = correct;
  for (let draw = 0; draw < noiseDraws; draw++) {
    const left: number[] = [];
    for (const chunk of chunksOf(shaken)) {
      const batch = load(chunk);
      const x = corner(batch, norm, eps, rng(seed, "masking", "noise", draw));
      passes.forward += size * judgingPasses(classifier);
      const found = await margins(engine, classifier, { ...batch, x });
      left.push(...chunk.filter((_, k) => found[k]! >= 0));
    }
    shaken = left;
  }
  yield add(verdicts.noise(share(shaken), share(base), n));
  const one = await attacked({ kind: "fgsm", norm }, eps, correct);
  yield add(verdicts.oneStep(share(one), share(base), n));
  const longer: PgdSpec = { ...pgd, steps: 4 * steps };
  // What fell already stays fallen: only the images that are left can be broken by more steps and more starts.
  const long = await attacked(longer, eps, base);
  yield add(verdicts.moreSteps(share(base), share(long), [attackName(pgd), attackName(longer)]));
  const restarts = 4;
  const restarted = await attacked({ ...pgd, restarts }, eps, base);
  yield add(verdicts.moreRestarts(share(base), share(restarted), restarts));

  const margin: PgdSpec = { ...pgd, loss: "margin" };
  const other = await attacked(margin, eps, base);
  yield add(verdicts.otherLoss(share(base), share(other), [attackName(pgd), attackName(margin)]));

  let standing: readonly number[] = base;
  let radius = eps;
  const farthest = FARTHEST[norm](firstBatch.x.data.length / size);
  while (standing.length > 0 && radius < farthest) {
    radius = Math.min(2 * radius, farthest);
    standing = await attacked(pgd, radius, standing);
  }
  // Nothing can be broken where every image gets the same class.
  const classes = new Set([...once.map(best), ...correct.map((i) => dataset.labels[i]!)]);
  yield add(verdicts.unbounded(share(standing), formatEps(radius, Infinity), classes.size === 1));

  const white = base.filter((i) => [long, restarted, one, other].every((left) => left.includes(i)));
  const blackBox: AttackSpec = options.blackBox ?? { kind: "square", norm, queries: 200 };
  const black = await attacked(blackBox, eps, correct);
  yield add(verdicts.blackBox(share(black), share(white), attackName(blackBox), n));
  if (surrogate === undefined) {
    yield add(verdicts.skipped("transfer", "no other network is given"));
  } else {
    const left: number[] = [];
    for (const chunk of chunksOf(correct)) {
      const batch = load(chunk);
      const made = await runAttack(engine, surrogate.classifier, batch, pgd, eps, rng(seed, "masking", "transfer"));
      passes.forward += size * (made.forwardPasses + judgingPasses(classifier));
      passes.backward += size * made.backwardPasses;
      const found = await margins(engine, classifier, { ...batch, x: made.xAdv });
      left.push(...chunk.filter((_, k) => found[k]! >= 0));
    }
    yield add(verdicts.transfer(share(left), share(white), surrogate.method, n));
  }
  return { rows, n, eps: text, forwardPasses: passes.forward, backwardPasses: passes.backward };
}

/** Every check, in the order of the rows. */
export const MASKING_CHECKS: readonly MaskingCheck[] = [
  "random-outputs",
  "logits",
  "classes",
  "batch",
  "zero-gradients",
  "loss-rises",
  "noise",
  "one-step",
  "more-steps",
  "more-restarts",
  "other-loss",
  "unbounded",
  "black-box",
  "transfer",
];

/** Largest difference of two lists of logits, each scaled to length 1, and how many of the classes differ. */
function differences(a: readonly number[][], b: readonly number[][]): [difference: number, changed: number] {
  const unit = (z: readonly number[]): number[] => {
    const length = Math.hypot(...z) + 1e-10;
    return z.map((value) => value / length);
  };
  const distances = a.map((z, row) => {
    const [u, v] = [unit(z), unit(b[row]!)];
    return Math.hypot(...u.map((value, k) => value - v[k]!));
  });
  return [Math.max(...distances), a.filter((z, row) => best(z) !== best(b[row]!)).length];
}

function best(z: readonly number[]): number {
  return z.indexOf(Math.max(...z));
}

/** Draws per step that are tried on a network with random outputs. */
const SAMPLES = 16;

/** Steps of the path along which the loss is watched; each is a fifth of the radius. */
const PATH_STEPS = 10;

/** Follows the loss along steps from the image itself: images of gradient 0, and how far the loss rises and falls. */
async function path(
  engine: Engine,
  classifier: Classifier,
  batches: readonly Batch[],
  { norm, eps, stream, passes }: {
    readonly norm: StepNorm;
    readonly eps: number;
    readonly stream: Rng;
    readonly passes: { forward: number; backward: number };
  },
): Promise<{ readonly zero: number; readonly rises: number; readonly drops: number }> {
  const program = ascentProgram(engine, classifier.logits, norm);
  const { weights } = classifier;
  const found = { zero: 0, rises: 0, drops: 0 };
  for (const batch of batches) {
    const { x, y } = putTree(engine, { x: batch.x, y: batch.y });
    let xAdv = putTree(engine, { x: batch.x }).x;
    let before: ArrayLike<number> | undefined;
    try {
      for (let step = 0; step < PATH_STEPS; step++) {
        const noise = drawNoise(classifier, batch.ids, stream.child(step));
        const outputs = await program({ weights, x, y, xAdv, eps: scalar(eps), stepSize: scalar(eps / 5), ...noise });
        const { loss, gradient } = await takeTree(engine, { loss: outputs.loss, gradient: outputs.gradient });
        xAdv.dispose();
        xAdv = outputs.next;
        passes.forward += x.shape[0]!;
        passes.backward += x.shape[0]!;
        for (let row = 0; row < batch.count; row++) {
          if (before === undefined) found.zero += gradient.data[row] === 0 ? 1 : 0;
          else {
            const rise = loss.data[row]! - before[row]!;
            if (rise > 0) found.rises += rise;
            else found.drops -= rise;
          }
        }
        before = loss.data;
      }
    } finally {
      disposeTree({ x, y, xAdv });
    }
  }
  return found;
}

/** The images moved to a random corner of the ball (Linf) or a random point of its sphere (L2), inside the box. */
function corner({ x, ids }: Batch, norm: StepNorm, eps: number, stream: Rng): NdArray<"float32"> {
  const size = x.data.length / ids.length;
  const moved = float32(x.shape);
  ids.forEach((id, row) => {
    const draws = stream.child(id).normal(size);
    const length = norm === "Linf" ? 1 : Math.hypot(...draws);
    for (let i = 0; i < size; i++) {
      const unit = norm === "Linf" ? Math.sign(draws[i]!) : draws[i]! / length;
      moved.data[row * size + i] = x.data[row * size + i]! + eps * unit;
    }
  });
  return projectImages(moved, x, norm, eps);
}
