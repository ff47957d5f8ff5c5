import { UsageError } from "./errors.ts";

/**
 * Reads a radius in pixel units: `"8/255"` is 8/255, `"0.03"` is 0.03.
 *
 * @param text A fraction `a/b`, a decimal, or the number itself.
 * @param max Largest radius that makes sense; 1 is the width of the pixel box, right for Linf.
 * @returns The radius, 0 <= eps <= max.
 * @throws {UsageError} If the text is no number, or the radius is negative or above `max`.
 */
export function parseEps(text: string | number, max = 1): number {
  const value = typeof text === "number" ? text : parseNumber(text.trim());
  if (value === undefined || !Number.isFinite(value)) {
    throw new UsageError(`Cannot read "${text}" as a radius: write a fraction such as 8/255 or a decimal such as 0.03`);
  }
  if (value < 0) throw new UsageError(`Cannot use "${text}" as a radius as it is negative: write 0 or more`);
  if (value > max) {
    const hint = Number.isInteger(value) && value < 255 ? `; did you mean ${value}/255?` : "";
    throw new UsageError(
      `Cannot use "${text}" as a radius as pixels are in [0, 1]: write a value between 0 and ${max}${hint}`,
    );
  }
  return value === 0 ? 0 : value;
}

/**
 * The one text of a radius, as it stands in file names and CSV columns.
 *
 * @param eps The radius, or a text of it.
 * @param max As in {@linkcode parseEps}.
 * @returns `"0"`, `"k/255"` where eps is at most 1 and that within 1e-9, else the shortest decimal that reads back as eps.
 * @throws {UsageError} As {@linkcode parseEps}.
 */
export function formatEps(eps: number | string, max = 1): string {
  const value = parseEps(eps, max);
  const k = Math.round(value * 255);
  if (value > 1 || Math.abs(value - k / 255) > 1e-9) return String(value);
  return k === 0 && value === 0 ? "0" : k === 0 ? String(value) : `${k}/255`;
}

/**
 * Reads a list of radii: `"2/255,4/255"`, or `"1/255..8/255"` for every k/255 from the first to the last.
 *
 * @param text Radii and ranges, separated by commas; 0 is allowed.
 * @param max As in {@linkcode parseEps}.
 * @returns The radii as {@linkcode formatEps} writes them, in the order given, each once.
 * @throws {UsageError} If a part is no radius, the list is empty, or a range does not rise from one k/255 to another.
 */
export function parseEpsList(text: string, max = 1): string[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (parts.length === 0) {
    throw new UsageError(`Cannot read "${text}" as a list of radii: write 2/255,4/255 or 1/255..8/255`);
  }
  return [...new Set(parts.flatMap((part) => part.includes("..") ? parseRange(part, max) : [formatEps(part, max)]))];
}

function parseRange(text: string, max: number): string[] {
  const ends = text.split("..").map((end) => parseEps(end, max) * 255);
  const [first = NaN, last = NaN] = ends.map(Math.round);
  const onGrid = ends.every((end) => Math.abs(end - Math.round(end)) < 255e-9);
  if (ends.length !== 2 || !onGrid || first > last) {
    throw new UsageError(
      `Cannot read "${text}" as a range of radii: write it rising in steps of 1/255, as 1/255..8/255`,
    );
  }
  return Array.from({ length: last - first + 1 }, (_, i) => formatEps((first + i) / 255, max));
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function parseNumber(text: string): number | undefined {
  const parts = text.split("/").map((part) => part.trim());
  if (parts.length > 2 || !parts.every((part) => DECIMAL.test(part))) return undefined;
  const [numerator = NaN, denominator = 1] = parts.map(Number);
  return numerator / denominator;
}
