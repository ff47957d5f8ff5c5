import { type ApgdSpec, attackName, type AttackSpec, UsageError, validateSpec } from "../mod.ts";

/**
 * Reads attacks by their names in tables: "fgsm", "pgd-20", "apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "square",
 * "autoattack", "autoattack-plus", with "-l2" or "-l1" (norm), "-margin" (loss of fgsm and pgd) and settings such as
 * "-steps-50" or "-restarts-5" behind.
 *
 * @param flags Names, several of them joined by commas.
 * @returns The attacks, in the order of the names.
 * @throws {UsageError} If a name is not known.
 */
export function attacksOf(flags: readonly string[]): AttackSpec[] {
  return flags.flatMap((flag) => flag.split(",")).map((text) => attackOf(text.trim()));
}

const NAME = new RegExp(
  "^(?:fgsm|pgd-(?<steps>[1-9]\\d*)|apgd-(?<loss>ce|margin|dlr|t)|fab(?<targeted>-t)?|square|autoattack)" +
    "(?:-(?<norm>l1|l2))?(?<margin>-margin)?(?<settings>(?:-(?:steps|restarts|targets|queries)-[1-9]\\d*)*)" +
    "(?<larger>-larger-reps)?(?<plus>-plus)?$",
);
const LOSSES: Readonly<Record<string, ApgdSpec["loss"]>> = {
  ce: "crossEntropy",
  margin: "margin",
  dlr: "dlr",
  t: "targetedDlr",
};

function attackOf(text: string): AttackSpec {
  const match = NAME.exec(text);
  if (match !== null) {
    const { steps, loss, targeted, norm, margin, settings, larger, plus } = match.groups!;
    const spec = {
      kind: text.split("-")[0],
      ...(norm === undefined ? {} : { norm: norm.toUpperCase() }),
      ...(steps === undefined ? {} : { steps: Number(steps) }),
      ...(loss === undefined ? {} : { loss: LOSSES[loss] }),
      ...(targeted === undefined ? {} : { targets: 9 }),
      ...(margin === undefined ? {} : { loss: "margin" }),
      ...Object.fromEntries(
        Array.from(settings!.matchAll(/-([a-z]+)-(\d+)/g), ([, key, value]) => [key, Number(value)]),
      ),
      ...(larger === undefined ? {} : { largerReps: true }),
      ...(plus === undefined ? {} : { version: "plus" }),
    };
    // A setting that the kind does not have is refused there; one in another place, here.
    if (attackName(validateSpec(spec, [], text)) === text) return spec as unknown as AttackSpec;
  }
  throw new UsageError(
    `Cannot use the attack "${text}": write fgsm, pgd-<steps>, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, square or ` +
      "autoattack, with -l2, -l1 or -margin behind where wanted, such as pgd-20-margin",
  );
}
