import { float32, type NdArray } from "../core/mod.ts";
import { disposeTree, type Engine, type Leaf, putTree, takeTree, type Tensor } from "../engine/mod.ts";
import { BATCH_NORM_MOMENTUM, type Model, type Weights } from "../models/mod.ts";
import type { Named } from "./optimizer.ts";

/** A batch for {@linkcode estimateStatistics}. */
export interface StatisticsBatch {
  /** Pixels [B, H, W, C]. */
  readonly x: Leaf;
  /** What decides which parts of the network are dropped [B, n]. */
  readonly noise?: Leaf | undefined;
}

/**
 * Running statistics of batch norm for weights that were not trained themselves, such as an average: the mean over some
 * batches of what each batch has, networks in training mode. The running ones of the weights that were averaged do not
 * belong to the average, whose activations are others.
 *
 * Source: Izmailov et al. (2018), section 3.2; `torch.optim.swa_utils.update_bn` (PyTorch 2).
 *
 * @param engine Where it runs.
 * @param model The network.
 * @param weights Its weights, in memory; the shapes of its running statistics are all that is taken of them.
 * @param batches Batches of training images.
 * @returns The statistics, in memory; none for a network without batch norm, whose batches are not asked for.
 */
export async function estimateStatistics(
  engine: Engine,
  model: Model,
  { parameters, buffers }: Weights<NdArray>,
  batches: AsyncIterable<StatisticsBatch>,
): Promise<Named<NdArray>> {
  const all = Object.entries(buffers);
  if (all.length === 0) return {};
  const zeros = Object.fromEntries(all.map(([name, { shape }]) => [name, float32(shape)]));
  const sums = Object.fromEntries(all.map(([name, { data }]) => [name, new Float64Array(data.length)]));
  // From zeros, a pass leaves the batch's own times the momentum.
  const program = engine.compile(
    ({ x, noise, parameters, buffers }: StatisticsInputs) =>
      model.apply({ parameters, buffers }, x, "train", noise).buffers,
    { name: "statistics" },
  );
  const held = putTree(engine, { parameters, buffers: zeros });
  let count = 0;
  try {
    for await (const { x, noise } of batches) {
      const found = await takeTree(engine, await program({ ...held, x, noise }));
      for (const [name, sum] of Object.entries(sums)) {
        found[name]!.data.forEach((value: number, i: number) => sum[i]! += value);
      }
      count++;
    }
  } finally {
    disposeTree(held);
    program.dispose();
  }
  const scale = 1 / (count * BATCH_NORM_MOMENTUM);
  return Object.fromEntries(
    all.map(([name, { shape }]) => [name, float32(shape, Float32Array.from(sums[name]!, (sum) => sum * scale))]),
  );
}

interface StatisticsInputs {
  readonly x: Tensor;
  readonly noise?: Tensor | undefined;
  readonly parameters: Named<Tensor>;
  readonly buffers: Named<Tensor>;
}
