import { attackName, type AttackSpec } from "../attacks/mod.ts";
import { type EvidenceRow, ExperimentError } from "../core/mod.ts";
import type { Dataset, DataSpec } from "../data/mod.ts";
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
  readonly data: DataSpec;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  /** SHA-256 of the weights of each network. */
  readonly weights: ReadonlyMap<string, string>;
  readonly folder: string;
}

/** Writes a file of images for each network, attack and radius of the evidence; one that is there already is kept. */
export async function* savedImages(
  context: SavedImagesContext,
  evidence: readonly EvidenceRow[],
): AsyncGenerator<RunEvent, void, void> {
  for (const method of context.classifiers.keys()) {
    for (const attack of context.evaluation.attacks) {
      const name = attackName(attack);
      const own = evidence.filter((row) => row.method === method && row.attack === name);
      for (const rows of Map.groupBy(own, (row) => row.eps).values()) yield* savedAttack(context, attack, rows);
    }
  }
}

/**
 * Writes the images of one network under one attack at one radius. Those that were made while the rows were (`made`, by
 * id) are taken; the others, whose rows are of a process that was killed, are attacked again.
 */
export async function* savedAttack(
  context: SavedImagesContext,
  attack: AttackSpec,
  rows: readonly EvidenceRow[],
  made: ReadonlyMap<number, Float32Array> = new Map(),
): AsyncGenerator<RunEvent, void, void> {
  const { engine, evaluation, split: dataset, data, classifiers, weights, folder } = context;
  const { method, eps } = rows[0]!;
  const path = `${folder}/${imageFileName({ method, attack: attackName(attack), eps })}`;
  const sha256 = weights.get(method)!;
  if (await exists(path)) {
    const found = await loadImages(path);
    const same = found.weights === sha256 &&
      rows.every(({ image, margin }, i) => found.ids[i] === image && found.margin[i] === Math.fround(margin));
    if (same && found.ids.length === rows.length) return;
    throw new ExperimentError(
      `Cannot save images as "${path}" as those of another evaluation lie there: choose another --save-images`,
    );
  }
  const { batchSize, split = "test" } = evaluation;
  const classifier = classifiers.get(method)!;
  const making = adversarialImages(engine, { classifier, dataset, attack, rows, batchSize, made });
  let step = await making.next();
  for (; !step.done; step = await making.next()) yield { kind: "progress", ...step.value };
  await makeFolder(folder);
  await saveImages(path, { ...step.value, weights: sha256, data, split });
}
