import { parse, stringify } from "@std/csv";
import { DataError } from "./errors.ts";
import { ANALYSIS_COLUMNS, ANALYSIS_QUANTITIES, type AnalysisQuantity, type AnalysisRow } from "./rows.ts";
import { BRACKET_COLUMNS, type BracketRow, EVALUATION_COLUMNS, type EvaluationRow } from "./rows.ts";
import { COST_COLUMNS, type CostRow } from "./rows.ts";
import { ALARM_ACTIONS, type AlarmAction, EPOCH_COLUMNS, type EpochRow } from "./rows.ts";
import { EVIDENCE_COLUMNS, type EvidenceRow, IMAGE_COLUMNS, type ImageRow } from "./rows.ts";
import { DISTANCE_COLUMNS, type DistanceRow } from "./rows.ts";
import { MEASUREMENT_COLUMNS, type MeasurementRow } from "./rows.ts";
import { RELIABILITY_COLUMNS, type ReliabilityRow } from "./rows.ts";
import { TEACHER_COLUMNS, TEACHER_QUANTITIES, type TeacherQuantity, type TeacherRow } from "./rows.ts";
import { SEEDS_COLUMNS, type SeedsRow, SWEEP_COLUMNS, type SweepRow } from "./rows.ts";
import { STEP_COLUMNS, type StepRow } from "./rows.ts";

/** The rows of a CSV file. */
export interface ParsedRows<R> {
  /** All complete rows. */
  readonly rows: R[];
  /** Whether the last line had no line end, as after a process that was killed while appending; it is left out. */
  readonly torn: boolean;
}

/** How rows are written. */
export interface FormatOptions {
  /**
   * Whether to begin with the line of column names; false to append to a file that has it.
   *
   * @default {true}
   */
  readonly headers?: boolean;
}

/** How step rows are written. */
export interface FormatStepsOptions extends FormatOptions {
  /**
   * Names of the columns of terms; needed to append to a file, as all of its lines have the same columns.
   *
   * @default the terms of the rows, in order of their first appearance
   */
  readonly terms?: readonly string[];
}

/**
 * Writes `evaluation.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatEvaluation(rows: readonly EvaluationRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), EVALUATION_COLUMNS, options);
}

/**
 * Reads `evaluation.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatEvaluation} writes them.
 */
export function parseEvaluation(text: string, name = "evaluation.csv"): ParsedRows<EvaluationRow> {
  return readRows(text, name, (columns) => checkColumns(columns, EVALUATION_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    attack: get("attack", TEXT),
    eps: get("eps", TEXT),
    n: get("n", COUNT),
    correct: get("correct", COUNT),
    rate: get("rate", REAL),
    low: get("low", REAL),
    high: get("high", REAL),
  }));
}

/**
 * Writes `rows.csv` of a sweep.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatSweep(rows: readonly SweepRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), SWEEP_COLUMNS, options);
}

/**
 * Reads `rows.csv` of a sweep.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatSweep} writes them.
 */
export function parseSweep(text: string, name = "rows.csv"): ParsedRows<SweepRow> {
  return readRows(text, name, (columns) => checkColumns(columns, SWEEP_COLUMNS, name), (get) => ({
    run: get("run", TEXT),
    method: get("method", TEXT),
    seed: get("seed", COUNT),
    attack: get("attack", TEXT),
    eps: get("eps", TEXT),
    n: get("n", COUNT),
    correct: get("correct", COUNT),
    rate: get("rate", REAL),
    low: get("low", REAL),
    high: get("high", REAL),
    images: get("images", COUNT),
    studentPasses: get("studentPasses", REAL),
    teacherPasses: get("teacherPasses", REAL),
  }));
}

/**
 * Writes `means.csv` of a sweep.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatSeeds(rows: readonly SeedsRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), SEEDS_COLUMNS, options);
}

/**
 * Reads `means.csv` of a sweep.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatSeeds} writes them.
 */
export function parseSeeds(text: string, name = "means.csv"): ParsedRows<SeedsRow> {
  return readRows(text, name, (columns) => checkColumns(columns, SEEDS_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    attack: get("attack", TEXT),
    eps: get("eps", TEXT),
    seeds: get("seeds", COUNT),
    n: get("n", COUNT),
    rate: get("rate", REAL),
    low: get("low", REAL),
    high: get("high", REAL),
    interval: get("interval", INTERVAL),
  }));
}

/**
 * Writes `evidence.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatEvidence(rows: readonly EvidenceRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), EVIDENCE_COLUMNS, options);
}

/**
 * Reads `evidence.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatEvidence} writes them.
 */
