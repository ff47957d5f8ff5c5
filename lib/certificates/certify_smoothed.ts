import { DataError, type NdArray, type Progress, rng, sizeOf } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { checkClasses, checkShape } from "./_check_images.ts";
import { classCounts } from "./_class_counts.ts";
import { smoothedRadius } from "./smoothed_radius.ts";
import { smoothing, type SmoothingSpec } from "./smoothing_spec.ts";

/** What smoothing certifies of one image. */
export interface SmoothingRow {
  /** Name of the base classifier. */
  readonly method: string;
  /** Id of the image. */
  readonly image: number;
  /** Its class. */
  readonly label: number;
  /** Standard deviation of the noise in pixel units. */
  readonly sigma: number;
  /** Draws that bound the probability. */
  readonly n: number;
  /** How many of them were given the class that was chosen before. */
  readonly count: number;
  /** The class that is certified; empty where nothing is. */
  readonly prediction: number | "";
  /** Lower bound of its probability. */
  readonly pLow: number;
  /** Certified L2 radius in pixel units around the image; 0 where nothing is certified. */
  readonly radius: number;
  /** 1 where the certified class is that of the image. */
  readonly correct: 0 | 1;
}

/** Images to certify. */
export interface CertifiedImages {
  /** Pixels in [0,1], [N, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [N]. */
  readonly labels: ArrayLike<number>;
  /** Ids [N]. */
  readonly ids: ArrayLike<number>;
}

/** What {@linkcode certifySmoothed} works on. */
export interface CertifySmoothedOptions extends SmoothingSpec {
  /** Name of the base classifier. */
  readonly method: string;
  /** The base classifier f. */
  readonly classifier: Classifier;
  /** The images. */
  readonly images: CertifiedImages;
  /** Seed of the noise. */
  readonly seed: number;
  /** Ids of images that rows exist of already. @default {none} */
  readonly known?: ReadonlySet<number>;
}

/** What {@linkcode certifySmoothed} reports. */
export type CertifySmoothedEvent =
  | ({ readonly kind: "progress" } & Progress)
  | { readonly kind: "row"; readonly row: SmoothingRow };

/**
 * CERTIFY: for each image the class that most of n0 draws give, and the L2 radius in which the smoothed classifier cannot
 * change it, from n draws of their own: sigma Phi^-1(pLow). With probability 1 - alpha, image by image, what a row says
 * holds. Where pLow is at most 1/2 it says nothing.
 *
 * Draws are keyed by (seed, image id, purpose, number): rows do not depend on batch size, order or restarts.
 *
 * Source: Cohen, Rosenfeld, Kolter, "Certified adversarial robustness via randomized smoothing" (2019), section 3.2.2 and
 * figure 2.
 *
 * @param engine Where it runs.
 * @param options Who, on what, and how.
 * @returns Progress in draws, and a row as soon as an image is done.
 * @throws {UsageError} If a field of the spec is out of range, or the classifier is random itself.
 * @throws {DataError} If images do not fit the classifier, or a logit is not finite.
 */
export async function* certifySmoothed(
  engine: Engine,
  { method, classifier, images, seed, known = new Set(), ...spec }: CertifySmoothedOptions,
): AsyncGenerator<CertifySmoothedEvent, void, void> {
  const { sigma, draws, selectionDraws, alpha, batchSize } = smoothing(spec);
  const { ids, labels } = images;
  checkShape("certify", classifier, images.x, labels.length);
  checkClasses(classifier, labels);
  if (ids.length !== labels.length) {
    throw new DataError(`Cannot certify ${labels.length} images with ${ids.length} ids: give one for each`);
  }
  const label = `smoothing ${method}, sigma ${sigma}`;
  const wanted = Array.from(ids, (id, i) => ({ id, i })).filter(({ id }) => !known.has(id));
  const each = draws + selectionDraws;
  const total = wanted.length * each;
  const size = sizeOf(classifier.inputShape);
  for (const [place, { id, i }] of wanted.entries()) {
    const image = {
      dtype: "float32",
      shape: images.x.shape.slice(1),
      data: images.x.data.subarray(i * size, (i + 1) * size),
    } as const;
    const stream = rng(seed, "smoothing", id);
    let before = place * each;
    const counted = async function* (purpose: string, count: number) {
      const options = { sigma, draws: count, batchSize, stream: stream.child(purpose) };
      const counts = classCounts(engine, classifier, image, options);
      for (;;) {
        const { done, value } = await counts.next();
        if (done) {
          before += count;
          return value;
        }
        yield { kind: "progress", label, done: before + value, total, detail: `image ${id}` } as const;
      }
    };
    const chosen = yield* counted("select", selectionDraws);
    const most = chosen.indexOf(Math.max(...chosen));
    const counts = yield* counted("estimate", draws);
    const { pLow, radius } = smoothedRadius(counts[most]!, draws, sigma, alpha);
    const isCertified = radius > 0;
    const isCorrect = isCertified && most === labels[i];
    yield {
      kind: "row",
      row: {
        method,
        image: id,
        label: labels[i]!,
        sigma,
        n: draws,
        count: counts[most]!,
        prediction: isCertified ? most : "",
        pLow,
        radius,
        correct: isCorrect ? 1 : 0,
      },
    };
  }
}
