/**
 * The name that was probably meant: the one of the smallest edit distance, where that is at most half of its length.
 *
 * @param name What was given.
 * @param names What there is.
 * @returns The nearest of the names, undefined where none is near.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (distance < least && 2 * distance <= Math.max(name.length, candidate.length)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Insertions, deletions and replacements that make b of a (Levenshtein 1966), one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
    above = row;
  }
  return above[b.length]!;
}
