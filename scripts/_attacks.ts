import { attackName, type AttackSpec, UsageError } from "../mod.ts";

/**
 * Reads attacks by their names in tables: "fgsm", "pgd-20", with "-l2" (norm) and "-margin" (loss) behind.
 *
 * @param flags Names, several of them joined by commas.
 * @returns The attacks, in the order of the names.
 * @throws {UsageError} If a name is not known.
 */
export function attacksOf(flags: readonly string[]): AttackSpec[] {
  return flags.flatMap((flag) => flag.split(",")).map((text) => attackOf(text.trim()));
}

function attackOf(text: string): AttackSpec {
  const match = /^(?:fgsm|pgd-([1-9]\d*))(-l2)?(-margin)?$/.exec(text);
  if (match === null) {
    throw new UsageError(
      `Cannot use the attack "${text}": write fgsm or pgd-<steps>, with -l2 and -margin behind where wanted, such as ` +
        "pgd-20-margin",
    );
  }
  const [, steps, l2, margin] = match;
  const common = { ...(l2 ? { norm: "L2" as const } : {}), ...(margin ? { loss: "margin" as const } : {}) };
  const spec: AttackSpec = steps === undefined
    ? { kind: "fgsm", ...common }
    : { kind: "pgd", steps: Number(steps), ...common };
  if (attackName(spec) !== text) throw new Error(`"${text}" was read as ${attackName(spec)}`);
  return spec;
}
