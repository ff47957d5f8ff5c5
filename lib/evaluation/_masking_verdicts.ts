import type { MaskingCheck, MaskingRow } from "../core/mod.ts";

/** A row without the name of the network. */
export type Verdict = Omit<MaskingRow, "method">;

const verdict = (check: MaskingCheck, status: Verdict["status"], value: number | null, reason: string): Verdict => ({
  check,
  status,
  value,
  reason,
});

/** A check that was not made. */
export const skipped = (check: MaskingCheck, reason: string): Verdict => verdict(check, "skipped", null, reason);

const graded = (
  check: MaskingCheck,
  value: number,
  [warn, fail]: readonly [number, number],
  reason: string,
): Verdict => verdict(check, value > fail ? "fail" : value > warn ? "warn" : "pass", value, reason);

/** As graded, where an attack beats another one that should be stronger: by one image it may be luck, that is no failure. */
const beaten = (
  check: MaskingCheck,
  value: number,
  [warn, fail]: readonly [number, number],
  reason: string,
  n: number,
): Verdict => graded(check, value, [warn, Math.max(fail, 1.5 / n)], reason);

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Threshold 1e-4 on logits of length 1, and any change of class: AutoAttack's checks.py, check_randomized. */
export function randomOutputs(difference: number, changed: number): Verdict {
  const differs = changed > 0 || difference > 1e-4;
  const reason = `the same batch twice: logits of length 1 differ by ${short(difference)}, ${changed} classes change` +
    (differs ? ": give the network as one that draws, and attack it by autoattack-rand" : "");
  return verdict("random-outputs", differs ? "fail" : "pass", difference, reason);
}

/**
 * The same of a network that is known to draw: attacks can average over its draws, so that it is a warning. That averaging
 * finds more is the sign of gradients that are hidden by noise (Athalye et al. 2018, section 3.1, stochastic gradients).
 */
export function drawnOutputs(
  difference: number,
  changed: number,
  left: readonly number[],
  names: readonly string[],
): Verdict {
  const found = names.map((name, i) => `${name} leaves ${percent(left[i]!)}`).join(", ");
  const reason =
    `two draws of a batch: logits of length 1 differ by ${short(difference)}, ${changed} classes change; ` +
    `${found}: attack it by autoattack-rand`;
  return verdict("random-outputs", changed > 0 || difference > 1e-4 ? "warn" : "pass", difference, reason);
}

/** Outputs within 1e-5 of [0, 1] whose sums are within 1e-5 of 1: AutoAttack's checks.py, check_range_output. */
export function probabilities(least: number, most: number, sumError: number): Verdict {
  const looksSo = least > -1e-5 && most < 1 + 1e-5 && sumError < 1e-5;
  const reason = looksSo
    ? "outputs look like probabilities: give logits, as the loss of a softmax of a softmax is flat"
    : `outputs from ${short(least)} to ${short(most)} are no probabilities`;
  return verdict("logits", looksSo ? "fail" : "pass", looksSo ? 1 : 0, reason);
}

/** Below 4 classes the targeted DLR loss is not defined, below 3 DLR is not: AutoAttack's checks.py, check_n_classes. */
export function fewClasses(classes: number): Verdict {
  const reason = classes > 3
    ? `${classes} classes: every loss of AutoAttack is defined`
    : `with ${classes} classes the ${classes === 3 ? "targeted " : ""}DLR loss is not defined`;
  return verdict("classes", classes > 3 ? "pass" : "warn", classes, reason);
}

/** Threshold as for random outputs: robust accuracies of such a network depend on who shares its batch. */
export function batchDependence(difference: number, changed: number): Verdict {
  const reason = `images among others and each in a batch of its own: logits of length 1 differ by ` +
    `${short(difference)}, ${changed} classes change`;
  return verdict("batch", changed > 0 || difference > 1e-4 ? "fail" : "pass", difference, reason);
}

/** Any is a warning as in AutoAttack's checks.py, check_zero_gradients; that more than a tenth is a failure is ours. */
export function zeroGradients(share: number): Verdict {
  return graded("zero-gradients", share, [0, 0.1], `the gradient of the loss is 0 at ${percent(share)} of the images`);
}

