import { DataError, type EvaluationRow, formatEps, parseEps, UsageError } from "../core/mod.ts";
import { compareText } from "./theme.ts";

/** An evaluation row in the units of the figures. */
export interface Accuracy {
  readonly method: string;
  readonly attack: string;
  /** Radius in units of 1/255. */
  readonly eps: number;
  /** Percent. */
  readonly accuracy: number;
  /** Lower end of the interval, percent. */
  readonly low: number;
  /** Upper end of the interval, percent. */
  readonly high: number;
  readonly n: number;
}

/** Converts rows to percent and units of 1/255, refusing two rows for the same thing. */
export function accuraciesOf(rows: readonly EvaluationRow[]): Accuracy[] {
  const seen = new Set<string>();
  return rows.map((row) => {
    const eps = in255(row.eps);
    const key = JSON.stringify([row.method, row.attack, eps]);
    if (seen.has(key)) {
      throw new DataError(
        `Cannot draw "${row.method}" under "${row.attack}" as eps ${row.eps} is there twice: keep one row of each`,
      );
    }
    seen.add(key);
    return accuracyOf(row);
  });
}

/** A row in percent and units of 1/255. */
export function accuracyOf({ method, attack, eps, rate, low, high, n }: EvaluationRow): Accuracy {
  return { method, attack, eps: in255(eps), accuracy: percent(rate), low: percent(low), high: percent(high), n };
}

/** Radius text in units of 1/255, rounded so that "8/255" is exactly 8. */
export function in255(eps: string): number {
  return Math.round(parseEps(eps, Infinity) * 255 * 1e4) / 1e4;
}

/** Attacks other than "clean", in alphabetical order of their names with numbers by value, "worst" last. */
export function attacksOf(rows: readonly { readonly attack: string }[]): string[] {
  return [...new Set(rows.map((row) => row.attack))].filter((attack) => attack !== "clean").sort(compareAttacks);
}

/** Refuses an attack that no row has, naming those there are. */
export function requireAttack(rows: readonly { readonly attack: string }[], attack: string): void {
  const present = attacksOf(rows);
  if (present.includes(attack)) return;
  throw new UsageError(
    `Cannot draw attack "${attack}" as no row has it: ` +
      (present.length === 0 ? "evaluate under an attack first" : `choose one of ${present.join(", ")}`),
  );
}

/** Radii (units of 1/255, rising) that every one of the attacks has in some row. */
export function commonRadii(accuracies: readonly Accuracy[], attacks: readonly string[]): number[] {
  const radiiOf = (attack: string): number[] =>
    accuracies.filter((row) => row.attack === attack && row.eps > 0).map((row) => row.eps);
  const [first = [], ...others] = attacks.map(radiiOf);
  return [...new Set(first)].filter((eps) => others.every((radii) => radii.includes(eps))).sort((a, b) => a - b);
}

/** Attacks without the stages of ensembles: "autoattack.apgd-ce" is a part of "autoattack". */
export function wholeAttacks(rows: readonly { readonly attack: string }[]): string[] {
  const present = attacksOf(rows);
  return present.filter((attack) => !present.some((whole) => attack.startsWith(`${whole}.`)));
}

/** The attacks that a figure shows unasked: FGSM and PGD-20 as far as they are there, else all that are whole. */
export function usualAttacks(rows: readonly { readonly attack: string }[]): string[] {
  const present = wholeAttacks(rows);
  const usual = present.filter((attack) => attack === "fgsm" || attack === "pgd-20");
  return usual.length > 0 ? usual : present;
}

/** A radius in units of 1/255 as text: 8 is "8/255". */
export function epsText(eps: number): string {
  return formatEps(eps / 255, Infinity);
}

/** The clean row of a method, or an error that says how to get it. */
export function cleanOf(accuracies: readonly Accuracy[], method: string): Accuracy {
  const clean = accuracies.find((row) => row.method === method && row.attack === "clean");
  if (clean === undefined) {
    throw new DataError(`Cannot draw "${method}" as it has no "clean" row: evaluate it without an attack as well`);
  }
  return clean;
}

/** "fgsm" before "pgd-10" before "pgd-20" before "apgd-ce", others by name, "worst" at the end. */
function compareAttacks(a: string, b: string): number {
  const rank = (attack: string): number => {
    const index = ["fgsm", "pgd", "apgd"].indexOf(attack.split("-")[0]!);
    return attack === "worst" ? 9 : index < 0 ? 3 : index;
  };
  const steps = (attack: string): number => Number(attack.match(/\d+/)?.[0] ?? 0);
  return rank(a) - rank(b) || steps(a) - steps(b) || compareText(a, b);
}

/** A rate in percent, rounded to 1e-4. */
export function percent(rate: number): number {
  return Math.round(rate * 1e6) / 1e4;
}
