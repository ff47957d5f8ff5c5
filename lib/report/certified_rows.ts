import { type CertificateRow, type CertifiedRow, DataError, type EvidenceRow } from "../core/mod.ts";
import { in255, wholeAttacks } from "./_accuracy.ts";

/**
 * Puts certificates beside the attacks of the same norm, image by image: of the images that both looked at, how many are
 * certified at a radius, and how many are correct and stand under every attack at it.
 *
 * @param certificates Whether images are certified, of any number of networks, certificates and radii.
 * @param evidence Rows of `evidence.csv`.
 * @returns A row for each network, certificate and radius that was attacked too; its attack is "worst".
 * @throws {DataError} If an image is certified that an attack broke: one of them is wrong.
 */
export function certifiedRows(
  certificates: readonly CertificateRow[],
  evidence: readonly EvidenceRow[],
): CertifiedRow[] {
  const attacks = wholeAttacks(evidence).filter((attack) => attack !== "worst");
  const keyOf = ({ method, eps, image }: { method: string; eps: string; image: number }, norm: string): string =>
    JSON.stringify([method, in255(eps), norm, image]);
  const attacked = Map.groupBy(
    evidence.filter(({ attack }) => attacks.includes(attack)),
    (row) => keyOf(row, normOf(row.attack)),
  );
  const groups = Map.groupBy(
    certificates.filter((row) => attacked.has(keyOf(row, row.norm))),
    ({ method, certificate, norm, eps }) => JSON.stringify([method, certificate, norm, in255(eps)]),
  );
  return [...groups.values()].map((group) => {
    const { method, certificate, eps } = group[0]!;
    let standing = 0;
    for (const { image, certified, norm } of group) {
      const broken = attacked.get(keyOf({ method, eps, image }, norm))!.find(({ success }) => success === 1);
      if (broken === undefined) standing++;
      else if (certified) {
        throw new DataError(
          `Cannot believe that "${certificate}" certifies image ${image} of "${method}" at eps ${eps} as ` +
            `"${broken.attack}" broke it: one of them is wrong, check both`,
        );
      }
    }
    const certified = group.filter((row) => row.certified).length;
    return { method, certificate, attack: "worst", eps, n: group.length, certified, attacked: standing };
  });
}

/** The norm of an attack's ball, which stands in its name where it is not Linf: "pgd-20-l2". */
function normOf(attack: string): string {
  const digit = attack.match(/-l([12])(?=-|$)/)?.[1];
  return digit === undefined ? "Linf" : `L${digit}`;
}
