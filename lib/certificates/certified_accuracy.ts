import { type CertificateRow, type CertifiedRadiusRow, type EvaluationRow, parseEps, wilson } from "../core/mod.ts";

/**
 * Certified accuracy against the radius: the share of images that are certified there, with its 95 % Wilson interval.
 *
 * @param rows Rows of images at given radii, or of certified radii, of any number of networks and certificates.
 * @param eps For certified radii: where to count, in pixel units as text ("2/255"); else every radius of the rows.
 * @returns Rows by network, certificate and norm, then radius; `attack` is the certificate and its norm: "crown Linf".
 * @throws {UsageError} If a radius cannot be read.
 */
export function certifiedAccuracy(
  rows: readonly (CertificateRow | CertifiedRadiusRow)[],
  eps: readonly string[] = [],
): EvaluationRow[] {
  const groups = Map.groupBy(rows, ({ method, certificate, norm }) => JSON.stringify([method, certificate, norm]));
  return [...groups.values()].flatMap((group) => {
    const { method, certificate, norm } = group[0]!;
    const asked = [...new Set([...eps, ...group.flatMap((row) => "eps" in row ? [row.eps] : [])])];
    const valueOf = (text: string) => parseEps(text, Infinity);
    return asked.toSorted((a, b) => valueOf(a) - valueOf(b)).flatMap((at) => {
      const answers = group.flatMap((row) => {
        if ("radius" in row) return [row.certified && row.radius >= valueOf(at)];
        return row.eps === at ? [row.certified] : [];
      });
      if (answers.length === 0) return [];
      const correct = answers.filter(Boolean).length;
      const attack = `${certificate} ${norm}`;
      return [{ method, attack, eps: at, n: answers.length, correct, ...wilson(correct, answers.length) }];
    });
  });
}
