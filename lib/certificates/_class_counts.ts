import { DataError, float32, type NdArray, type Rng, scalar, sizeOf, UsageError } from "../core/mod.ts";
import { add, cachedProgram, type Engine, mul, type Program, type Tensor } from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";

/** Which draws are counted. */
export interface CountOptions {
  /** Standard deviation of the noise in pixel units. */
  readonly sigma: number;
  /** How many. */
  readonly draws: number;
  /** Draws in a forward pass. */
  readonly batchSize: number;
  /** Draw k comes from its child k. */
  readonly stream: Rng;
}

/**
 * How often each class comes out for x + sigma n, n normal. Draws are keyed by their number, so that the counts do not
 * depend on the size of a batch; the next ones are made while the engine is busy.
 *
 * @param engine Where it runs.
 * @param classifier Who is asked; of equal largest logits the first class counts.
 * @param image Pixels [H, W, C].
 * @param options The draws.
 * @returns Draws done after each batch; at the end counts [classes].
 * @throws {UsageError} If the classifier is random itself.
 * @throws {DataError} If a logit is not finite.
 */
export async function* classCounts(
  engine: Engine,
  classifier: Classifier,
  image: NdArray<"float32">,
  { sigma, draws, batchSize, stream }: CountOptions,
): AsyncGenerator<number, Int32Array, void> {
  if (classifier.noise !== undefined) {
    throw new UsageError("Cannot smooth a classifier that is random itself: give the classifier without its noise");
  }
  const { classes, inputShape } = classifier;
  const size = sizeOf(inputShape);
  const rows = Math.min(batchSize, draws);
  const program = noisyLogits(engine, classifier.logits);
  // The last batch is filled up with draws that are not counted: another shape would be compiled anew.
  const noiseFrom = (from: number): NdArray<"float32"> => {
    const noise = new Float32Array(rows * size);
    for (let row = 0; row < rows; row++) noise.set(stream.child(from + row).normal(size), row * size);
    return float32([rows, ...inputShape], noise);
  };
  const x = float32([1, ...inputShape], image.data);
  const counts = new Int32Array(classes);
  let noise = noiseFrom(0);
  for (let from = 0; from < draws; from += rows) {
    const asked = program({ weights: classifier.weights, x, noise, sigma: scalar(sigma) });
    if (from + rows < draws) noise = noiseFrom(from + rows);
    const value = await asked;
    const counted = Math.min(rows, draws - from);
    try {
      const { data } = await engine.read(value);
      for (let row = 0; row < counted; row++) counts[largest(data, row * classes, classes)]!++;
    } finally {
      value.dispose();
    }
    yield from + counted;
  }
  return counts;
}

function largest(logits: ArrayLike<number>, from: number, classes: number): number {
  let best = 0;
  for (let k = 0; k < classes; k++) {
    const logit = logits[from + k]!;
    if (!Number.isFinite(logit)) {
      throw new DataError(`Cannot smooth a classifier whose logit is ${logit}: use one with finite weights`);
    }
    if (logit > logits[from + best]!) best = k;
  }
  return best;
}

interface NoisyInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly noise: Tensor;
  readonly sigma: Tensor;
}

function noisyLogits(engine: Engine, logits: Classifier["logits"]): Program<NoisyInputs, Tensor> {
  return cachedProgram(
    engine,
    logits,
    "logits under noise",
    () => ({ weights, x, noise, sigma }: NoisyInputs) => logits(weights, add(x, mul(noise, sigma))),
  );
}
