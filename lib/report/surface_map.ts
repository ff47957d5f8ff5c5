import { DataError, type LossSurfaceRow, parseEps, UsageError } from "../core/mod.ts";
import { contourLines } from "./_contour_lines.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, FONT, FONT_SIZE, labelOf, methodOrder, SCHEMA, THEME } from "./theme.ts";

/** Options of {@linkcode surfaceMap}. */
export interface SurfaceMapOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /**
   * Width of the whole figure in pixels of 1/96 inch.
   * @default {321}
   */
  readonly width?: number;
}

/** Pixels left of the first map, for its axis. */
const AXIS_WIDTH = 45;
/** Pixels between maps. */
const SPACING = 10;
/** Maps side by side. */
const ABREAST = 3;

/**
 * Draws the loss on the plane of an attack's direction and a random one around an image, a map for each network, all in
 * the same colours: viridis over log(1 + loss), as bright as it is high. On it the line where the class changes, and the
 * border of the ball.
 *
 * @param rows Rows of `lossSurface` of one image, of any number of networks, in any order.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row, or rows of several images or radii.
 * @throws {DataError} If the points of a network are no grid.
 */
export function surfaceMap(rows: readonly LossSurfaceRow[], options: SurfaceMapOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH } = options;
  const kinds = new Set(rows.map(({ image, eps }) => `image ${image} at ${eps}`));
  if (kinds.size !== 1) {
    throw new UsageError(
      kinds.size === 0
        ? "Cannot draw a surface without a row: measure one with lossSurface"
        : `Cannot draw ${[...kinds].join(" and ")} in one figure: choose one image and one radius`,
    );
  }
  const methods = methodOrder(rows.map(({ method }) => method));
  const abreast = Math.min(methods.length, ABREAST);
  const room = width - AXIS_WIDTH - 6 - SPACING * (abreast - 1);
  const side = Math.floor(room / abreast);
  const largest = rows.reduce((most, { loss }) => Math.max(most, loss), 0);
  const eps = rows[0]!.eps;
  const lines = `White: the class changes. Black: the ball of radius ${eps}.`;
  return {
    $schema: SCHEMA,
    description: `Cross-entropy around an image, along the direction of an attack and along a random one, for ${
      methods.map(labelOf).join(", ")
    }; lines where the class changes and around the ball of radius ${eps}.`,
    padding: { left: 4, top: 4, right: 6 + room - abreast * side, bottom: 4 },
    title: {
      ...title === undefined ? { text: lines, fontSize: FONT_SIZE.label } : {
        text: title,
        subtitle: lines,
        subtitleFont: FONT,
        subtitleFontSize: FONT_SIZE.label,
        subtitleColor: "#222222",
      },
      frame: "bounds",
    },
    config: THEME,
    spacing: SPACING,
    columns: abreast,
    resolve: { scale: { color: "shared" } },
    concat: methods.map((method, i) =>
      mapOf(method, rows.filter((row) => row.method === method), {
        isFirst: i % abreast === 0,
        isLast: i + abreast >= methods.length,
        side,
        largest,
      })
    ),
  };
}

interface MapLayout {
  /** First of its line: its axis across has words. */
  readonly isFirst: boolean;
  /** Nothing is below it: its axis along has words. */
  readonly isLast: boolean;
  /** Pixels. */
  readonly side: number;
  /** Largest loss of all maps. */
  readonly largest: number;
}

