import type { AutoAttackSpec, FgsmSpec, Norm, PgdSpec, SlotAttackSpec } from "./attack.ts";
import { attackName } from "./attacks_table.ts";

/** One attack of an ensemble. */
export interface Component {
  /** Its name, one of a kind in the ensemble. */
  readonly name: string;
  /** The attack. */
  readonly spec: FgsmSpec | PgdSpec | SlotAttackSpec;
}

type Version = Extract<NonNullable<AutoAttackSpec["version"]>, string>;

/** Settings of the published ensembles but the norm, by version and norm. */
const VERSIONS: { readonly [V in Version]: { readonly [N in Norm]: readonly SlotAttackSpec[] } } = {
  standard: {
    Linf: [
      { kind: "apgd" },
      { kind: "apgd", loss: "targetedDlr", targets: 9 },
      { kind: "fab", targets: 9 },
      { kind: "square", queries: 5000 },
    ],
    L2: [
      { kind: "apgd" },
      { kind: "apgd", loss: "targetedDlr", targets: 9 },
      { kind: "fab", targets: 9 },
      { kind: "square", queries: 5000 },
    ],
    L1: [
      { kind: "apgd", restarts: 5, largerReps: true },
      { kind: "apgd", loss: "targetedDlr", targets: 5, largerReps: true },
      { kind: "fab", targets: 9 },
      { kind: "square", queries: 5000 },
    ],
  },
  plus: { Linf: plus(), L2: plus(), L1: plus() },
  rand: { Linf: rand(), L2: rand(), L1: rand() },
};

function plus(): SlotAttackSpec[] {
  return [
    { kind: "apgd", restarts: 5 },
    { kind: "apgd", loss: "dlr", restarts: 5 },
    { kind: "fab", restarts: 5 },
    { kind: "square", queries: 5000 },
    { kind: "apgd", loss: "targetedDlr", targets: 9 },
    { kind: "fab", targets: 9 },
  ];
}

/** One start each, 20 draws per step. */
function rand(): SlotAttackSpec[] {
  return [{ kind: "apgd", samples: 20 }, { kind: "apgd", loss: "dlr", samples: 20 }];
}

/**
 * The attacks of an ensemble, in the order in which they run.
 *
 * @param spec The ensemble.
 * @returns Its attacks with the published settings, or those of the spec, each with the ensemble's norm.
 *
 * Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
 * attacks" (2020), section 6; for L1 Croce and Hein, "Mind the box" (2021); fra31/auto-attack,
 * a39220048b3c9f2cca9a4d3a54604793c68eca7e, autoattack/autoattack.py.
 */
export function componentsOf({ norm = "Linf", version = "standard" }: AutoAttackSpec): Component[] {
  const specs: readonly Component["spec"][] = typeof version === "string" ? VERSIONS[version][norm] : version;
  return specs.map((spec) => {
    const own = { ...spec, norm } as Component["spec"];
    // The norm is in the ensemble's name.
    return { name: attackName({ ...own, norm: "Linf" } as Component["spec"]), spec: own };
  });
}
