import { attackName, type AttackSpec, UsageError, validateSpec } from "../mod.ts";

/**
 * Reads attacks by the names that they have in tables (`attackName`): a kind, then what differs from its defaults, in the
 * order of the tables.
 *
 * ```text
 * name    = kind { "-" word | "-" setting "-" value }
 * kind    = "fgsm" | "pgd-" steps | "apgd-" ("ce" | "margin" | "dlr" | "t") | "fab" | "fab-t" | "ddn" | "square"
 *         | "autoattack" [ "-of-" name { "+" name } ]
 * word    = "l1" | "l2" | "margin" | "dlr" | "kl" | "target-next" | "from-clean" | "larger-reps" | "plus" | "rand" | ...
 * setting = "steps" | "restarts" | "samples" | "target" | "momentum" | "step" | "relative-step" | "targets" | "rho" | ...
 * ```
 *
 * @param flags Names, several of them joined by commas.
 * @returns The attacks, in the order of the names.
 * @throws {UsageError} If a name is not known.
 */
export function attacksOf(flags: readonly string[]): AttackSpec[] {
  return flags.flatMap((flag) => flag.split(",")).map((text) => attackOf(text.trim()));
}

/** What a part of a name says. */
type Part = Readonly<Record<string, unknown>>;

/** How names begin, but for pgd, whose steps follow at once. */
const HEADS: Readonly<Record<string, Part>> = {
  "fgsm": { kind: "fgsm" },
  "apgd-ce": { kind: "apgd", loss: "crossEntropy" },
  "apgd-margin": { kind: "apgd", loss: "margin" },
  "apgd-dlr": { kind: "apgd", loss: "dlr" },
  "apgd-t": { kind: "apgd", loss: "targetedDlr" },
  "fab": { kind: "fab" },
  "fab-t": { kind: "fab", targets: 9 },
  "ddn": { kind: "ddn" },
  "square": { kind: "square" },
  "autoattack": { kind: "autoattack" },
};

const WORDS: Readonly<Record<string, Part>> = {
  "l1": { norm: "L1" },
  "l2": { norm: "L2" },
  "margin": { loss: "margin" },
  "dlr": { loss: "dlr" },
  "kl": { loss: "klToClean" },
  "target-least-likely": { target: "leastLikely" },
  "target-next": { target: "next" },
  "from-clean": { randomStart: false },
  "larger-reps": { largerReps: true },
  "plus": { version: "plus" },
  "rand": { version: "rand" },
};

/** Words with a value behind them; `undefined` where it is none. */
const SETTINGS: Readonly<Record<string, (value: string) => Part | undefined>> = {
  "step": (stepSize) => ({ stepSize }),
  "target": number("target"),
  "momentum": number("momentum"),
  "relative-step": number("relativeStepSize"),
  "restarts": number("restarts"),
  "samples": number("samples"),
  "steps": number("steps"),
  "targets": number("targets"),
  "rho": number("rho"),
  "alpha-max": number("alphaMax"),
  "eta": number("eta"),
  "beta": number("beta"),
  "gamma": number("gamma"),
  "initial-norm": number("initialNorm"),
  "queries": number("queries"),
  "p-init": number("pInit"),
};

function number(key: string): (value: string) => Part | undefined {
  return (value) => /^\d+(\.\d+)?$/.test(value) ? { [key]: Number(value) } : undefined;
}

const steps = (value: string): Part | undefined => {
  const count = number("steps")(value);
  return count && { kind: "pgd", ...count };
};

function attackOf(text: string): AttackSpec {
  const spec = specOf(text);
  // A setting that the kind does not have is refused by the one; one in another place, or of the usual value, by the other.
  if (spec !== undefined && attackName(validateSpec(spec, [], text)) === text) return spec as unknown as AttackSpec;
  throw new UsageError(
    `Cannot use the attack "${text}": write fgsm, pgd-<steps>, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, ddn-l2, square or ` +
      "autoattack, with -l2, -l1, -margin or other settings behind where wanted, as in tables, such as pgd-20-margin",
  );
}

/** What a name says, part by part; undefined where a part is not known. */
function specOf(text: string): Part | undefined {
  const parts = text.split("-");
  let at = 0;
  /** The longest run of parts, from here on, that is a key of a table. */
  const take = <T>(table: Readonly<Record<string, T>>): T | undefined => {
    for (const count of [3, 2, 1]) {
      const words = parts.slice(at, at + count).join("-");
      if (at + count > parts.length || !Object.hasOwn(table, words)) continue;
      at += count;
      return table[words];
    }
  };
  const head = take({ pgd: true }) ? steps(parts[at++] ?? "") : take(HEADS);
  if (head === undefined) return undefined;
  let spec = head;
  while (at < parts.length) {
    if (spec.kind === "autoattack" && parts[at] === "of") {
      return { ...spec, version: parts.slice(at + 1).join("-").split("+").map(attackOf) };
    }
    const part = take(WORDS) ?? take(SETTINGS)?.(parts[at++] ?? "");
    if (part === undefined) return undefined;
    spec = { ...spec, ...part };
  }
  // Of a loss towards a class, names have the loss and the class.
  return spec.loss === "dlr" && spec.target !== undefined ? { ...spec, loss: "targetedDlr" } : spec;
}
