import { mcnemar, type NdArray, type Rng } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { classCounts } from "./_class_counts.ts";
import { smoothing, type SmoothingSpec } from "./smoothing_spec.ts";

/** What a smoothed classifier says about one image. */
export interface SmoothedPrediction {
  /** The class; undefined where the draws cannot tell the two most frequent ones apart. */
  readonly prediction: number | undefined;
  /** How often each class came [classes]. */
  readonly counts: Int32Array;
}

/**
 * PREDICT: the class that the smoothed classifier g(x) = argmax_k P(f(x + sigma n) = k) gives, or none. With probability
 * 1 - alpha a class that is given is that of g: the two most frequent classes are compared by the exact two-sided
 * binomial test.
 *
 * Source: Cohen, Rosenfeld, Kolter, "Certified adversarial robustness via randomized smoothing" (2019), section 3.2.1 and
 * figure 2.
 *
 * @param engine Where it runs.
 * @param classifier The base classifier f.
 * @param image Pixels in [0,1], [H, W, C].
 * @param spec The noise; its `draws` are made.
 * @param stream Stream of the image.
 * @returns Draws done after each batch; at the end the class and the counts.
 * @throws {UsageError} If a field of the spec is out of range, or the classifier is random itself.
 * @throws {DataError} If a logit is not finite.
 */
export async function* predictSmoothed(
  engine: Engine,
  classifier: Classifier,
  image: NdArray<"float32">,
  spec: SmoothingSpec,
  stream: Rng,
): AsyncGenerator<number, SmoothedPrediction, void> {
  const { alpha, ...noise } = smoothing(spec);
  const counts = yield* classCounts(engine, classifier, image, { ...noise, stream: stream.child("predict") });
  const order = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]!);
  const [first = 0, second = 0] = order;
  const isSure = mcnemar(counts[first]!, order.length === 1 ? 0 : counts[second]!) <= alpha;
  return { prediction: isSure ? first : undefined, counts };
}
