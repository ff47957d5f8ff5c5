import { type CertifiedRow, DataError, UsageError, wilson } from "../core/mod.ts";
import { in255, percent } from "./_accuracy.ts";
import { frame } from "./_frame.ts";
import { legendColumns } from "./_labels.ts";
import { methodEncodings } from "./_method_encodings.ts";
import { percentAxis } from "./_percent_axis.ts";
import type { TopLevelSpec } from "./render.ts";
import { COLUMN_WIDTH, compareText, labelOf } from "./theme.ts";

/** Options of {@linkcode certifiedBracket}. */
export interface CertifiedBracketOptions {
  /** Heading above the figure; none where omitted. */
  readonly title?: string;
  /** Width of the whole figure in pixels of 1/96 inch. @default {321} */
  readonly width?: number;
  /** Height of the whole figure in pixels of 1/96 inch. @default {230} */
  readonly height?: number;
}

/** Dashes of certificates in turn, by their names. */
const DASHES = [[3, 2], [1, 2], [6, 2], [6, 2, 1, 2]];

/**
 * Draws what is known of the robust accuracy (percent) against the radius (units of 1/255): for each method a band between
 * the images that are certified and those that the attack has left, among which the truth lies, with the 95 % Wilson
 * interval of each end as a whisker. Where several certificates or attacks were tried, the band is between the largest
 * certified and the smallest attacked share, and each certificate has its dashed line.
 *
 * @param rows Rows, in any order.
 * @param options Heading and size.
 * @returns A Vega-Lite specification with its data inside.
 * @throws {UsageError} If there is no row.
 * @throws {DataError} If more images are certified than are left by an attack, which no network can have, counts are no
 * counts, or two rows stand for the same thing.
 */
export function certifiedBracket(rows: readonly CertifiedRow[], options: CertifiedBracketOptions = {}): TopLevelSpec {
  const { title, width = COLUMN_WIDTH, height = 230 } = options;
  if (rows.length === 0) {
    throw new UsageError("Cannot draw a bracket of certificates without a row: certify a network first");
  }
  rows.forEach(checkCounts);
  checkOnce(rows);
  const { labels, color, shape } = methodEncodings(rows, width);
  const radii = [...new Set(rows.map(({ eps }) => in255(eps)))].sort((a, b) => a - b);
  const certificates = [...new Set(rows.map(({ certificate }) => certificate))].sort(compareText);
  const methods = [...new Set(rows.map(({ method }) => method))]
    .sort((a, b) => labels.indexOf(labelOf(a)) - labels.indexOf(labelOf(b)));
  const attacks = [...new Set(rows.map(({ attack }) => labelOf(attack)))].sort(compareText).join(", ");
  const endOf = (correct: number, n: number) => {
    const { rate, low, high } = wilson(correct, n);
    return { accuracy: percent(rate), low: percent(low), high: percent(high) };
  };
  const at = (method: string, eps: number): CertifiedRow[] =>
    rows.filter((row) => row.method === method && in255(row.eps) === eps);
  const bands = methods.flatMap((method) =>
    radii.flatMap((eps) => {
      const own = at(method, eps);
      if (own.length === 0) return [];
      const { n } = own[0]!;
      if (own.some((row) => row.n !== n)) {
        throw new DataError(
          `Cannot draw "${method}" at eps ${
            own[0]!.eps
          } as its rows have other numbers of images: keep those of one set`,
        );
      }
      const [certified, attacked] = [
        Math.max(...own.map((row) => row.certified)),
        Math.min(...own.map((row) => row.attacked)),
      ];
      if (certified > attacked) throw contradiction(own.find((row) => row.certified === certified)!, attacked);
      return [{
        method: labelOf(method),
        eps,
        lower: percent(certified / n),
        upper: percent(attacked / n),
        end: attacks,
        n,
        certified: endOf(certified, n),
        attacked: endOf(attacked, n),
      }];
    })
  );
  const lines = methods.flatMap((method) =>
    certificates.flatMap((certificate) =>
      radii.flatMap((eps) => {
        const own = at(method, eps).filter((row) => row.certificate === certificate);
        if (own.length === 0) return [];
        const { n, certified } = own[0]!;
        return [{
          method: labelOf(method),
          end: labelOf(certificate),
          eps,
          lower: percent(certified / n),
        }];
      })
    )
  );
  const whiskers = bands.flatMap(({ method, eps, certified, attacked }) => [
    { method, eps, end: "certified", ...certified },
    { method, eps, end: "attacked", ...attacked },
  ]);
  const x = {
    field: "eps",
    type: "quantitative" as const,
    scale: { domain: [0, radii.at(-1)! || 1], nice: false },
    axis: { title: "Radius ε (units of 1/255)", values: radii, grid: false, labelFlush: false },
  };
  const y = (field: string) => percentAxis(field, "Attacked, certified accuracy (%)");
  const ends = [attacks, ...certificates.map(labelOf)];
  const dash = {
    field: "end",
    type: "nominal" as const,
    scale: { domain: ends, range: [[1, 0], ...certificates.map((_, i) => DASHES[i % DASHES.length]!)] },
    legend: {
      orient: "bottom" as const,
      direction: "horizontal" as const,
      columns: legendColumns(ends, width - 80),
      symbolType: "stroke",
      symbolSize: 250,
    },
  };
  return {
    ...frame({
      description:
        `Robust accuracy in percent against the radius for ${labels.join(", ")}: bands from the images certified by ` +
        `${certificates.map(labelOf).join(", ")} to those that ${attacks} left; whiskers are 95 % Wilson intervals.`,
      width,
      height,
      title,
    }),
    data: { name: "bands", values: bands.map(({ certified: _, attacked: __, ...band }) => band) },
    layer: [
      { mark: { type: "area", opacity: 0.2 }, encoding: { x, y: y("lower"), y2: { field: "upper" }, color } },
      {
        data: { name: "whiskers", values: whiskers },
        mark: { type: "rule", strokeWidth: 1, opacity: 0.5 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color },
      },
      {
        data: { name: "lines", values: lines },
        mark: { type: "line", strokeWidth: 1.2 },
        encoding: { x, y: y("lower"), color, strokeDash: dash },
      },
      { mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y: y("upper"), color, strokeDash: dash } },
      { mark: { type: "point", filled: true, opacity: 1, size: 28 }, encoding: { x, y: y("upper"), color, shape } },
      {
        mark: { type: "point", filled: false, fill: "#ffffff", opacity: 1, size: 22, strokeWidth: 1 },
        encoding: { x, y: y("lower"), color, shape },
      },
    ],
  };
}

