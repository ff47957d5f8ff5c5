import { type EpochRow, type EvaluationRow, UsageError } from "../core/mod.ts";
import { accuraciesOf, epsText, wholeAttacks } from "./_accuracy.ts";
import { bestEpoch, orderedEpochs } from "./_epochs.ts";
import type { AccuracyTable } from "./table.ts";
import { labelOf, methodOrder } from "./theme.ts";

/**
 * Arranges what training on cost: of each watched network the best epoch on validation images, and the robust-overfitting
 * gap, best less last, in points of accuracy: on the validation images under the watch's attack, and in the evaluation
 * (which had no part in the choice) without attack and under each attack at its largest radius.
 *
 * Source: Rice, Wong, Kolter, "Overfitting in adversarially robust deep learning" (2020), table 2, whose best checkpoint
 * is chosen on the test images. Differs in choosing on validation images.
 *
 * @param epochs Rows of `epochs.csv`.
 * @param evaluation Rows of `evaluation.csv`, the best weights of "kd" under the name "kd.best".
 * @returns The table.
 * @throws {UsageError} If no network was watched.
 */
export function overfittingTable(epochs: readonly EpochRow[], evaluation: readonly EvaluationRow[]): AccuracyTable {
  if (epochs.length === 0) throw new UsageError("Cannot tell of overfitting without a row: train with a watch");
  const ordered = orderedEpochs(epochs);
  const accuracies = accuraciesOf(evaluation);
  const cells = ["clean", ...wholeAttacks(evaluation)].flatMap((attack) => {
    const radii = accuracies.filter((row) => row.attack === attack).map(({ eps }) => eps);
    return radii.length === 0 ? [] : [{ attack, eps: Math.max(...radii) }];
  });
  return {
    caption:
      "Best epoch on validation images, and the robust-overfitting gap: accuracy of the best weights less that " +
      "of the last ones, in points. The choice flatters the gap on validation images (val.), not that of the evaluation.",
    columns: [
      "Method",
      "Best epoch",
      "Last epoch",
      "Best val.",
      "Last val.",
      "Gap val.",
      ...cells.map(({ attack, eps }) => `Gap ${labelOf(attack)}${attack === "clean" ? "" : ` ${epsText(eps)}`}`),
    ],
    rows: methodOrder(ordered.map(({ method }) => method)).map((method) => {
      const best = bestEpoch(ordered, method);
      const own = ordered.filter((row) => row.method === method);
      // A step back: the weights that count as the last are those of the row before.
      const last = own.at(-1)!.alarm === "rollBack" ? own.at(-2) ?? own.at(-1)! : own.at(-1)!;
      const gaps = cells.map(({ attack, eps }) => {
        const of = (name: string) =>
          accuracies.find((row) => row.method === name && row.attack === attack && row.eps === eps)?.accuracy;
        const [chosen, other] = [of(`${method}.best`), of(method)];
        return chosen === undefined || other === undefined ? "-" : signed(chosen - other);
      });
      return [
        labelOf(method),
        String(best.epoch),
        String(last.epoch),
        (100 * best.robustAccuracy).toFixed(1),
        (100 * last.robustAccuracy).toFixed(1),
        signed(100 * (best.robustAccuracy - last.robustAccuracy)),
        ...gaps,
      ];
    }),
  };
}

function signed(points: number): string {
  const text = points.toFixed(1);
  return points > 0 && text !== "0.0" ? `+${text}` : text.replace(/^-0\.0$/, "0.0");
}
