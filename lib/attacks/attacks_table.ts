import { rng } from "../core/mod.ts";
import { apgd } from "./apgd.ts";
import { aimPasses } from "./_aim.ts";
import type { Attack, AttackResult, FgsmSpec, PgdSpec, SlotAttackSpec } from "./attack.ts";
import { componentsOf } from "./autoattack.ts";
import { expectedPgd } from "./_expected_pgd.ts";
import { drawing } from "./_iterated.ts";
import { ddn } from "./ddn.ts";
import { fab } from "./fab.ts";
import { fgsm } from "./fgsm.ts";
import { judgingPasses } from "./judging_passes.ts";
import type { AnyAttack } from "./own_attack.ts";
import { pgd } from "./pgd.ts";
import type { Classifier } from "../models/mod.ts";
import type { MakeSlotAttack, SlotAttack, SlotSetting } from "./slot_attack.ts";
import { squareAttack } from "./square_attack.ts";

/** Every kind of attack whose images take the same steps; a kind without its function does not compile. */
export const ATTACKS: {
  readonly [S in FgsmSpec | PgdSpec as S["kind"]]: Attack<S>;
} = { fgsm, pgd };

/** Every kind of attack over slots; a kind without its function does not compile. */
export const SLOT_ATTACKS: {
  readonly [S in SlotAttackSpec as S["kind"]]: MakeSlotAttack<S>;
} = { apgd, fab, ddn, square: squareAttack };

/**
 * Makes an attack over slots. Where the classifier draws, fgsm and pgd are such attacks too; fab, ddn and square take its
 * outputs as they come, one draw per step.
 *
 * @param spec The attack.
 * @param setting Classifier, radius and stream.
 * @returns The attack.
 */
export function makeSlotAttack(spec: FgsmSpec | PgdSpec | SlotAttackSpec, setting: SlotSetting): SlotAttack {
  if (spec.kind === "fgsm" || spec.kind === "pgd") return expectedPgd(spec, setting);
  const make = SLOT_ATTACKS[spec.kind] as MakeSlotAttack<SlotAttackSpec>;
  const attack = make(spec, setting);
  return spec.kind === "apgd" ? attack : drawing(attack, setting);
}

/**
 * The name of an attack in rows and figures: its kind, and what differs from the defaults. Attacks of different
 * settings have different names.
 *
 * @param spec The attack.
 * @returns "fgsm", "fgsm-l2", "pgd-20", "pgd-20-l2", "pgd-20-margin", "pgd-20-dlr", "pgd-20-step-2/255",
 * "pgd-20-restarts-5", "pgd-20-samples-10", "apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "ddn-l2", "square",
 * "autoattack", "autoattack-rand", "apgd-t-l1-targets-5", ...
 */