export function parseEvidence(text: string, name = "evidence.csv"): ParsedRows<EvidenceRow> {
  return readRows(text, name, (columns) => checkColumns(columns, EVIDENCE_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    attack: get("attack", TEXT),
    eps: get("eps", TEXT),
    image: get("image", COUNT),
    label: get("label", COUNT),
    cleanMargin: get("cleanMargin", REAL),
    margin: get("margin", REAL),
    success: get("success", FLAG),
    firstStep: get("firstStep", COUNT_OR_EMPTY),
    seed: get("seed", REAL),
  }));
}

/**
 * Writes `cost.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatCost(rows: readonly CostRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), COST_COLUMNS, options);
}

/**
 * Reads `cost.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatCost} writes them.
 */
export function parseCost(text: string, name = "cost.csv"): ParsedRows<CostRow> {
  return readRows(text, name, (columns) => checkColumns(columns, COST_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    studentForward: get("studentForward", COUNT),
    studentBackward: get("studentBackward", COUNT),
    teacherForward: get("teacherForward", COUNT),
    teacherBackward: get("teacherBackward", COUNT),
    images: get("images", COUNT),
    seconds: get("seconds", REAL_OR_EMPTY),
    secondsPerImage: get("secondsPerImage", REAL_OR_EMPTY),
  }));
}

/**
 * Writes `bracket.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatBracket(rows: readonly BracketRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), BRACKET_COLUMNS, options);
}

/**
 * Reads `bracket.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatBracket} writes them.
 */
export function parseBracket(text: string, name = "bracket.csv"): ParsedRows<BracketRow> {
  return readRows(text, name, (columns) => checkColumns(columns, BRACKET_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    norm: get("norm", TEXT),
    eps: get("eps", TEXT),
    n: get("n", COUNT),
    finished: get("finished", COUNT),
    standing: get("standing", COUNT),
    lower: get("lower", REAL),
    lowerLow: get("lowerLow", REAL),
    lowerHigh: get("lowerHigh", REAL),
    upper: get("upper", REAL),
    upperLow: get("upperLow", REAL),
    upperHigh: get("upperHigh", REAL),
  }));
}

/**
 * Writes `images.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatImages(rows: readonly ImageRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), IMAGE_COLUMNS, options);
}

/**
 * Reads `images.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatImages} writes them.
 */
export function parseImages(text: string, name = "images.csv"): ParsedRows<ImageRow> {
  return readRows(text, name, (columns) => checkColumns(columns, IMAGE_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    image: get("image", COUNT),
    label: get("label", COUNT),
    cleanMargin: get("cleanMargin", REAL),
    smallestEps: get("smallestEps", TEXT_OR_EMPTY),
    attack: get("attack", TEXT_OR_EMPTY),
  }));
}

/**
 * Writes `distances.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatDistances(rows: readonly DistanceRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), DISTANCE_COLUMNS, options);
}

/**
 * Reads `distances.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatDistances} writes them.
 */
export function parseDistances(text: string, name = "distances.csv"): ParsedRows<DistanceRow> {
  return readRows(text, name, (columns) => checkColumns(columns, DISTANCE_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    image: get("image", COUNT),
    attack: get("attack", TEXT),
    norm: get("norm", TEXT),
    distance: get("distance", REAL),
  }));
}

/**
 * Writes `measurements.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatMeasurements(rows: readonly MeasurementRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), MEASUREMENT_COLUMNS, options);
}

/**
 * Reads `measurements.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatMeasurements} writes them.
 */
export function parseMeasurements(text: string, name = "measurements.csv"): ParsedRows<MeasurementRow> {
  return readRows(text, name, (columns) => checkColumns(columns, MEASUREMENT_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    eps: get("eps", TEXT),
    image: get("image", COUNT),
    localLinearity: get("localLinearity", REAL),
    crossEntropy: get("crossEntropy", REAL),
    gradientNorm: get("gradientNorm", REAL),
    gradientGap: get("gradientGap", REAL_OR_EMPTY),
    gradientCosine: get("gradientCosine", REAL_OR_EMPTY),
  }));
}

/**
 * Writes `analysis.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatAnalysis(rows: readonly AnalysisRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), ANALYSIS_COLUMNS, options);
}

/**
 * Reads `analysis.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatAnalysis} writes them.
 */
export function parseAnalysis(text: string, name = "analysis.csv"): ParsedRows<AnalysisRow> {
  return readRows(text, name, (columns) => checkColumns(columns, ANALYSIS_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    eps: get("eps", TEXT),
    quantity: get("quantity", QUANTITY),
    n: get("n", COUNT),
    mean: get("mean", REAL),
    low: get("low", REAL),
    high: get("high", REAL),
  }));
}

/**
 * Writes `epochs.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatEpochs(rows: readonly EpochRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), EPOCH_COLUMNS, options);
}

/**
 * Reads `epochs.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatEpochs} writes them.
 */