function mapOf(method: string, rows: readonly LossSurfaceRow[], { isFirst, isLast, side, largest }: MapLayout) {
  const in255 = (value: number): number => Math.round(value * 255 * 1e3) / 1e3;
  const places = (of: (row: LossSurfaceRow) => number) => [...new Set(rows.map(of))].sort((a, b) => a - b);
  const [as, bs] = [places(({ a }) => a), places(({ b }) => b)];
  const at = new Map(rows.map((row) => [`${row.a} ${row.b}`, row]));
  if (at.size !== rows.length || rows.length !== as.length * bs.length || as.length < 2 || bs.length < 2) {
    throw new DataError(
      `Cannot draw the surface of "${method}" as its ${rows.length} points are no grid of ${as.length} by ${bs.length}: ` +
        "keep all rows of one lossSurface",
    );
  }
  const grid = (of: (row: LossSurfaceRow) => number) => bs.map((b) => as.map((a) => of(at.get(`${a} ${b}`)!)));
  const [xs, ys] = [as.map(in255), bs.map(in255)];
  const step = [xs[1]! - xs[0]!, ys[1]! - ys[0]!] as const;
  const digits = (value: number): number => Number(value.toPrecision(4));
  // A cell reaches a little under its neighbours to the right and above, so that no gap shows between them.
  const cells = bs.flatMap((b, j) =>
    as.map((a, i) => {
      const { loss, margin } = at.get(`${a} ${b}`)!;
      const [left, low] = [xs[i]! - step[0] / 2, ys[j]! - step[1] / 2];
      const corners = { a: left, a2: left + 1.15 * step[0], b: low, b2: low + 1.15 * step[1] };
      return {
        ...Object.fromEntries(Object.entries(corners).map(([name, value]) => [name, Math.round(value * 1e3) / 1e3])),
        loss: digits(loss),
        margin: digits(margin),
      };
    })
  );
  const domainOf = (places: readonly number[], step: number) => [places[0]! - step / 2, places.at(-1)! + step / 2];
  const ball = in255(parseEps(rows[0]!.eps));
  const axis = { grid: false, values: [-ball, 0, ball], labelFlush: false, titleFontSize: FONT_SIZE.label };
  const x = (field: string) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: domainOf(xs, step[0]), nice: false },
    axis: { ...axis, title: isLast ? "Attack (1/255)" : null, labels: isLast, ticks: isLast },
  });
  const y = (field: string) => ({
    field,
    type: "quantitative" as const,
    scale: { domain: domainOf(ys, step[1]), nice: false },
    axis: {
      ...axis,
      title: isFirst ? "Random (1/255)" : null,
      labels: isFirst,
      ticks: isFirst,
      ...(isFirst ? { minExtent: AXIS_WIDTH - 18, maxExtent: AXIS_WIDTH - 18 } : {}),
    },
  });
  const lines = (name: string, of: (row: LossSurfaceRow) => number, level: number, color: string, halo: string) => {
    const values = contourLines(grid(of), xs, ys, level);
    const encoding = { x: x("x"), y: y("y"), x2: { field: "x2" }, y2: { field: "y2" } };
    return values.length === 0 ? [] : [[halo, 3], [color, 1.2]].map(([color, strokeWidth]) => ({
      data: { name: `${name}_${method}`, values },
      mark: {
        type: "rule" as const,
        color: String(color),
        strokeWidth: Number(strokeWidth),
        strokeCap: "round" as const,
      },
      encoding,
    }));
  };
  return {
    width: side,
    height: side,
    title: { text: labelOf(method), fontSize: FONT_SIZE.title, anchor: "middle" as const, offset: 4 },
    layer: [
      {
        data: { name: `cells_${method}`, values: cells },
        mark: { type: "rect" as const, clip: true },
        encoding: {
          x: x("a"),
          x2: { field: "a2" },
          y: y("b"),
          y2: { field: "b2" },
          color: {
            field: "loss",
            type: "quantitative" as const,
            scale: { type: "symlog" as const, constant: 1, scheme: "viridis", domain: [0, largest] },
            legend: {
              title: "Cross-entropy",
              orient: "bottom" as const,
              direction: "horizontal" as const,
              gradientLength: 160,
              gradientThickness: 8,
              titleFontSize: FONT_SIZE.label,
            },
          },
          tooltip: [{ field: "loss" }, { field: "margin" }],
        },
      },
      ...lines("ball", ({ distance }) => distance, parseEps(rows[0]!.eps), "black", "white"),
      ...lines("border", ({ margin }) => margin, 0, "white", "black"),
    ],
  };
}
