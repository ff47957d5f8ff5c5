import { type CertificateRow, DataError, parseEps } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { boundMargins } from "./bound_margins.ts";
import { boundName } from "./bound_spec.ts";
import { leastMargin, type RadiusQuestion } from "./certified_radii.ts";

/** Images that are certified at given radii, and how. */
export interface CertifyQuestion
  extends Pick<RadiusQuestion, "x" | "y" | "ids" | "name" | "norm" | "method" | "batchSize" | "onProgress"> {
  /** Radii in pixel units, as text: "2/255". */
  readonly eps: readonly string[];
}

/**
 * Whether each image is certified at each radius.
 *
 * @param engine Where it runs.
 * @param classifier Whose margins.
 * @param question Images, radii, norm, method.
 * @returns A row for each radius and image, radius by radius.
 * @throws {UsageError} As {@linkcode boundMargins}, or if a radius cannot be read.
 * @throws {DataError} As {@linkcode boundMargins}, or if there are not as many ids as images.
 */
export async function certifyImages(
  engine: Engine,
  classifier: Classifier,
  question: CertifyQuestion,
): Promise<CertificateRow[]> {
  const { x, y, ids, name, norm, method, eps: radii, batchSize, onProgress } = question;
  const n = y.data.length;
  if (ids.length !== n) throw new DataError(`Cannot certify ${n} images with ${ids.length} ids: give one for each`);
  const rows: CertificateRow[] = [];
  for (const [place, eps] of radii.entries()) {
    const radius = parseEps(eps, norm === "Linf" ? 1 : Infinity);
    const batches = { ...(batchSize !== undefined && { batchSize }) };
    const bounds = await boundMargins(engine, classifier, { x, y, eps: radius, norm, method, ...batches });
    for (let image = 0; image < n; image++) {
      const label = y.data[image]!;
      const lowerMargin = leastMargin(bounds, image, label);
      const certificate = boundName(method);
      const certified = lowerMargin > 0;
      rows.push({ method: name, image: ids[image]!, label, certificate, norm, eps, certified, lowerMargin });
    }
    onProgress?.(place + 1, radii.length);
  }
  return rows;
}