/**
 * Share of the way that the loss went down while it should rise. Pintor et al. 2022, indicator 4 (incomplete
 * optimisation), looks at the same curve; the thresholds 0.1 and 0.4 are ours.
 */
export function lossRises(rises: number, drops: number): Verdict {
  const way = rises + drops;
  if (way === 0) return verdict("loss-rises", "fail", 1, "the loss does not move along the path of PGD");
  const share = drops / way;
  return graded(
    "loss-rises",
    share,
    [0.1, 0.4],
    `of all that the loss moves along the path of PGD, ${percent(share)} is downwards`,
  );
}

/**
 * Accuracies (shares of all images) under random noise and under the attack. Athalye et al. 2018, section 3.1: random
 * sampling finds adversarial examples. That more than a point is a failure and less a warning is ours, here and below.
 */
export function noise(underNoise: number, underAttack: number, n: number): Verdict {
  const reason = `random noise leaves ${percent(underNoise)}, the attack ${percent(underAttack)}`;
  return beaten("noise", underAttack - underNoise, [0, 0.01], reason, n);
}

/** Athalye et al. 2018, section 3.1: one-step attacks perform better than iterative attacks. */
export function oneStep(one: number, many: number, n: number): Verdict {
  const reason = `one step leaves ${percent(one)}, many steps ${percent(many)}`;
  return beaten("one-step", many - one, [0, 0.01], reason, n);
}

/** Carlini et al. 2019: verify that attacks have converged. The checklist has no threshold; 2 and 5 points are ours. */
export function moreSteps(few: number, many: number, names: readonly [string, string]): Verdict {
  const reason = `${names[0]} leaves ${percent(few)}, ${names[1]} ${percent(many)}`;
  return graded("more-steps", few - many, [0.02, 0.05], reason);
}

/** As {@linkcode moreSteps}. */
export function moreRestarts(one: number, many: number, count: number): Verdict {
  const reason = `one start leaves ${percent(one)}, the worst of ${count} ${percent(many)}`;
  return graded("more-restarts", one - many, [0.02, 0.05], reason);
}

/**
 * Carlini et al. 2019: apply a diverse set of attacks; Carlini and Wagner 2017: where the softmax saturates, a loss on the
 * logits still has gradients. KDIGA trains the very gradients of the cross-entropy that the other checks follow. Thresholds
 * are ours.
 */
export function otherLoss(crossEntropy: number, both: number, names: readonly [string, string]): Verdict {
  const reason = `${names[0]} leaves ${percent(crossEntropy)}, of which ${names[1]} leaves ${percent(both)}`;
  return graded("other-loss", crossEntropy - both, [0.05, 0.1], reason);
}

/**
 * Athalye et al. 2018, section 3.1, and Pintor et al. 2022, indicator 6: an unbounded attack breaks everything. That up to
 * 5 % are no more than a warning is ours. A network of constant outputs is useless, but hides nothing.
 */
export function unbounded(left: number, eps: string, constant: boolean): Verdict {
  const reason = `an attack in a ball that grows to eps ${eps} leaves ${percent(left)}`;
  if (left > 0 && constant) {
    return verdict(
      "unbounded",
      "warn",
      left,
      `${reason}: the network gives all images one class, no attack changes it`,
    );
  }
  return graded("unbounded", left, [0, 0.05], reason);
}

/** Athalye et al. 2018, section 3.1: black-box attacks are better. Threshold 0.2 points: checks.py, check_square_sr. */
export function blackBox(black: number, white: number, name: string, n: number): Verdict {
  const reason = `${name}, without gradients, leaves ${percent(black)}, attacks with gradients ${percent(white)}`;
  return beaten("black-box", white - black, [0.002, 0.002], reason, n);
}

/** Carlini et al. 2019: transfer attacks are weaker than direct ones. Threshold as for the black-box attack. */
export function transfer(surrogate: number, direct: number, name: string, n: number): Verdict {
  const reason = `images made against ${name} leave ${percent(surrogate)}, those made against itself ${
    percent(direct)
  }`;
  return beaten("transfer", direct - surrogate, [0.002, 0.002], reason, n);
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
