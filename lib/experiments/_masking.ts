import { parseEps, readTextIfExists, writeFileAtomic } from "../core/mod.ts";
import type { Dataset } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { MASKING_CHECKS, type MaskingReport, maskingReport } from "../evaluation/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { EvaluationSpec } from "./experiment.ts";
import type { RunEvent } from "./run.ts";
import type { RunFolder } from "./run_folder.ts";

/** Who is checked, and where the report goes. */
export interface MaskingContext {
  readonly engine: Engine;
  readonly evaluation: EvaluationSpec;
  readonly seed: number;
  readonly classifiers: ReadonlyMap<string, Classifier>;
  readonly split: Dataset;
  readonly folder: RunFolder;
}

/** Writes `masking.json`, a report for each network, unless it is there or no attack is asked for. */
export async function* masking(context: MaskingContext): AsyncGenerator<RunEvent, void, void> {
  const { engine, evaluation, seed, classifiers, split, folder } = context;
  const eps = evaluation.eps.toSorted((a, b) => parseEps(a, Infinity) - parseEps(b, Infinity)).at(-1);
  const norm = evaluation.attacks[0]?.norm ?? "Linf";
  if (evaluation.attacks.length === 0 || eps === undefined || parseEps(eps, Infinity) === 0) return;
  const path = folder.file("masking.json");
  if (await readTextIfExists(path) !== undefined) return;
  const networks = [...classifiers].map(([method, classifier]) => ({ method, classifier }));
  const reports: MaskingReport[] = [];
  if (norm === "L1") reports.push(...networks.map(({ method }) => unchecked(method, eps)));
  else {for (const network of networks) {
      const surrogate = networks.find((other) => other !== network);
      const { batchSize } = evaluation;
      const options = { ...network, dataset: split, eps, norm, seed, batchSize };
      const checking = maskingReport(engine, surrogate === undefined ? options : { ...options, surrogate });
      let step = await checking.next();
      for (; !step.done; step = await checking.next()) yield { kind: "progress", ...step.value };
      reports.push(step.value);
    }}
  await writeFileAtomic(path, `${JSON.stringify(reports, null, 2)}\n`);
}

/** The checks take steps of a length in Linf or L2; that there is no verdict is said in their place. */
function unchecked(method: string, eps: string): MaskingReport {
  const reason = "not checked: the checks know Linf and L2 alone; evaluate under one of them as well";
  const rows = MASKING_CHECKS.map((check) => ({ check, method, status: "skipped" as const, value: null, reason }));
  return { rows, n: 0, eps, forwardPasses: 0, backwardPasses: 0 };
}