export function attackName(spec: AnyAttack): string {
  if (spec.kind === "own") return spec.name;
  const norm = spec.norm === undefined || spec.norm === "Linf" ? false : spec.norm.toLowerCase();
  const setting = <T>(name: string, value: T | undefined, usual: T) =>
    value !== undefined && value !== usual && `${name}-${value}`;
  const samples = (spec: { readonly samples?: number }) => setting("samples", spec.samples, 1);
  const partsOf = (): readonly (string | number | false)[] => {
    switch (spec.kind) {
      case "fgsm":
        return ["fgsm", norm, lossOf(spec.loss), samples(spec)];
      case "pgd":
        return [
          "pgd",
          spec.steps,
          norm,
          lossOf(spec.loss),
          setting("target", spec.target === "leastLikely" ? "least-likely" : spec.target, undefined),
          setting("momentum", spec.momentum, undefined),
          setting("step", spec.stepSize, undefined),
          setting("relative-step", spec.relativeStepSize, undefined),
          setting("restarts", spec.restarts, 1),
          spec.randomStart === false && "from-clean",
          samples(spec),
        ];
      case "apgd":
        return [
          "apgd",
          APGD_LOSS[spec.loss ?? "crossEntropy"],
          norm,
          setting("steps", spec.steps, 100),
          setting("restarts", spec.restarts, 1),
          setting("targets", spec.targets, 9),
          setting("rho", spec.rho, 0.75),
          spec.largerReps === true && "larger-reps",
          samples(spec),
        ];
      case "fab":
        return [
          spec.targets === undefined ? "fab" : "fab-t",
          norm,
          setting("steps", spec.steps, 100),
          setting("restarts", spec.restarts, 1),
          setting("targets", spec.targets, 9),
          setting("alpha-max", spec.alphaMax, 0.1),
          setting("eta", spec.eta, 1.05),
          setting("beta", spec.beta, 0.9),
        ];
      case "ddn":
        return [
          "ddn",
          norm,
          setting("steps", spec.steps, 100),
          setting("gamma", spec.gamma, 0.05),
          setting("initial-norm", spec.initialNorm, 1),
        ];
      case "square":
        return [
          "square",
          norm,
          setting("queries", spec.queries, 5000),
          setting("p-init", spec.pInit, 0.8),
          setting("restarts", spec.restarts, 1),
        ];
      case "autoattack": {
        const { version = "standard" } = spec;
        const own = typeof version === "string"
          ? version
          : `of-${componentsOf(spec).map(({ name }) => name).join("+")}`;
        return ["autoattack", norm, own !== "standard" && own];
      }
    }
  };
  return partsOf().filter((part) => part !== false).join("-");
}

/** Of a targeted loss, the class is a part of its own. */
function lossOf(loss: PgdSpec["loss"] = "crossEntropy"): string | false {
  return { crossEntropy: false as const, margin: "margin", dlr: "dlr", targetedDlr: "dlr", klToClean: "kl" }[loss];
}

const APGD_LOSS = { crossEntropy: "ce", margin: "margin", dlr: "dlr", targetedDlr: "t" } as const;

/**
 * What an attack costs an image that it does not break, known beforehand.
 *
 * @param spec The attack.
 * @param classes Number of classes of the classifier.
 * @param classifier The classifier, where its outputs are random: each question to it takes as many passes as draws.
 * @returns Passes per image as {@linkcode runAttack} counts them; images that fall cost less, but for fgsm and pgd.
 */
export function attackPasses(
  spec: AnyAttack,
  classes = 10,
  classifier: Pick<Classifier, "noise" | "draws"> = {},
): Pick<AttackResult, "forwardPasses" | "backwardPasses"> {
  const { noise } = classifier;
  if (spec.kind === "fgsm" && noise === undefined) return { forwardPasses: 2, backwardPasses: 1 };
  if (spec.kind === "pgd" && noise === undefined) {
    const { steps, restarts = 1 } = spec;
    return { forwardPasses: restarts * (steps + 1) + aimPasses(spec) + 1, backwardPasses: restarts * steps };
  }
  if (spec.kind === "own") {
    const { forwardPasses = 0, backwardPasses = 0 } = spec;
    return { forwardPasses: forwardPasses + judgingPasses(classifier), backwardPasses };
  }
  if (spec.kind === "autoattack") {
    const each = componentsOf(spec).map((component) => attackPasses(component.spec, classes, classifier));
    return {
      forwardPasses: each.reduce((sum, { forwardPasses }) => sum + forwardPasses, 0),
      backwardPasses: each.reduce((sum, { backwardPasses }) => sum + backwardPasses, 0),
    };
  }
  const setting = { classes, inputShape: [1, 1, 1], eps: 1, rng: rng(0), ...noise === undefined ? {} : { noise } };
  const attack = makeSlotAttack(spec, setting);
  const calls = attack.steps * attack.trials;
  return {
    // The clean image is asked about before, and the result afterwards.
    forwardPasses: calls * attack.forwardPasses + 2 * judgingPasses(classifier),
    backwardPasses: calls * attack.backwardPasses,
  };
}
