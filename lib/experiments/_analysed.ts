import { type AnalysisRow, formatAnalysis, type MeasurementRow, writeFileAtomic } from "../core/mod.ts";
import type { Dataset } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { analyze, summarizeAnalysis } from "../evaluation/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { AnalysisSpec } from "./experiment.ts";
import type { ManifestWriter } from "./manifest.ts";
import type { RunEvent } from "./run.ts";
import { openMeasurements, type RunFolder } from "./run_folder.ts";

/** What is analysed, and where the rows go. */
export interface AnalysisContext {
  readonly analysis: AnalysisSpec;
  readonly seed: number;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  /** The network that the others are compared with, where there is one; it may be one of them. */
  readonly teacher?: Classifier;
  readonly split: Dataset;
  readonly folder: RunFolder;
  readonly manifest: ManifestWriter;
  readonly engine: Engine;
}

/** Analyses every network into `measurements.csv` and `analysis.csv`, going on after the rows that exist. */
export async function* analysed(
  context: AnalysisContext,
): AsyncGenerator<Exclude<RunEvent, { readonly kind: "end" }>, readonly AnalysisRow[], void> {
  const { analysis, seed, classifiers, split: dataset, folder, manifest, engine } = context;
  const { eps, batchSize, attack, linearity } = analysis;
  const measurements = await openMeasurements(folder);
  const all: MeasurementRow[] = [...measurements.rows];
  for (const [method, classifier] of classifiers) {
    const teacher = context.teacher === classifier ? undefined : context.teacher;
    const start = performance.now();
    for await (
      const event of analyze(engine, {
        method,
        classifier,
        dataset,
        eps,
        seed,
        batchSize,
        done: measurements.rows,
        ...(teacher === undefined ? {} : { teacher }),
        ...(attack === undefined ? {} : { attack }),
        ...(linearity === undefined ? {} : { linearity }),
      })
    ) {
      if (event.kind === "progress") yield event;
      else {
        await measurements.append(event.rows);
        all.push(...event.rows);
      }
    }
    await manifest.spent(`analyse ${method}`, (performance.now() - start) / 1000);
    yield { kind: "analysed", name: method, rows: summarizeAnalysis(all.filter((row) => row.method === method)) };
  }
  const rows = summarizeAnalysis(all);
  await writeFileAtomic(folder.file("analysis.csv"), formatAnalysis(rows));
  return rows;
}
