import type { EvaluationRow } from "../core/mod.ts";
import {
  accuracyTable,
  type FolderRates,
  robustnessBars,
  robustnessCurve,
  tableText,
  type TopLevelSpec,
  tradeOff,
  weightRows,
  weightSweep,
} from "../report/mod.ts";
import { STUDY_WEIGHT } from "./presets/cifar10_study.ts";

/** A figure or table of this repository that one command makes again. */
export interface Artefact {
  /** What it shows, in a line. */
  readonly about: string;
  /** What its rows come from: a preset, or a sweep. */
  readonly from: { readonly preset: string } | { readonly sweep: string };
  /** Which rows are wanted. @default {all} */
  readonly wants?: (row: EvaluationRow) => boolean;
  /** A figure as a Vega-Lite specification, or a table as text. */
  readonly make: (rates: FolderRates) => TopLevelSpec | string;
}

const largest = ({ attack, eps }: EvaluationRow): boolean => attack === "clean" || eps === "8/255";
const table = ({ rows, ...said }: FolderRates): string => tableText(accuracyTable(rows, said));
// What the smoke size calls it, else what it is.
const pgd = ({ rows }: FolderRates): { readonly attack: string } => ({
  attack: rows.find(({ attack }) => /^pgd-\d+$/.test(attack))?.attack ?? "pgd-20",
});

/** What can be reproduced, by name. */
export const ARTEFACTS: Readonly<Record<string, Artefact>> = {
  "quickstart-table": {
    about: "the quickstart's accuracies at 8/255",
    from: { preset: "quickstart" },
    wants: largest,
    make: table,
  },
  "quickstart-curve": {
    about: "the quickstart's accuracies over the radius of PGD-20",
    from: { preset: "quickstart" },
    wants: ({ attack }) => attack === "clean" || attack.startsWith("pgd-"),
    make: ({ rows, ...said }) => robustnessCurve(rows, { ...pgd({ rows }), ...said }),
  },
  "study-table": {
    about: "seven methods from one teacher on CIFAR-10, three seeds: clean, PGD-20 and AutoAttack at 8/255",
    from: { sweep: "cifar10-study" },
    wants: ({ attack }) => !attack.includes(".") && attack !== "worst",
    make: table,
  },
  "study-bars": {
    about: "the same as bars",
    from: { sweep: "cifar10-study" },
    wants: ({ attack }) => !attack.includes(".") && attack !== "worst",
    make: ({ rows, ...said }) => robustnessBars(rows, { attacks: [pgd({ rows }).attack, "autoattack"], ...said }),
  },
  "study-trade-off": {
    about: "accuracy under AutoAttack against clean accuracy, KDIGA at four weights among them",
    from: { sweep: "cifar10-study" },
    wants: ({ attack }) => attack === "clean" || attack === "autoattack",
    make: ({ rows, ...said }) => tradeOff(rows, { attack: "autoattack", ...said }),
  },
  "study-weights": {
    about: "KDIGA's clean accuracy and that under PGD-20 and AutoAttack against the weight of the alignment",
    from: { sweep: "cifar10-study" },
    wants: ({ method, attack }) => /^kdiga(-weight-|$)/.test(method) && !attack.includes(".") && attack !== "worst",
    make: ({ rows, ...said }) =>
      weightSweep(weightRows(rows, { kdiga: STUDY_WEIGHT }), {
        attacks: [pgd({ rows }).attack, "autoattack"],
        ...said,
      }),
  },
};
