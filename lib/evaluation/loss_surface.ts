import {
  float32,
  formatEps,
  int32,
  type LossSurfaceRow,
  type NdArray,
  parseEps,
  type Rng,
  UsageError,
} from "../core/mod.ts";
import { cachedProgram, type Engine, type Program, takeTree, type Tensor } from "../engine/mod.ts";
import { crossEntropy, margin } from "../losses/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import type { AttackBatch } from "../attacks/mod.ts";

/** Where to look, and how finely. */
export interface LossSurfaceOptions {
  /** Name of the network, for the rows. */
  readonly method: string;
  /** The network. */
  readonly classifier: Classifier;
  /** One image: pixels in [0,1] [1, H, W, C], its class [1], its id [1]. */
  readonly image: AttackBatch;
  /** What an attack made of it [1, H, W, C]; another image than it. */
  readonly xAdv: NdArray<"float32">;
  /** Radius of the ball around the image, in pixel units as text: "8/255". */
  readonly eps: string;
  /** Stream of the random direction, which is keyed by the image's id below it. */
  readonly rng: Rng;
  /**
   * Points along each direction, from -reach to reach.
   * @default {31}
   */
  readonly points?: number;
  /**
   * Longest way along a direction, in radii.
   * @default {1.5}
   */
  readonly reach?: number;
  /**
   * Images per batch.
   * @default {100}
   */
  readonly batchSize?: number;
}

/**
 * The loss around an image on the plane x + a d1 + b d2: d1 = (xAdv - x) / ||xAdv - x||_inf, the direction that an attack
 * has found, and d2 random signs (a Rademacher direction), which are nearly orthogonal to it where there are many pixels.
 * Where the loss of a network with masked gradients is rugged, that of a robust one is nearly a plane.
 *
 * Points are not clipped to the pixel box [0,1]: of a linear classifier the margin is a plane in a and b. The Linf ball
 * around x cuts the plane in |a| + |b| <= eps where some largest entry of d1 has the sign of its entry of d2 and another
 * the opposite one; `distance` says it exactly.
 *
 * Source: the directions are those of Qin et al., "Adversarial robustness through local linearization" (2019), figure 1.
 *
 * @param engine Where it runs.
 * @param options The image, the attack's, and the grid.
 * @returns A row for every point, b and within it a rising.
 * @throws {UsageError} If the attack left the image as it was, or the grid or the radius cannot be used, or outputs are
 * random.
 */
export async function lossSurface(engine: Engine, options: LossSurfaceOptions): Promise<LossSurfaceRow[]> {
  const { method, classifier, image, xAdv, points = 31, reach = 1.5, batchSize = 100 } = options;
  const eps = parseEps(options.eps);
  if (!(eps > 0 && reach > 0) || !Number.isSafeInteger(points) || points < 2) {
    throw new UsageError(
      `Cannot lay ${points} points over ${reach} radii of ${options.eps}: take two points or more, and lengths above 0`,
    );
  }
  if (classifier.noise !== undefined) {
    throw new UsageError(`Cannot draw a surface of "${method}" as its outputs are random: leave the noise out`);
  }
  const [id, size] = [image.ids[0]!, image.x.data.length];
  const away = image.x.data.map((pixel, i) => xAdv.data[i]! - pixel);
  const longest = away.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (longest === 0) {
    throw new UsageError(
      `Cannot take a direction from image ${id} to itself: give an image that an attack has changed`,
    );
  }
  const d1 = away.map((value) => value / longest);
  const d2 = Float32Array.from(options.rng.child(id).integers(size, 2), (bit) => 2 * bit - 1);
  const at = (k: number): number => reach * eps * (2 * k / (points - 1) - 1);
  const count = points * points;
  const program = surfaceProgram(engine, classifier.logits);
  const about = { method, image: id, eps: formatEps(eps) };
  const rows: LossSurfaceRow[] = [];
  for (let from = 0; from < count; from += batchSize) {
    const x = float32([batchSize, ...image.x.shape.slice(1)]);
    const places = Array.from({ length: batchSize }, (_, row) => {
      // What is missing in the last batch repeats the last point.
      const k = Math.min(from + row, count - 1);
      const [a, b] = [at(k % points), at(Math.floor(k / points))];
      let distance = 0;
      for (let i = 0; i < size; i++) {
        const moved = a * d1[i]! + b * d2[i]!;
        x.data[row * size + i] = image.x.data[i]! + moved;
        distance = Math.max(distance, Math.abs(moved));
      }
      return { a, b, distance };
    });
    const y = int32([batchSize], new Int32Array(batchSize).fill(image.y.data[0]!));
    const { loss, margin } = await takeTree(engine, await program({ weights: classifier.weights, x, y }));
    for (const [row, place] of places.slice(0, count - from).entries()) {
      rows.push({ ...about, ...place, loss: loss.data[row]!, margin: margin.data[row]! });
    }
  }
  return rows;
}

interface SurfaceInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
}

function surfaceProgram(
  engine: Engine,
  logits: Classifier["logits"],
): Program<SurfaceInputs, { readonly loss: Tensor; readonly margin: Tensor }> {
  return cachedProgram(engine, logits, "loss and margin", () => ({ weights, x, y }) => {
    const z = logits(weights, x);
    return { loss: crossEntropy(z, y), margin: margin(z, y) };
  });
}
