import type { AttackSpec, Norm } from "../mod.ts";

/** An attack that the page offers. */
export interface AttackChoice {
  /** What it is called. */
  readonly label: string;
  readonly norms: readonly Norm[];
  /** How many of what can be chosen, and how many it is at first; left out where there is nothing to choose. */
  readonly count?: { readonly name: string; readonly usual: number };
  /** The attack. */
  readonly spec: (norm: Norm, count: number) => AttackSpec;
}

const DENSE = ["Linf", "L2"] as const;
const ALL = ["Linf", "L2", "L1"] as const;
const steps = (usual: number) => ({ name: "Steps", usual });
type Dense = typeof DENSE[number];

/** The attacks of the page, in its order. */
export const ATTACK_CHOICES: Readonly<Record<string, AttackChoice>> = {
  "fgsm": { label: "FGSM", norms: DENSE, spec: (norm) => ({ kind: "fgsm", norm: norm as Dense }) },
  "pgd": {
    label: "PGD",
    norms: DENSE,
    count: steps(20),
    spec: (norm, steps) => ({ kind: "pgd", steps, norm: norm as Dense }),
  },
  "pgd-margin": {
    label: "PGD, margin",
    norms: DENSE,
    count: steps(20),
    spec: (norm, steps) => ({ kind: "pgd", steps, norm: norm as Dense, loss: "margin" }),
  },
  "apgd-ce": {
    label: "APGD-CE",
    norms: ALL,
    count: steps(100),
    spec: (norm, steps) => ({ kind: "apgd", norm, steps }),
  },
  "apgd-dlr": {
    label: "APGD-DLR",
    norms: ALL,
    count: steps(100),
    spec: (norm, steps) => ({ kind: "apgd", norm, steps, loss: "dlr" }),
  },
  "apgd-t": {
    label: "APGD-T (targeted)",
    norms: ALL,
    count: steps(100),
    spec: (norm, steps) => ({ kind: "apgd", norm, steps, loss: "targetedDlr" }),
  },
  "fab": { label: "FAB", norms: ALL, count: steps(100), spec: (norm, steps) => ({ kind: "fab", norm, steps }) },
  "fab-t": {
    label: "FAB-T (targeted)",
    norms: ALL,
    count: steps(100),
    spec: (norm, steps) => ({ kind: "fab", norm, steps, targets: 9 }),
  },
  "ddn": { label: "DDN", norms: ["L2"], count: steps(100), spec: (_, steps) => ({ kind: "ddn", norm: "L2", steps }) },
  "square": {
    label: "Square",
    norms: ALL,
    count: { name: "Queries", usual: 1000 },
    spec: (norm, queries) => ({ kind: "square", norm, queries }),
  },
  "autoattack": { label: "AutoAttack", norms: ALL, spec: (norm) => ({ kind: "autoattack", norm }) },
};

/** Radii at which networks are usually attacked, by norm. */
export const USUAL_EPS: { readonly [N in Norm]: string } = { Linf: "8/255", L2: "0.5", L1: "12" };

/** Names of the norms for people. */
export const NORM_LABELS: { readonly [N in Norm]: string } = { Linf: "L∞", L2: "L2", L1: "L1" };
