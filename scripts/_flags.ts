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
