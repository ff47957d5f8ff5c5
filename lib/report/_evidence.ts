import { DataError, type EvidenceRow, parseEps, UsageError } from "../core/mod.ts";
import { wholeAttacks } from "./_accuracy.ts";

/** Outcomes of one network under several attacks at one radius. */
export interface Outcomes {
  readonly method: string;
  /** Images that all of the attacks were run on. */
  readonly images: readonly number[];
  /** Those of them that are classified correctly as they are. */
  readonly correct: readonly number[];
  /** Whether an attack broke an image. */
  readonly isBroken: (attack: string, image: number) => boolean;
}

/**
 * What some attacks did to the same images at one radius.
 *
 * @param asked The radius; the largest one that all of them have where it is undefined.
 * @param purpose What it is for, for the message: "compare", "draw".
 * @returns The radius, and the outcomes of each network.
 * @throws {UsageError} If no image was attacked by all.
 */
export function commonOutcomes(
  rows: readonly EvidenceRow[],
  attacks: readonly string[],
  asked: string | undefined,
  purpose: string,
): { readonly eps: string; readonly outcomes: readonly Outcomes[] } {
  const eps = asked ?? largestRadius(rows, attacks);
  const outcomes = eps === undefined ? [] : outcomesAt(rows, attacks, eps);
  if (eps === undefined || outcomes.length === 0) {
    throw new UsageError(
      `Cannot ${purpose} ${attacks.join(", ")} as no image was attacked by all${
        eps === undefined ? " at one radius" : ` at eps ${eps}`
      }: choose others`,
    );
  }
  return { eps, outcomes };
}

/** The largest radius that all of the attacks have; undefined where there is none. */
export function largestRadius(rows: readonly EvidenceRow[], attacks: readonly string[]): string | undefined {
  const radii = attacks.map((attack) =>
    new Map(
      [...new Set(rows.filter((row) => row.attack === attack).map(({ eps }) => eps))].map((
        eps,
      ) => [parseEps(eps, Infinity), eps]),
    )
  );
  const common = [...radii[0] ?? []].filter(([radius]) => radii.every((other) => other.has(radius)));
  return common.sort(([a], [b]) => b - a)[0]?.[1];
}

/** Evidence of some attacks at a radius, a network at a time, in the order of the rows. */
export function outcomesAt(rows: readonly EvidenceRow[], attacks: readonly string[], eps: string): Outcomes[] {
  const radius = parseEps(eps, Infinity);
  const own = rows.filter((row) => attacks.includes(row.attack) && parseEps(row.eps, Infinity) === radius);
  return [...Map.groupBy(own, ({ method }) => method)].flatMap(([method, ofMethod]): Outcomes[] => {
    const broken = new Map(attacks.map((attack) => [attack, new Map<number, boolean>()]));
    for (const { attack, image, success } of ofMethod) {
      if (broken.get(attack)!.has(image)) {
        throw new DataError(
          `Cannot draw "${method}" under "${attack}" as image ${image} is there twice: keep one row of each`,
        );
      }
      broken.get(attack)!.set(image, success === 1);
    }
    const margins = new Map(ofMethod.map(({ image, cleanMargin }) => [image, cleanMargin]));
    const images = [...margins.keys()].filter((image) => attacks.every((attack) => broken.get(attack)!.has(image)));
    if (images.length === 0) return [];
    return [{
      method,
      images,
      correct: images.filter((image) => margins.get(image)! >= 0),
      isBroken: (attack, image) => broken.get(attack)!.get(image)!,
    }];
  });
}

/** Attacks of a figure: those that are asked for, which must be there, or the usual ones. */
export function attacksIn(
  rows: readonly EvidenceRow[],
  asked: readonly string[] | undefined,
  usual: readonly string[],
): readonly string[] {
  const attacks = asked ?? usual;
  const missing = attacks.find((attack) => !rows.some((row) => row.attack === attack));
  if (missing === undefined && attacks.length > 0) return attacks;
  const present = wholeAttacks(rows);
  throw new UsageError(
    `Cannot draw ${missing === undefined ? "who broke what" : `attack "${missing}"`} as no row has ` +
      `${missing === undefined ? "an attack" : "it"}: ` +
      (present.length === 0 ? "evaluate under an attack first" : `choose from ${present.join(", ")}`),
  );
}
