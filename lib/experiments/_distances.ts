import {
  attackName,
  attackPasses,
  type DdnSpec,
  type FabSpec,
  smallestPerturbations,
  validateSpec,
} from "../attacks/mod.ts";
import {
  type DistanceRow,
  formatDistances,
  parseDistances,
  readTextIfExists,
  rng,
  writeFileAtomic,
} from "../core/mod.ts";
import { gather } from "../data/mod.ts";
import type { MaskingContext } from "./_masking.ts";
import type { RunEvent } from "./run.ts";

/**
 * Writes `distances.csv`, the distance of the nearest misclassified image that the attack finds for each image, unless
 * that attack's are there. It is written when all of it is known.
 */
export async function* distances(
  { engine, evaluation, seed, classifiers, split, folder }: MaskingContext,
  spec: FabSpec | DdnSpec,
): AsyncGenerator<RunEvent, void, void> {
  validateSpec(spec, [], "distances");
  const attack = attackName(spec);
  const path = folder.file("distances.csv");
  const before = parseDistances(await readTextIfExists(path) ?? "", path).rows;
  const count = split.ids.length;
  if (before.length === count * classifiers.size && before.every((row) => row.attack === attack)) return;
  const rows: DistanceRow[] = [];
  for (const [method, classifier] of classifiers) {
    const source = { count, load: (positions: readonly number[]) => gather(split, positions) };
    const { forwardPasses, backwardPasses } = attackPasses(spec, classifier.classes);
    const each = forwardPasses + backwardPasses;
    const found = new Float64Array(count);
    let [done, total] = [0, count * each];
    for await (
      const event of smallestPerturbations(
        engine,
        classifier,
        source,
        spec,
        rng(seed, "distances", attack),
        evaluation.batchSize,
      )
    ) {
      if (event.kind === "passes") done += event.passes;
      else {
        found[event.position] = event.distance;
        total -= Math.max(0, each - event.forwardPasses - event.backwardPasses);
      }
      yield { kind: "progress", label: `distances of ${method}`, done, total: Math.max(done, total), detail: attack };
    }
    split.ids.forEach((image, i) =>
      rows.push({ method, image, attack, norm: spec.norm ?? "Linf", distance: found[i]! })
    );
  }
  await writeFileAtomic(path, formatDistances(rows));
}
