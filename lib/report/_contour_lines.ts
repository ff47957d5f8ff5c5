/** A piece of a line. */
export interface Segment {
  readonly x: number;
  readonly y: number;
  readonly x2: number;
  readonly y2: number;
}

/**
 * Where a function on a grid takes a value, linearly between neighbours, cell by cell.
 *
 * Source: marching squares (Lorensen and Cline 1987, in two dimensions); at a saddle the mean of the corners decides.
 *
 * @param values Values by line and place in it [ys][xs].
 * @param xs Places along a line, rising.
 * @param ys Places of the lines, rising.
 * @param level The value.
 * @returns Pieces of the lines, cell by cell.
 */
export function contourLines(
  values: readonly (readonly number[])[],
  xs: readonly number[],
  ys: readonly number[],
  level: number,
): Segment[] {
  const segments: Segment[] = [];
  for (let j = 0; j + 1 < ys.length; j++) {
    for (let i = 0; i + 1 < xs.length; i++) {
      // Corners around the cell, and the points of its sides where the level is crossed, in the same order.
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]].map(([i = 0, j = 0]) => (
        { x: xs[i]!, y: ys[j]!, over: values[j]![i]! - level }
      ));
      const crossings = corners.map((from, k) => crossing(from, corners[(k + 1) % 4]!));
      const [first, second, third, fourth] = crossings.filter((point) => point !== undefined);
      if (first === undefined || second === undefined) continue;
      if (third === undefined || fourth === undefined) {
        segments.push(segment(first, second));
        continue;
      }
      const mean = corners.reduce((sum, { over }) => sum + over, 0);
      // All four sides are crossed: the corner 0 is cut off where the middle is on the other side of the level.
      const cutsFirst = mean >= 0 !== corners[0]!.over >= 0;
      if (cutsFirst) segments.push(segment(first, fourth), segment(second, third));
      else segments.push(segment(first, second), segment(third, fourth));
    }
  }
  return segments;
}

interface Corner {
  readonly x: number;
  readonly y: number;
  readonly over: number;
}

function crossing(from: Corner, to: Corner): { readonly x: number; readonly y: number } | undefined {
  if (from.over >= 0 === to.over >= 0) return undefined;
  const share = from.over / (from.over - to.over);
  return { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
}

function segment(from: { x: number; y: number }, to: { x: number; y: number }): Segment {
  const round = (value: number): number => Math.round(value * 1e3) / 1e3;
  return { x: round(from.x), y: round(from.y), x2: round(to.x), y2: round(to.y) };
}