export function parseEpochs(text: string, name = "epochs.csv"): ParsedRows<EpochRow> {
  return readRows(text, name, (columns) => checkColumns(columns, EPOCH_COLUMNS, name), (get) => ({
    method: get("method", TEXT),
    epoch: get("epoch", COUNT),
    n: get("n", COUNT),
    attack: get("attack", TEXT),
    eps: get("eps", TEXT),
    trainAccuracy: get("trainAccuracy", REAL),
    cleanAccuracy: get("cleanAccuracy", REAL),
    robustAccuracy: get("robustAccuracy", REAL),
    alarm: get("alarm", ALARM_OR_EMPTY),
    gapL1: get("gapL1", REAL_OR_EMPTY),
    gapL2: get("gapL2", REAL_OR_EMPTY),
    linearity: get("linearity", REAL_OR_EMPTY),
    teacherLinearity: get("teacherLinearity", REAL_OR_EMPTY),
    cleanLossGap: get("cleanLossGap", REAL_OR_EMPTY),
    attackLossGap: get("attackLossGap", REAL_OR_EMPTY),
    searchLossGap: get("searchLossGap", REAL_OR_EMPTY),
    bound: get("bound", REAL_OR_EMPTY),
    slack: get("slack", REAL_OR_EMPTY),
    violations: get("violations", COUNT_OR_EMPTY),
  }));
}

/**
 * Writes `teacher.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatTeacher(rows: readonly TeacherRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), TEACHER_COLUMNS, options);
}

/**
 * Reads `teacher.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatTeacher} writes them.
 */
export function parseTeacher(text: string, name = "teacher.csv"): ParsedRows<TeacherRow> {
  return readRows(text, name, (columns) => checkColumns(columns, TEACHER_COLUMNS, name), (get) => ({
    images: get("images", TEXT),
    source: get("source", TEXT_OR_EMPTY),
    eps: get("eps", TEXT),
    quantity: get("quantity", TEACHER_QUANTITY),
    n: get("n", COUNT),
    value: get("value", REAL),
    low: get("low", REAL_OR_EMPTY),
    high: get("high", REAL_OR_EMPTY),
  }));
}

/**
 * Writes `reliability.csv`.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names.
 * @returns Lines ending in "\n".
 */
export function formatReliability(rows: readonly ReliabilityRow[], options: FormatOptions = {}): string {
  return format(rows.map((row) => ({ ...row })), RELIABILITY_COLUMNS, options);
}

/**
 * Reads `reliability.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatReliability} writes them.
 */
export function parseReliability(text: string, name = "reliability.csv"): ParsedRows<ReliabilityRow> {
  return readRows(text, name, (columns) => checkColumns(columns, RELIABILITY_COLUMNS, name), (get) => ({
    images: get("images", TEXT),
    source: get("source", TEXT_OR_EMPTY),
    eps: get("eps", TEXT),
    from: get("from", REAL),
    to: get("to", REAL),
    n: get("n", COUNT),
    confidence: get("confidence", REAL),
    accuracy: get("accuracy", REAL),
  }));
}

/**
 * Writes `steps.csv`: the columns that every method has, then a column per term, empty where a method lacks it.
 *
 * @param rows Rows to write.
 * @param options Whether to write the column names, and the names of the terms.
 * @returns Lines ending in "\n".
 * @throws {TypeError} If a row has a term that is not among `options.terms`, or a term has the name of another column.
 */
export function formatSteps(rows: readonly StepRow[], options: FormatStepsOptions = {}): string {
  const terms = options.terms ?? [...new Set(rows.flatMap((row) => Object.keys(row.terms)))];
  const clash = terms.find((term) => (STEP_COLUMNS as readonly string[]).includes(term));
  if (clash !== undefined) {
    throw new TypeError(`Cannot write a term named "${clash}" as another column has that name: rename the term`);
  }
  const flat = rows.map(({ terms: values, ...row }) => {
    const unknown = Object.keys(values).find((term) => !terms.includes(term));
    if (unknown !== undefined) {
      throw new TypeError(`Cannot write the term "${unknown}" as the columns of terms are [${terms}]: add it to them`);
    }
    return { ...row, ...values };
  });
  return format(flat, [...STEP_COLUMNS, ...terms], options);
}

/**
 * Reads `steps.csv`.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns Its rows, each with the terms that its line has.
 * @throws {DataError} If the columns or a complete line are not as {@linkcode formatSteps} writes them.
 */
export function parseSteps(text: string, name = "steps.csv"): ParsedRows<StepRow> {
  let terms: readonly string[] = [];
  const check = (columns: readonly string[]) => {
    terms = columns.slice(STEP_COLUMNS.length);
    checkColumns(columns.slice(0, STEP_COLUMNS.length), STEP_COLUMNS, name);
  };
  return readRows(text, name, check, (get) => ({
    method: get("method", TEXT),
    step: get("step", COUNT),
    epoch: get("epoch", COUNT),
    learningRate: get("learningRate", REAL),
    loss: get("loss", REAL),
    terms: Object.fromEntries(
      terms.map((term) => [term, get(term, REAL_OR_EMPTY)] as const).filter((entry) => entry[1] !== ""),
    ) as Record<string, number>,
  }));
}

