import {
  type EvaluationRow,
  type EvidenceRow,
  ExperimentError,
  formatEvaluation,
  formatImages,
  sizeOf,
  UsageError,
  writeFileAtomic,
} from "../core/mod.ts";
import { FIGURE_ENDINGS } from "../report/mod.ts";
import { type Dataset, type LoadedData, subset } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { attackName } from "../attacks/mod.ts";
import { evaluate, evidenceKey, smallestRadii, summarize } from "../evaluation/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { EvaluationSpec } from "./experiment.ts";
import type { ManifestWriter } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { exists, removeIfExists } from "./_files.ts";
import { openBudget, openEvidence, type RunFolder } from "./run_folder.ts";
import { savedAttack, type SavedImagesContext } from "./_saved_images.ts";

/** The images of an evaluation, or of what has another key in an experiment: the first n of its split, or a part. */
export function evaluationSet(
  { split = "test", n, shard = "1/1" }: Pick<EvaluationSpec, "split" | "n" | "shard">,
  data: LoadedData,
  key = "evaluation",
): Dataset {
  const dataset = data[split];
  if (dataset.ids.length < n) {
    throw new ExperimentError(
      `Cannot evaluate on ${n} images as "${dataset.name}" (${split}) has ${dataset.ids.length}: ` +
        `lower n (${key}.n of an experiment, --n of a command)`,
    );
  }
  const [part = 1, parts = 1] = shard.split("/").map(Number);
  if (part > parts || parts > n) {
    throw new UsageError(
      `Cannot evaluate the part ${shard} of ${n} images: write a part from 1/${parts} to ${parts}/${parts}, of no more ` +
        "parts than images",
    );
  }
  if (parts > 1) return subset(dataset, Array.from({ length: n }, (_, i) => i).filter((i) => i % parts === part - 1));
  const { ids, labels, images, imageShape } = dataset;
  // No copy, as the images may fill the memory.
  const first = {
    ids: ids.subarray(0, n),
    labels: labels.subarray(0, n),
    images: images.subarray(0, n * sizeOf(imageShape)),
  };
  return { ...dataset, ...first };
}

/** Files of an evaluation within a budget, which a full one makes needless. */
const BUDGET_FILES = ["budget.csv", "bracket.csv", ...FIGURE_ENDINGS.map((ending) => `figures/bracket${ending}`)];

/** What is evaluated, and where the rows go. */
export interface EvaluationContext {
  readonly evaluation: EvaluationSpec;
  readonly seed: number;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  readonly split: Dataset;
  readonly folder: RunFolder;
  readonly manifest: ManifestWriter;
  readonly engine: Engine;
  /** Rows of evaluations of parts of the images. */
  readonly parts?: readonly EvidenceRow[];
  /** Where adversarial images are saved, if they are. */
  readonly saved?: SavedImagesContext;
}

/**
 * Evaluates every network into `evidence.csv`, `evaluation.csv` and `images.csv`, going on after the rows that exist. What
 * was found within a budget is taken over, and its files are removed when every row is there.
 */
export async function* evaluated(
  context: EvaluationContext,
): AsyncGenerator<RunEvent, readonly EvaluationRow[], void> {
  const { evaluation, seed, classifiers, split, folder, manifest, engine, parts = [], saved } = context;
  const evidence = await openEvidence(folder);
  const done = new Map(evidence.rows.map((row) => [evidenceKey(row), row]));
  const all: EvidenceRow[] = [...evidence.rows];
  const found = new Map([...await budgetRows(folder), ...parts].map((row) => [evidenceKey(row), row]));
  const attacks = evaluation.attacks.map((attack) => ({ attack }));
  for (const [method, classifier] of classifiers) {
    const start = performance.now();
    for await (
      const event of evaluate(engine, {
        method,
        classifier,
        dataset: split,
        attacks,
        eps: evaluation.eps,
        seed,
        batchSize: evaluation.batchSize,
        of: evaluation.n,
        done,
        found,
        images: saved !== undefined,
      })
    ) {
      if (event.kind === "progress") {
        yield { ...event, label: `evaluate ${method}`, detail: event.label };
      } else if (event.kind === "evidence") {
        await evidence.append(event.rows);
        all.push(...event.rows);
      } else if (saved !== undefined) {
        const { attack: name, eps, ids, xAdv } = event;
        const pixels = xAdv.data.length / (ids.length || 1);
        const made = new Map(Array.from(ids, (id, i) => [id, xAdv.data.subarray(i * pixels, (i + 1) * pixels)]));
        const attack = evaluation.attacks.find((each) => attackName(each) === name)!;
        const own = all.filter((row) => row.method === method && row.attack === name && row.eps === eps);
        yield* savedAttack(saved, attack, own, made);
      }
    }
    await manifest.spent(`evaluate ${method}`, (performance.now() - start) / 1000);
    yield { kind: "evaluated", name: method, rows: summarize(all.filter((row) => row.method === method)) };
  }
  for (const name of BUDGET_FILES) await removeIfExists(folder.file(name));
  const rows = summarize(all);
  await writeFileAtomic(folder.file("images.csv"), formatImages(smallestRadii(all)));
  await writeFileAtomic(folder.file("evaluation.csv"), formatEvaluation(rows));
  return rows;
}

/** Rows that were made within a budget; none where there was none. */
async function budgetRows(folder: RunFolder): Promise<readonly EvidenceRow[]> {
  return await exists(folder.file("budget.csv")) ? (await openBudget(folder)).rows : [];
}
