import { UsageError } from "../core/mod.ts";
import type { Tensor } from "../engine/mod.ts";
import type { Classifier } from "./model.ts";

/** The draws of a randomised classifier, checked; none where none are given, so that what was set within stays. */
export function judgedOver(draws: number | undefined): Pick<Classifier, "draws"> {
  if (draws === undefined) return {};
  if (!(Number.isSafeInteger(draws) && draws >= 1)) {
    throw new UsageError(`Cannot judge a classifier over ${draws} draws: write a positive integer`);
  }
  return { draws };
}

/**
 * What was drawn for a forward pass.
 *
 * @throws {UsageError} If nothing was: who asks takes the classifier for one without random outputs.
 */
export function given(noise: readonly Tensor[] | undefined): readonly Tensor[] {
  if (noise === undefined) {
    throw new UsageError(
      "Cannot ask a classifier with random outputs without what it draws: use what is made for such classifiers " +
        "(margins, runAttack, evaluate, maskingReport), or the classifier without its noise",
    );
  }
  return noise;
}
