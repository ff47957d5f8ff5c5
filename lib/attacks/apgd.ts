import { int32 } from "../core/mod.ts";
import type { Tensor } from "../engine/mod.ts";
import {
  checksOf,
  type DenseFeeds,
  denseFeeds,
  densePlace,
  type DenseState,
  denseState,
  denseUpdate,
} from "./_apgd_dense.ts";
import { APGD_LOSS, type ApgdTrial } from "./_apgd_look.ts";
import {
  phasesOf,
  type SparseFeeds,
  sparseFeeds,
  sparsePlace,
  type SparseState,
  sparseState,
  sparseUpdate,
} from "./_apgd_sparse.ts";
import { apgdStart } from "./_apgd_start.ts";
import { type Iterated, iterated } from "./_iterated.ts";
import type { ApgdSpec } from "./attack.ts";
import type { Slot, SlotAttack, SlotSetting } from "./slot_attack.ts";

/**
 * Auto-PGD: gradient ascent with momentum whose step length begins at 2 eps and is halved at checks where the loss has
 * not risen often enough, or not at all; then it goes on from the best image. All of it for each image on its own.
 *
 * - Linf, L2: x' = project(x_k + length * direction), x_k+1 = project(x_k + 0.75 (x' - x_k) + 0.25 (x_k - x_k-1)).
 *   Checks after 0.22 n steps, then after windows that shrink by 0.03 n to 0.06 n. A check halves the step where at most
 *   rho of the window's steps have raised the loss, or where the last check did not halve it and the best loss is still
 *   the same.
 * - L1: a step of the same size in each of the largest entries of the gradient, projected onto ball and box together.
 *   Their share begins at 0.2, and every 0.04 n steps becomes 1 / 1.5 of the share of pixels in which the best image
 *   differs from the clean one; the step length begins at eps, and is divided by 1.5, to eps / 10 at least, where that
 *   share has shrunk by less than 5 %, else it is eps again, from the best image.
 *
 * With `samples`, loss and gradient are means over as many draws of a classifier with random outputs at each step, the
 * margin is that of their mean probabilities.
 *
 * Trials are the restarts; of "targetedDlr" the target classes, each with its restarts. With fewer classes than a loss
 * needs (three for "dlr", four for "targetedDlr") the margin is raised instead.
 *
 * @param spec Its settings.
 * @param setting Classifier, radius and stream; starts are keyed by image id and trial below it.
 * @returns The attack, to be run by {@linkcode attackImages}.
 *
 * Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
 * attacks" (2020), algorithm 1; for L1 Croce and Hein, "Mind the box: l1-APGD for sparse adversarial attacks on image
 * classifiers" (2021), algorithm 1; for `samples`, expectation over transformation, Athalye et al., "Synthesizing robust
 * adversarial examples" (2018), section 2; details as in fra31/auto-attack, a39220048b3c9f2cca9a4d3a54604793c68eca7e,
 * autoattack/autopgd_base.py.
 *
 * Differs from that code in four things: starts are keyed by image, not drawn per batch; the first step counts as a
 * rise where it raises the loss, as in the paper, not where its loss is above 0; target classes are those of highest
 * clean logit other than the label, also where the label itself is not the highest; of a classifier with random outputs,
 * theirs takes loss and prediction of the last draw of a step for those of the step.
 */
export function apgd(spec: ApgdSpec, setting: SlotSetting): SlotAttack {
  const { norm = "Linf", loss = "crossEntropy", steps = 100, restarts = 1, targets = 9, rho = 0.75 } = spec;
  const { largerReps = false, samples = 1 } = spec;
  const { rng, inputShape, classes } = setting;
  const targeted = loss === "targetedDlr";
  const common = {
    trials: restarts * (targeted ? Math.min(targets, classes - 1) : 1),
    trial: (slot: Slot) => ({
      start: apgdStart(rng, slot, norm, inputShape),
      target: int32([], [targeted ? slot.order[Math.floor(slot.trial / restarts)]! : 0]),
    }),
    loss: (logits: Tensor, y: Tensor, trial: ApgdTrial) => APGD_LOSS[loss](logits, y, trial.target),
  };
  if (norm === "L1") {
    const phases = phasesOf(steps, largerReps);
    const sparse: Iterated<SparseState, ApgdTrial, SparseFeeds> = {
      ...common,
      key: `apgd L1 ${loss}${largerReps ? " in phases" : ""}`,
      steps: steps + phases.length,
      state: sparseState,
      feeds: (slot) => sparseFeeds(slot, phases),
      place: (inputs) => sparsePlace(inputs, largerReps),
      update: (inputs, at, seen) => sparseUpdate(inputs, at, seen, largerReps),
    };
    return iterated(sparse, setting, samples);
  }
  const checks = checksOf(steps);
  const dense: Iterated<DenseState, ApgdTrial, DenseFeeds> = {
    ...common,
    key: `apgd ${norm} ${loss}`,
    steps: steps + 1,
    state: denseState,
    feeds: (slot) => denseFeeds(slot, checks, rho),
    place: (inputs) => densePlace(inputs, norm),
    update: denseUpdate,
  };
  return iterated(dense, setting, samples);
}
