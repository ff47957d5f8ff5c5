import {
  ANALYSIS_QUANTITIES,
  DataError,
  namesIn,
  parseAnalysis,
  parseBracket,
  parseEpochs,
  parseEvidence,
  parseReliability,
  parseSteps,
  readTextIfExists,
  writeFileAtomic,
} from "../core/mod.ts";
import { evaluationIn } from "./evaluation_in.ts";
import { accuraciesOf, attacksOf, commonRadii, usualAttacks, wholeAttacks } from "./_accuracy.ts";
import { analysisCurve } from "./analysis_curve.ts";
import { bracketCurve } from "./bracket_curve.ts";
import { breakMatrix } from "./break_matrix.ts";
import { classRobustness } from "./class_robustness.ts";
import { classRows } from "./_class_rows.ts";
import { epochCurves } from "./epoch_curves.ts";
import { largestRadius, outcomesAt } from "./_evidence.ts";
import { FIGURE_ENDINGS, type FigureEnding, figureFiles } from "./figure_files.ts";
import { firstBreaks } from "./first_breaks.ts";
import { parseReferenceCard, type ReferenceCard } from "./reference_card.ts";
import type { TopLevelSpec } from "./render.ts";
import { reliabilityDiagram } from "./reliability_diagram.ts";
import { reportedMeasured } from "./reported_measured.ts";
import { reportedRows } from "./reported_rows.ts";
import { rowsIn } from "./_rows_in.ts";
import { robustnessBars } from "./robustness_bars.ts";
import { robustnessCurve } from "./robustness_curve.ts";
import { theoryCheck } from "./theory_check.ts";
import { tradeOff } from "./trade_off.ts";
import { trainingCurves } from "./training_curves.ts";
import { weightRows } from "./weight_rows.ts";
import { weightSweep } from "./weight_sweep.ts";

/**
 * Draws every figure that the rows of a run folder allow, from its files alone: a robustness curve per attack, bars at
 * the largest radius that the attacks share, robust against clean accuracy, accuracy class by class, who broke what, a
 * curve per quantity of the analysis, the training curves, what a watch saw over the epochs, the bracket of an
 * evaluation within a budget, and the reliability of a teacher. Each is written in the forms of {@linkcode figureFiles}.
 *
 * Of a sweep's folder, whose rates are in `means.csv`, also robust against clean accuracy under each attack, and
 * accuracy against the weight of a term, where the sweep is over one.
 *
 * Cards in `folder/references` are drawn beside the robustness curves, and where a network has a card's name, what it
 * claims beside what was found.
 *
 * @param folder Run folder with some of `evaluation.csv`, `evidence.csv`, `analysis.csv`, `steps.csv`, `epochs.csv`,
 * `bracket.csv` and `reliability.csv`; names of classes are those of the cards in `checkpoints`, the weight of a sweep's
 * base that of its `experiment.json`.
 * @param endings Which forms. @default {all of them}
 * @returns Paths of the files written, in `folder/figures`.
 * @throws {DataError} If none of the files is there with a row in it, or one is not as expected.
 */
export async function writeFigures(
  folder: string,
  endings: readonly FigureEnding[] = FIGURE_ENDINGS,
): Promise<string[]> {
  const specs = await figureSpecs(folder);
  if (specs === undefined) {
    throw new DataError(
      `Cannot draw figures of "${folder}" as it has no row in evaluation.csv, analysis.csv or steps.csv: ` +
        "train, evaluate or analyse first",
    );
  }
  await Deno.mkdir(`${folder}/figures`, { recursive: true });
  const paths: string[] = [];
  for (const [name, spec] of specs) {
    for (const [ending, content] of await figureFiles(spec, endings)) {
      const path = `${folder}/figures/${name}${ending}`;
      await writeFileAtomic(path, content);
      paths.push(path);
    }
  }
  return paths;
}

/**
 * The figures that the rows of a run folder allow, by the names of their files.
 *
 * @param folder Run folder.
 * @returns Vega-Lite specifications, in their order; undefined where the folder has no row.
 * @throws {DataError} If one of its files is not as expected.
 */
