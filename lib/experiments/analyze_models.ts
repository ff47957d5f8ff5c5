import type { AnalysisRow } from "../core/mod.ts";
import type { DataSpec } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { checkShapes } from "../evaluation/mod.ts";
import { SCREEN_ENDINGS, writeFigures, writeReport } from "../report/mod.ts";
import { analysed } from "./_analysed.ts";
import { checkAnalysis } from "./_check_analysis.ts";
import { checkNames } from "./_check_names.ts";
import { evaluationSet } from "./_evaluated.ts";
import { openModels } from "./_open_models.ts";
import type { SavedModel } from "./evaluate_models.ts";
import type { AnalysisSpec } from "./experiment.ts";
import type { RunEndEvent, RunEvent } from "./run.ts";

/** An analysis of saved networks. Plain JSON. */
export interface ModelAnalysis {
  /** Images. */
  readonly data: DataSpec;
  /** Names the random starts. */
  readonly seed: number;
  /** Split, radii, attack and search. */
  readonly analysis: AnalysisSpec;
}

/** Which saved networks are analysed, and where. */
export interface AnalyzeModelsOptions {
  /** What computes. */
  readonly engine: Engine;
  /** The networks, all on the same images. */
  readonly models: readonly SavedModel[];
  /** Whose input gradients theirs are compared with; it is analysed itself, before them. @default {none} */
  readonly teacher?: SavedModel;
  /** Where data lie that are not drawn by the program. */
  readonly data?: string;
  /** Folder of the rows. @default {"runs/analysis-<methods>-<hash>"} */
  readonly out?: string;
}

/** What {@linkcode analyzeModels} tells while it works. */
export type AnalyzeModelsEvent = Exclude<RunEvent, { readonly kind: "end" }> | RunEndEvent<AnalysisRow>;

/**
 * Makes the paper's analysis of saved networks into a folder: `measurements.csv` (every image at every radius),
 * `analysis.csv` (their means), figures, a page, and what was asked in `experiment.json`. Stopped or killed at any point,
 * the same call goes on after the rows that exist and ends with the same bytes, on the same engine.
 *
 * @param asked What to analyse on.
 * @param options Engine, networks, data and folder.
 * @returns Events as those of {@linkcode run}.
 * @throws {UsageError} If what is asked cannot be used.
 * @throws {DataError} If data are missing or damaged, do not fit a network, or the teacher does not.
 * @throws {CheckpointError} If weights or their card cannot be read.
 * @throws {ChecksumError} If weights are not those of their card.
 * @throws {ExperimentError} If the folder is of another analysis, or the split is too small.
 */
export async function* analyzeModels(
  asked: ModelAnalysis,
  options: AnalyzeModelsOptions,
): AsyncGenerator<AnalyzeModelsEvent, void, void> {
  const { analysis, seed } = asked;
  const { engine, teacher } = options;
  const isTeacher = ({ method, path }: SavedModel) => method === teacher?.method && path === teacher.path;
  const saved = [...(teacher === undefined ? [] : [teacher]), ...options.models.filter((model) => !isTeacher(model))];
  checkNames(saved.map(({ method }) => method), "analyse");
  checkAnalysis(analysis);
  const opened = yield* openModels({
    engine,
    models: saved,
    noun: "analysis",
    data: asked.data,
    path: options.data,
    seed,
    images: [analysis],
    choose: (data, loaded) => {
      const split = evaluationSet(analysis, data, "analysis");
      const teacherModel = teacher && loaded.get(teacher.method)?.model;
      // The teacher last: one that does not fit is told of beside the network that it does not fit.
      for (const [method, { model }] of [...loaded].reverse()) checkShapes(method, model, split, teacherModel);
      return split;
    },
    asked: { teacher: teacher?.method ?? null, ...asked },
    out: options.out,
  });
  const { folder, manifest, split, classifiers } = opened;
  const { path } = folder;
  try {
    const rows = yield* analysed({
      analysis,
      seed,
      classifiers,
      split,
      folder,
      manifest,
      engine,
      ...(teacher === undefined ? {} : { teacher: classifiers.get(teacher.method)! }),
    });
    const figures = await writeFigures(path, SCREEN_ENDINGS);
    const report = await writeReport(path);
    await manifest.finish();
    yield { kind: "end", folder: path, rows, figures, report };
  } finally {
    opened.dispose();
  }
}
