import { attackName } from "../attacks/mod.ts";
import { type EvidenceRow, ExperimentError } from "../core/mod.ts";
import type { Dataset } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { adversarialImages } from "../evaluation/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { exists, makeFolder } from "./_files.ts";
import type { EvaluationSpec } from "./experiment.ts";
import { imageFileName, loadImages, saveImages } from "./image_file.ts";
import type { RunEvent } from "./run.ts";

/** Whose images are saved, and where. */
export interface SavedImagesContext {
  readonly engine: Engine;
  readonly evaluation: EvaluationSpec;
  readonly split: Dataset;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  /** SHA-256 of the weights of each network. */
  readonly weights: ReadonlyMap<string, string>;
  /** All of the evidence. */
  readonly evidence: readonly EvidenceRow[];
  readonly folder: string;
}

/** Writes a file of images for each network, attack and radius of the evidence; one that is there already is kept. */
export async function* savedImages(context: SavedImagesContext): AsyncGenerator<RunEvent, void, void> {
  const { engine, evaluation, split: dataset, classifiers, weights, evidence, folder } = context;
  await makeFolder(folder);
  for (const [method, classifier] of classifiers) {
    for (const attack of evaluation.attacks) {
      const name = attackName(attack);
      const own = evidence.filter((row) => row.method === method && row.attack === name);
      for (const [eps, rows] of Map.groupBy(own, (row) => row.eps)) {
        const path = `${folder}/${imageFileName({ method, attack: name, eps })}`;
        const sha256 = weights.get(method)!;
        if (await exists(path)) {
          const found = await loadImages(path);
          const same = found.weights === sha256 &&
            rows.every(({ image, margin }, i) => found.ids[i] === image && found.margin[i] === Math.fround(margin));
          if (same && found.ids.length === rows.length) continue;
          throw new ExperimentError(
            `Cannot save images as "${path}" as those of another evaluation lie there: choose another --save-images`,
          );
        }
        const { batchSize } = evaluation;
        const making = adversarialImages(engine, { classifier, dataset, attack, rows, batchSize });
        let step = await making.next();
        for (; !step.done; step = await making.next()) yield { kind: "progress", ...step.value };
        await saveImages(path, { ...step.value, weights: sha256 });
      }
    }
  }
}
