import { type BracketRow, formatBracket, writeFileAtomic } from "../core/mod.ts";
import { narrow } from "../evaluation/mod.ts";
import { SCREEN_ENDINGS, writeFigures, writeReport } from "../report/mod.ts";
import { exists } from "./_files.ts";
import { openEvaluation } from "./_open_evaluation.ts";
import type { EvaluateModelsOptions, ModelEvaluation } from "./evaluate_models.ts";
import type { RunEvent } from "./run.ts";
import { openBudget, openEvidence } from "./run_folder.ts";

/** Which saved networks are evaluated, where, and until when. */
export interface EvaluateWithinOptions extends Pick<EvaluateModelsOptions, "engine" | "models" | "data" | "out"> {
  /** Asked between two calls of the engine: whether the time is over. */
  readonly isOver: () => boolean;
}

/** What {@linkcode evaluateWithin} tells while it works. */
export type EvaluateWithinEvent =
  /** The folder is there, a long step has come further, or damaged files were left out. */
  | Extract<RunEvent, { readonly kind: "open" | "progress" | "skipped" }>
  /** All is done, or the time is over. */
  | {
    readonly kind: "bracket";
    readonly folder: string;
    readonly rows: readonly BracketRow[];
    /** Whether every attack that is still needed was run. */
    readonly isFinished: boolean;
    /** Rows that this call has added. */
    readonly added: number;
    readonly figures: readonly string[];
    readonly report: string;
  };

/**
 * Evaluates saved networks as far as a limited time goes, into the folder that {@linkcode evaluateModels} uses for them:
 * the worst case of each at every radius, between bounds that draw together (`narrow`). Rows go to `budget.csv`, the
 * bounds to `bracket.csv` and a figure; `evidence.csv` is read and left alone.
 *
 * Stopped or killed at any point, the same call goes on after the rows that exist. `evaluateModels` takes them over: it
 * runs what was spared, and ends with the bits of an evaluation that never had a budget.
 *
 * @param asked What to evaluate on.
 * @param options Engine, networks, data, folder and time.
 * @returns Events.
 * @throws As {@linkcode evaluateModels}.
 */
export async function* evaluateWithin(
  asked: ModelEvaluation,
  options: EvaluateWithinOptions,
): AsyncGenerator<EvaluateWithinEvent, void, void> {
  const { evaluation: { attacks, eps, batchSize }, seed } = asked;
  const { engine, isOver } = options;
  const opened = yield* openEvaluation(asked, options);
  const { folder, manifest, split, classifiers } = opened;
  const start = performance.now();
  try {
    const full = await exists(folder.file("evidence.csv")) ? (await openEvidence(folder)).rows : [];
    const budget = await openBudget(folder);
    let added = 0;
    let last: { readonly rows: readonly BracketRow[]; readonly isFinished: boolean } | undefined;
    for await (
      const event of narrow(engine, {
        networks: [...classifiers].map(([method, classifier]) => ({ method, classifier })),
        dataset: split,
        attacks: attacks.map((attack) => ({ attack })),
        eps,
        seed,
        batchSize,
        isOver,
        rows: [...full, ...budget.rows],
      })
    ) {
      if (event.kind === "progress") yield event;
      else if (event.kind === "evidence") {
        await budget.append(event.rows);
        added += event.rows.length;
      } else {
        last = event;
        await writeFileAtomic(folder.file("bracket.csv"), formatBracket(event.rows));
      }
    }
    const { rows, isFinished } = last!;
    await manifest.spent("evaluate within a budget", (performance.now() - start) / 1000);
    const figures = await writeFigures(folder.path, SCREEN_ENDINGS);
    const report = await writeReport(folder.path);
    yield { kind: "bracket", folder: folder.path, rows, isFinished, added, figures, report };
  } finally {
    opened.dispose();
  }
}
