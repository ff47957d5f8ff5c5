import { estimateWidth, FONT_SIZE } from "./theme.ts";

/**
 * Moves labels apart so that neighbours keep a distance, each as near to its own place as that allows (least squares:
 * pool adjacent violators), all inside [low, high] where they fit.
 *
 * @param places Wanted places, in any order.
 * @param gap Smallest distance of two labels.
 * @param low Smallest place.
 * @param high Largest place.
 * @returns The places, in the order given, rounded to 1e-3.
 */
export function spreadLabels(places: readonly number[], gap: number, low: number, high: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]! || b - a);
  const pools: { sum: number; count: number }[] = [];
  const mean = (pool: { sum: number; count: number }): number => pool.sum / pool.count;
  order.forEach((label, rank) => {
    let pool = { sum: places[label]! - rank * gap, count: 1 };
    while (pools.length > 0 && mean(pools.at(-1)!) >= mean(pool)) {
      const previous = pools.pop()!;
      pool = { sum: previous.sum + pool.sum, count: previous.count + pool.count };
    }
    pools.push(pool);
  });
  const top = high - gap * (places.length - 1);
  const bases = pools.flatMap((pool) => Array<number>(pool.count).fill(Math.max(low, Math.min(top, mean(pool)))));
  const spread = new Array<number>(places.length);
  order.forEach((label, rank) => spread[label] = Math.round((bases[rank]! + rank * gap) * 1e3) / 1e3);
  return spread;
}

/**
 * Counts how many legend entries fit side by side.
 *
 * @param labels Texts of the entries.
 * @param width Pixels there are.
 * @returns Columns, at least 1; rows are kept as even as possible.
 */
export function legendColumns(labels: readonly string[], width: number): number {
  const entry = Math.max(...labels.map((label) => estimateWidth(label, FONT_SIZE.label))) + 20;
  const most = Math.max(1, Math.min(labels.length, Math.floor(width / entry)));
  return Math.ceil(labels.length / Math.ceil(labels.length / most));
}
