import { type EpochRow, parseEps, rng, UsageError } from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { attackName, margins, type PgdSpec, runAttack } from "../attacks/mod.ts";
import { checkShapes } from "./check_shapes.ts";
import { type LossGapBound, lossGapBound } from "./loss_gap_bound.ts";

/** What is looked at while a network is trained. */
export interface WatchNetworkOptions {
  /** Name of the network, for messages. */
  readonly method: string;
  /** The network as it is now, in evaluation mode. */
  readonly classifier: Classifier;
  /** Images to look at: held out from training, and none of those that results are told of. */
  readonly dataset: Dataset;
  /** The attack, in Linf. */
  readonly attack: PgdSpec;
  /** Its radius in pixel units as text. */
  readonly eps: string;
  /** Seed of the random starts: the same at every look, so that epochs can be compared. */
  readonly seed: number;
  /** Images per batch; changes the time it takes, not the accuracies. */
  readonly batchSize: number;
  /** Against whom the theory is checked ({@linkcode lossGapBound}). @default {the theory is not checked} */
  readonly teacher?: Classifier;
}

/** What is seen: the columns of a row of `epochs.csv` that need no training. */
export type WatchedNetwork = Omit<EpochRow, "method" | "epoch" | "trainAccuracy" | "alarm">;

/**
 * Looks at a network in training: its accuracy on held-out images without and under a short attack, and against a
 * teacher both sides of the theory's bound. An image that is wrong without an attack counts as wrong under it.
 *
 * @param engine Where it runs.
 * @param options What to look at.
 * @returns Accuracies, and means over the images.
 * @throws {UsageError} If there is no image, or the attack or radius cannot be used.
 * @throws {DataError} If images do not fit a network, or its logits are not finite.
 */
export async function watchNetwork(engine: Engine, options: WatchNetworkOptions): Promise<WatchedNetwork> {
  const { method, classifier, dataset, attack, eps, seed, batchSize, teacher } = options;
  const n = dataset.ids.length;
  if (n === 0) throw new UsageError(`Cannot watch "${method}" on no images: use at least one`);
  checkShapes(method, classifier, dataset, teacher);
  const radius = parseEps(eps);
  const size = Math.min(batchSize, n);
  const stream = rng(seed, "watch");
  let [clean, robust] = [0, 0];
  const checks: LossGapBound[] = [];
  for (let from = 0; from < n; from += size) {
    const count = Math.min(size, n - from);
    // The last batch is filled up with its first image: another size would be traced anew.
    const batch = gather(dataset, Array.from({ length: size }, (_, k) => k < count ? from + k : from), count);
    const cleanMargins = await margins(engine, classifier, batch);
    const { margin, xAdv } = await runAttack(engine, classifier, batch, attack, radius, stream.child("attack"));
    for (let k = 0; k < count; k++) {
      if (cleanMargins[k]! < 0) continue;
      clean++;
      if (margin[k]! >= 0) robust++;
    }
    if (teacher === undefined) continue;
    const found = await lossGapBound(engine, classifier, teacher, batch, xAdv, radius, stream.child("linearity"));
    checks.push(...found.slice(0, count));
  }
  const mean = (value: (check: LossGapBound) => number): number | "" =>
    teacher === undefined ? "" : checks.reduce((sum, check) => sum + value(check), 0) / n;
  const largest = ({ cleanLossGap, attackLossGap, searchLossGap }: LossGapBound): number =>
    Math.max(cleanLossGap, attackLossGap, searchLossGap);
  return {
    n,
    attack: attackName(attack),
    eps,
    cleanAccuracy: clean / n,
    robustAccuracy: robust / n,
    gapL1: mean(({ gapL1 }) => gapL1),
    gapL2: mean(({ gapL2 }) => gapL2),
    linearity: mean(({ linearity }) => linearity),
    teacherLinearity: mean(({ teacherLinearity }) => teacherLinearity),
    cleanLossGap: mean(({ cleanLossGap }) => cleanLossGap),
    attackLossGap: mean(({ attackLossGap }) => attackLossGap),
    searchLossGap: mean(({ searchLossGap }) => searchLossGap),
    bound: mean(({ bound }) => bound),
    slack: mean((check) => check.bound - largest(check)),
    violations: teacher === undefined ? "" : checks.filter(({ violated }) => violated).length,
  };
}
