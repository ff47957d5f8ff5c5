import { type EvidenceRow, type ImageRow, parseEps } from "../core/mod.ts";

/**
 * The smallest radius at which any attack broke each image, of the radii that were tried.
 *
 * Attacks do not always do at a larger radius what they did at a smaller one: the image's own robustness ends at this
 * radius or before, whatever the rows of larger ones say.
 *
 * @param rows Evidence of any number of networks; of attacks of one threat model.
 * @returns A row for each network and image, in the order of their first rows.
 */
export function smallestRadii(rows: readonly EvidenceRow[]): ImageRow[] {
  const found = new Map<string, Map<number, ImageRow>>();
  for (const { method, image, label, cleanMargin, attack, eps, success } of rows) {
    if (!found.has(method)) found.set(method, new Map());
    const ofMethod = found.get(method)!;
    const before = ofMethod.get(image) ?? { method, image, label, cleanMargin, smallestEps: "", attack: "" };
    const isSmaller = before.smallestEps === "" || parseEps(eps, Infinity) < parseEps(before.smallestEps, Infinity);
    ofMethod.set(image, success === 1 && isSmaller ? { ...before, smallestEps: eps, attack } : before);
  }
  return [...found.values()].flatMap((ofMethod) => [...ofMethod.values()]);
}
