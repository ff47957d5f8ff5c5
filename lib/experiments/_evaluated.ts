import {
  type EvaluationRow,
  type EvidenceRow,
  ExperimentError,
  formatEvaluation,
  writeFileAtomic,
} from "../core/mod.ts";
import { type Dataset, type LoadedData, subset } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { evaluate, evidenceKey, summarize } from "../evaluation/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { EvaluationSpec } from "./experiment.ts";
import type { ManifestWriter } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { openEvidence, type RunFolder } from "./run_folder.ts";

/** The images of an evaluation, or of what has another key in an experiment: the first n of its split. */
export function evaluationSet(
  { split = "test", n }: Pick<EvaluationSpec, "split" | "n">,
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
  return subset(dataset, Uint32Array.from({ length: n }, (_, index) => index));
}

/** What is evaluated, and where the rows go. */
export interface EvaluationContext {
  readonly evaluation: EvaluationSpec;
  readonly seed: number;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  readonly split: Dataset;
  readonly folder: RunFolder;
  readonly manifest: ManifestWriter;
  readonly engine: Engine;
}

/** Evaluates every network into `evidence.csv` and `evaluation.csv`, going on after the rows that exist. */
export async function* evaluated(
  context: EvaluationContext,
): AsyncGenerator<RunEvent, readonly EvaluationRow[], void> {
  const { evaluation, seed, classifiers, split, folder, manifest, engine } = context;
  const evidence = await openEvidence(folder);
  const done = new Map(evidence.rows.map((row) => [evidenceKey(row), row]));
  const all: EvidenceRow[] = [...evidence.rows];
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
        done,
      })
    ) {
      if (event.kind === "progress") {
        yield { ...event, label: `evaluate ${method}`, detail: event.label };
      } else {
        await evidence.append(event.rows);
        all.push(...event.rows);
      }
    }
    await manifest.spent(`evaluate ${method}`, (performance.now() - start) / 1000);
    yield { kind: "evaluated", name: method, rows: summarize(all.filter((row) => row.method === method)) };
  }
  const rows = summarize(all);
  await writeFileAtomic(folder.file("evaluation.csv"), formatEvaluation(rows));
  return rows;
}