function checkCounts(row: CertifiedRow): void {
  const { method, eps, n, certified, attacked } = row;
  const isCount = (count: number): boolean => Number.isInteger(count) && count >= 0 && count <= n;
  if (n < 1 || !isCount(n) || !isCount(certified) || !isCount(attacked)) {
    throw new DataError(
      `Cannot draw "${method}" at eps ${eps} as ${certified} certified and ${attacked} attacked of ${n} images are no ` +
        "counts: give whole numbers up to the last",
    );
  }
  if (certified > attacked) throw contradiction(row, attacked);
}

/** An attack that breaks a certified image shows that certificate, attack or the joining of both is wrong. */
function contradiction({ method, certificate, eps, certified }: CertifiedRow, attacked: number): DataError {
  return new DataError(
    `Cannot draw "${method}" at eps ${eps} as "${certificate}" certifies ${certified} images of which an attack left ` +
      `${attacked}: one of them is wrong, check both`,
  );
}

function checkOnce(rows: readonly CertifiedRow[]): void {
  const seen = new Map<string, number>();
  for (const { method, certificate, attack, eps, certified } of rows) {
    const of = `"${method}" by "${certificate}" at eps ${eps}`;
    const key = JSON.stringify([method, certificate, in255(eps)]);
    const first = seen.get(key);
    const whole = JSON.stringify([method, certificate, attack, in255(eps)]);
    if (seen.has(whole)) throw new DataError(`Cannot draw ${of} as it is there twice: keep one row of each attack`);
    if (first !== undefined && first !== certified) {
      throw new DataError(`Cannot draw ${of} as it certifies ${first} images and ${certified}: keep one of them`);
    }
    seen.set(key, certified);
    seen.set(whole, certified);
  }
}
