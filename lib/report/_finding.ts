import type { EvaluationRow } from "../core/mod.ts";
import { accuraciesOf, type Accuracy, epsText, wholeAttacks } from "./_accuracy.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf, methodOrder } from "./theme.ts";

/** What a run found, in words and numbers. */
export interface Finding {
  /** A sentence or two. */
  readonly text: string;
  /** Every method at the same place. */
  readonly table: AccuracyTable;
}

/** Where all methods were measured: an attack at a radius. */
interface Place {
  readonly attack: string;
  readonly eps: number;
  readonly rows: readonly Accuracy[];
}

/**
 * Puts the main finding into words: the accuracy of each method under the strongest attack at the largest radius that all
 * were attacked at, beside the teacher's. The strongest is the worst case over attacks where it is there, else the attack
 * that leaves the least on average; where nothing was attacked it is the accuracy without attack.
 *
 * The interval of a difference is Newcombe's hybrid of the two intervals, which takes them as of independent images; on the
 * same images the true one is narrower, as a rule.
 *
 * Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
 *
 * @param rows Rows of `evaluation.csv`.
 * @param teacher Name of the teacher in them.
 * @param interval What the intervals are, where they are not Wilson's.
 * @returns The finding; undefined without a place that all share.
 */
export function finding(
  rows: readonly EvaluationRow[],
  teacher: string,
  interval = "Wilson interval",
): Finding | undefined {
  const strongest = strongestPlace(rows);
  if (strongest === undefined) return undefined;
  const { attack, eps } = strongest;
  const place = attack === "clean"
    ? "without attack"
    : `under ${attack === "worst" ? "the worst case over all attacks" : labelOf(attack)} at ${epsText(eps)}`;
  const where = `${place[0]!.toUpperCase()}${place.slice(1)}${
    attack === "clean" || attack === "worst" ? "" : ", the strongest attack here"
  }`;
  const own = methodOrder(strongest.rows.map(({ method }) => method))
    .map((method) => strongest.rows.find((row) => row.method === method)!);
  const reference = own.find(({ method }) => method === teacher);
  const students = own.filter((row) => row !== reference && !row.method.endsWith(".best"))
    .sort((a, b) => b.accuracy - a.accuracy);
  const counts = own.map(({ n }) => n);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const images = least === most ? `${grouped(most)} images` : `${grouped(least)} to ${grouped(most)} images`;
  const text = reference === undefined
    ? `${where}, on ${images}: ${
      students.map((row) => `${labelOf(row.method)} is right on ${rateText(row)}`).join("; ")
    }.`
    : `${where}, the teacher is right on ${rateText(reference)} of ${images}` +
      `${students.map((row) => `; ${labelOf(row.method)} ${relation(row, reference)}`).join("")}.`;
  const differences = own.map((row) =>
    row === reference || reference === undefined ? undefined : differenceOf(row, reference)
  );
  return {
    text,
    table: {
      caption: `Accuracy in percent ${place} [95 % ${interval}]` +
        (reference === undefined
          ? "."
          : ", its share of the teacher's, and the difference to the teacher in percentage points [95 % interval after " +
            "Newcombe, taken as if the images were not the same]."),
      columns: ["Method", "n", "Accuracy", ...(reference === undefined ? [] : ["Of the teacher's", "Difference"])],
      rows: own.map((row, i) => {
        const difference = differences[i];
        return [
          labelOf(row.method),
          String(row.n),
          `${row.accuracy.toFixed(1)} [${row.low.toFixed(1)}, ${row.high.toFixed(1)}]`,
          ...(reference === undefined ? [] : difference === undefined ? ["-", "-"] : [
            reference.accuracy === 0 ? "-" : shareText(row, reference),
            `${signed(difference.difference)} [${signed(difference.low)}, ${signed(difference.high)}]`,
          ]),
        ];
      }),
    },
  };
}

function strongestPlace(rows: readonly EvaluationRow[]): Place | undefined {
  const accuracies = accuraciesOf(rows);
  const methods = new Set(accuracies.map(({ method }) => method));
  const attacks = wholeAttacks(rows);
  const places = [...Map.groupBy(accuracies, ({ attack, eps }) => JSON.stringify([attack, eps])).values()]
    .map((own) => ({ attack: own[0]!.attack, eps: own[0]!.eps, rows: own }))
    .filter(({ attack, rows: own }) => own.length === methods.size && (attack === "clean" || attacks.includes(attack)));
  const attacked = places.filter(({ attack, eps }) => attack !== "clean" && eps > 0);
  const largest = Math.max(...attacked.map(({ eps }) => eps));
  const mean = (place: Place): number =>
    place.rows.reduce((sum, { accuracy }) => sum + accuracy, 0) / place.rows.length;
  const candidates = attacked.filter(({ eps }) => eps === largest).sort((a, b) =>
    Number(b.attack === "worst") - Number(a.attack === "worst") || mean(a) - mean(b) ||
    attacks.indexOf(b.attack) - attacks.indexOf(a.attack)
  );
  return candidates[0] ?? places.find(({ attack }) => attack === "clean");
}

function relation(row: Accuracy, reference: Accuracy): string {
  const { low, high } = differenceOf(row, reference);
  const share = reference.accuracy === 0 ? "is right on" : `keeps ${shareText(row, reference)} of that,`;
  const verdict = high < 0 ? "below the teacher" : low > 0 ? "above the teacher" : "not told apart from the teacher";
  return `${share} ${rateText(row)}, ${verdict}`;
}

function shareText(row: Accuracy, reference: Accuracy): string {
  return `${(100 * row.accuracy / reference.accuracy).toFixed(0)} %`;
}

function differenceOf(
  a: Accuracy,
  b: Accuracy,
): { readonly difference: number; readonly low: number; readonly high: number } {
  const difference = a.accuracy - b.accuracy;
  return {
    difference,
    low: difference - Math.hypot(a.accuracy - a.low, b.high - b.accuracy),
    high: difference + Math.hypot(a.high - a.accuracy, b.accuracy - b.low),
  };
}

function rateText({ accuracy, low, high }: Accuracy): string {
  return `${accuracy.toFixed(1)} % [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}

function signed(points: number): string {
  const text = Math.abs(points).toFixed(1);
  return text === "0.0" ? text : `${points < 0 ? "\u2212" : "+"}${text}`;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