function format(
  rows: Record<string, unknown>[],
  columns: readonly string[],
  { headers = true }: FormatOptions,
): string {
  for (const value of [...columns, ...rows.flatMap((row) => Object.values(row))]) {
    if (typeof value === "string" && /[\r\n]/.test(value)) {
      throw new TypeError(`Cannot write ${JSON.stringify(value)} to a CSV file as it has a line break: rename it`);
    }
  }
  return stringify(rows, { columns: [...columns], headers }).replaceAll("\r\n", "\n");
}

/** How a field is read: what it must be, in words, and its value (undefined where it is not that). */
interface Field<T> {
  readonly expected: string;
  readonly read: (text: string) => T | undefined;
}
type Get = <T>(column: string, field: Field<T>) => T;

const TEXT: Field<string> = { expected: "a text", read: (text) => text === "" ? undefined : text };
const TEXT_OR_EMPTY: Field<string> = { expected: "a text or nothing", read: (text) => text };
const COUNT: Field<number> = {
  expected: "an integer of 0 or more",
  read: (text) => /^\d+$/.test(text) ? Number(text) : undefined,
};
const REAL: Field<number> = {
  expected: "a number",
  read: (text) => /^[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Infinity|NaN)$/.test(text) ? Number(text) : undefined,
};
const FLAG: Field<0 | 1> = { expected: "0 or 1", read: (text) => text === "0" ? 0 : text === "1" ? 1 : undefined };
const QUANTITY: Field<AnalysisQuantity> = {
  expected: `one of ${ANALYSIS_QUANTITIES.join(", ")}`,
  read: (text) => ANALYSIS_QUANTITIES.find((quantity) => quantity === text),
};
const TEACHER_QUANTITY: Field<TeacherQuantity> = {
  expected: `one of ${TEACHER_QUANTITIES.join(", ")}`,
  read: (text) => TEACHER_QUANTITIES.find((quantity) => quantity === text),
};
const ALARM_OR_EMPTY: Field<AlarmAction | ""> = {
  expected: `one of ${ALARM_ACTIONS.join(", ")}, or nothing`,
  read: (text) => text === "" ? "" : ALARM_ACTIONS.find((action) => action === text),
};
const INTERVAL: Field<"seeds" | "images"> = {
  expected: '"seeds" or "images"',
  read: (text) => text === "seeds" || text === "images" ? text : undefined,
};
const COUNT_OR_EMPTY: Field<number | ""> = {
  expected: "an integer of 0 or more, or nothing",
  read: (text) => text === "" ? "" : COUNT.read(text),
};
const REAL_OR_EMPTY: Field<number | ""> = {
  expected: "a number or nothing",
  read: (text) => text === "" ? "" : REAL.read(text),
};

function checkColumns(columns: readonly string[], expected: readonly string[], name: string): void {
  if (columns.join() !== expected.join()) {
    throw new DataError(
      `Cannot read "${name}" as its columns are "${columns}" where "${expected}" were expected: ` +
        "use a file that this version wrote, or remove it to write it anew",
    );
  }
}

function readRows<R>(
  text: string,
  name: string,
  checkHeader: (columns: readonly string[]) => void,
  read: (get: Get) => R,
): ParsedRows<R> {
  const end = text.lastIndexOf("\n") + 1;
  const whole = text.slice(0, end);
  const torn = end < text.length;
  // Fields have no line breaks and the parser skips empty lines: the i-th record is the i-th line that is not empty.
  const lines = whole.split("\n").flatMap((line, i) => line === "" || line === "\r" ? [] : [i + 1]);
  let records: string[][];
  try {
    records = parse(whole) as string[][];
  } catch (error) {
    throw new DataError(`Cannot read "${name}" as CSV: ${(error as Error).message}; mend or remove that line`);
  }
  const columns = records[0];
  if (columns === undefined) return { rows: [], torn };
  checkHeader(columns);
  const rows = records.slice(1).map((record, i) => {
    const at = `line ${lines[i + 1]} of "${name}"`;
    if (record.length !== columns.length) {
      throw new DataError(
        `Cannot read ${at} as it has ${record.length} fields where ${columns.length} were expected: mend or remove it`,
      );
    }
    return read((column, field) => {
      const value = record[columns.indexOf(column)]!;
      const result = field.read(value);
      if (result === undefined) {
        throw new DataError(
          `Cannot read ${at} as its ${column} is "${value}" where ${field.expected} was expected: mend or remove it`,
        );
      }
      return result;
    });
  });
  return { rows, torn };
}
