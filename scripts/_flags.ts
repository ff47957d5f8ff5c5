import { UsageError } from "../mod.ts";

/** One of some words. */
export function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  if ((known as readonly string[]).includes(value)) return value as T;
  throw new UsageError(`Cannot use ${name} ${value} as it is not known: write one of ${known.join(", ")}`);
}

/** An integer of at least `least`. */
export function integerOf(name: string, value: string, least = 1): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`Cannot use ${name} ${value}: write an integer of at least ${least}`);
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** A duration in seconds: "90s", "10m", "1.5h". */
export function secondsOf(name: string, value: string): number {
  const { amount, unit } = /^(?<amount>\d+(?:\.\d+)?)(?<unit>[smh])$/.exec(value)?.groups ?? {};
  const seconds = Number(amount) * (SECONDS[unit ?? ""] ?? NaN);
  if (seconds > 0) return seconds;
  throw new UsageError(`Cannot use ${name} ${value}: write a duration with its unit, such as 90s, 10m or 2h`);
}