export async function figureSpecs(folder: string): Promise<Map<string, TopLevelSpec> | undefined> {
  const { rows: evaluation, ...said } = await evaluationIn(folder);
  const analysis = await rowsIn(folder, "analysis.csv", parseAnalysis);
  const steps = await rowsIn(folder, "steps.csv", parseSteps);
  const bracket = await rowsIn(folder, "bracket.csv", parseBracket);
  const epochs = await rowsIn(folder, "epochs.csv", parseEpochs);
  const reliability = await rowsIn(folder, "reliability.csv", parseReliability);
  if ([evaluation, analysis, steps, epochs, bracket, reliability].every((rows) => rows.length === 0)) return undefined;
  const references = await readReferences(folder);
  const specs = new Map<string, TopLevelSpec>();
  const accuracies = accuraciesOf(evaluation);
  for (const attack of wholeAttacks(evaluation)) {
    if (commonRadii(accuracies, [attack]).length === 0) continue;
    // "pgd-20-step-2/255" is no name of a file.
    const name = attack.replaceAll("/", "-");
    specs.set(`robustness_curve_${name}`, robustnessCurve(evaluation, { attack, references, ...said }));
    if (said.interval !== undefined) specs.set(`trade_off_${name}`, tradeOff(evaluation, { attack, ...said }));
  }
  // Where one attack stands for all: the strongest of the usual ones.
  const main = usualAttacks(evaluation)
    .filter((attack) => attack !== "worst" && commonRadii(accuracies, [attack]).length > 0).at(-1);
  const isOfMany = new Set(evaluation.map(({ method }) => method)).size > 1;
  if (main !== undefined && isOfMany) {
    specs.set(`trade_off_${main.replaceAll("/", "-")}`, tradeOff(evaluation, { attack: main, ...said }));
  }
  if (commonRadii(accuracies, usualAttacks(evaluation)).length > 0) {
    specs.set("robustness_bars", robustnessBars(evaluation, said));
  }
  const swept = weightRows(evaluation, await baseWeights(folder));
  if (swept.length > 0) specs.set("weight_sweep", weightSweep(swept, said));
  const reported = reportedRows(references, evaluation);
  if (reported.length > 0) specs.set("reported_measured", reportedMeasured(reported));

  const evidence = await rowsIn(folder, "evidence.csv", parseEvidence);
  const attacks = wholeAttacks(evidence);
  const radius = largestRadius(evidence, attacks);
  if (main !== undefined && attacks.includes(main)) {
    const options = { attack: main, classes: await classNames(folder) };
    specs.set("class_robustness", classRobustness(classRows(evidence), options));
  }
  if (radius !== undefined && outcomesAt(evidence, attacks, radius).length > 0) {
    if (attacks.length > 1) specs.set("break_matrix", breakMatrix(evidence));
    if (attacks.length > 1 || attacksOf(evidence).length > 1) specs.set("first_breaks", firstBreaks(evidence));
  }
  const analysed = said.interval === undefined ? {} : { interval: "t over the seeds, normal where there is one" };
  for (const quantity of ANALYSIS_QUANTITIES) {
    if (!analysis.some((row) => row.quantity === quantity)) continue;
    specs.set(`analysis_curve_${quantity}`, analysisCurve(analysis, { quantity, ...analysed }));
  }
  if (steps.length > 0) specs.set("training_curves", trainingCurves(steps));
  if (epochs.length > 0) specs.set("epoch_curves", epochCurves(epochs));
  if (epochs.some((row) => row.bound !== "")) specs.set("theory_check", theoryCheck(epochs));
  if (reliability.length > 0) specs.set("reliability", reliabilityDiagram(reliability));
  if (bracket.length > 0) specs.set("bracket", bracketCurve(bracket));
  return specs;
}

/** Names of the classes as the card of some network in the folder says; none where there is no card. */
async function classNames(folder: string): Promise<readonly string[]> {
  try {
    for (const name of await namesIn(`${folder}/checkpoints`, ".json")) {
      const { classes } = JSON.parse(await Deno.readTextFile(`${folder}/checkpoints/${name}`));
      if (Array.isArray(classes)) return classes.map(String);
    }
  } catch (error) {
    // A picture with numbers in place of names is better than none.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return [];
}

/** Weights of the objectives of a sweep's base by the students' names; none where it is no sweep, or of a preset. */
async function baseWeights(folder: string): Promise<Readonly<Record<string, number>>> {
  const text = await readTextIfExists(`${folder}/experiment.json`);
  if (text === undefined) return {};
  try {
    const students: { name: string; objective?: { weight?: unknown } }[] = JSON.parse(text).base?.students ?? [];
    return Object.fromEntries(
      students.flatMap(({ name, objective }) =>
        typeof objective?.weight === "number" ? [[name, objective.weight]] : []
      ),
    );
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * Reads the cards of a run folder.
 *
 * @param folder Run folder.
 * @returns What stands in `folder/references/*.json`, by the names of the files; none where there is no such folder.
 * @throws {DataError} If one is not as expected.
 */
export async function readReferences(folder: string): Promise<ReferenceCard[]> {
  return await Promise.all(
    (await namesIn(`${folder}/references`, ".json")).map(async (name) => {
      const path = `${folder}/references/${name}`;
      return parseReferenceCard(await Deno.readTextFile(path), path);
    }),
  );
}
