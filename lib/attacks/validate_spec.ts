import { formatEps, parseEps, UsageError } from "../core/mod.ts";
import type { ApgdSpec, AttackLoss, AttackSpec, Norm, PgdSpec } from "./attack.ts";
import { type Component, componentsOf } from "./autoattack.ts";
import { MAX_EPS } from "./threat_model.ts";

/**
 * Checks an attack as it comes from JSON, before any work is done.
 *
 * @param spec What should be an {@linkcode AttackSpec}.
 * @param eps Radii at which it will run, in pixel units; a step longer than the ball's diameter is refused at each.
 * @param path Where the spec stands, for messages: "attacks[1].attack".
 * @returns The spec, typed.
 * @throws {UsageError} If the kind or a key is unknown, a value is out of range, both step lengths are given, a radius
 * is outside [0,1], or a step is longer than 2 eps.
 */
export function validateSpec(spec: unknown, eps: readonly number[] = [], path = "attack"): AttackSpec {
  if (!isRecord(spec)) {
    throw new UsageError(
      `Cannot use ${path} as it is ${show(spec)}: write an object such as { "kind": "pgd", "steps": 20 }`,
    );
  }
  const kind = oneOf(spec, "kind", Object.keys(KEYS), path) as AttackSpec["kind"] | undefined;
  if (kind === undefined) {
    throw new UsageError(`Cannot use ${path} as it has no kind: write ${list(Object.keys(KEYS))}`);
  }
  const unknown = Object.keys(spec).find((key) => !KEYS[kind].includes(key));
  if (unknown !== undefined) {
    throw new UsageError(
      `Cannot use ${path}.${unknown} as a ${kind} attack has no such key: write one of ${KEYS[kind].join(", ")}`,
    );
  }
  const norm = oneOf(spec, "norm", kind === "fgsm" || kind === "pgd" ? ["Linf", "L2"] : NORMS, path) ?? "Linf";
  oneOf(spec, "loss", kind === "apgd" ? APGD_LOSSES : kind === "pgd" ? PGD_LOSSES : LOSSES, path);
  optionalCounts(spec, ["samples"], path);
  eps.forEach((radius) => checkRadius(radius, norm as Norm, path));
  CHECKS[kind](spec, path, eps);
  return spec as unknown as AttackSpec;
}

const NORMS: readonly Norm[] = ["Linf", "L2", "L1"];
const LOSSES: readonly AttackLoss[] = ["crossEntropy", "margin", "dlr"];
const PGD_LOSSES: readonly NonNullable<PgdSpec["loss"]>[] = [...LOSSES, "klToClean", "targetedDlr"];
const APGD_LOSSES: readonly NonNullable<ApgdSpec["loss"]>[] = [...LOSSES, "targetedDlr"];
const KEYS: { readonly [K in AttackSpec["kind"]]: readonly string[] } = {
  fgsm: ["kind", "norm", "loss", "samples"],
  pgd: [
    "kind",
    "norm",
    "steps",
    "relativeStepSize",
    "stepSize",
    "restarts",
    "randomStart",
    "loss",
    "momentum",
    "target",
    "samples",
  ],
  apgd: ["kind", "norm", "loss", "steps", "restarts", "targets", "rho", "largerReps", "samples"],
  fab: ["kind", "norm", "steps", "restarts", "targets", "alphaMax", "eta", "beta"],
  ddn: ["kind", "norm", "steps", "gamma", "initialNorm"],
  square: ["kind", "norm", "queries", "pInit", "restarts"],
  autoattack: ["kind", "norm", "version"],
};

type Json = Readonly<Record<string, unknown>>;

/** What is particular to a kind. */
const CHECKS: { readonly [K in AttackSpec["kind"]]: (spec: Json, path: string, eps: readonly number[]) => void } = {
  fgsm: () => {},
  pgd: (spec, path, eps) => checkPgd(spec, eps, path),
  apgd: (spec, path) => {
    optionalCounts(spec, ["steps", "restarts", "targets"], path);
    checkShare(spec, "rho", 0, 1, path);
    checkFlag(spec, "largerReps", path);
    if (spec.targets !== undefined && spec.loss !== "targetedDlr") {
      throw new UsageError(
        `Cannot use ${path}.targets with the loss "${spec.loss ?? "crossEntropy"}" as it aims at no class: ` +
          'write loss "targetedDlr", or leave targets out',
      );
    }
    if (spec.largerReps === true && spec.norm !== "L1") {
      throw new UsageError(`Cannot use ${path}.largerReps at norm "${spec.norm ?? "Linf"}": it is made for "L1"`);
    }
  },
  fab: (spec, path) => {
    optionalCounts(spec, ["steps", "restarts", "targets"], path);
    checkShare(spec, "alphaMax", 0, 1, path);
    checkShare(spec, "eta", 1, 2, path);
    checkShare(spec, "beta", 0, 1, path);
  },
  ddn: (spec, path) => {
    if (spec.norm !== "L2") {
      throw new UsageError(`Cannot use ${path}.norm as it is ${show(spec.norm)}: a ddn attack has "L2" alone`);
    }
    optionalCounts(spec, ["steps"], path);
    checkShare(spec, "gamma", 0, 1, path);
    checkShare(spec, "initialNorm", 0, 100, path);
  },
  square: (spec, path) => {
    optionalCounts(spec, ["queries", "restarts"], path);
    checkShare(spec, "pInit", 0, 1, path);
  },
  autoattack: (spec, path, eps) => {
    const { version, norm = "Linf" } = spec;
    if (!Array.isArray(version)) return void oneOf(spec, "version", ["standard", "plus", "rand"], path);
    const components = version.map((each, i) => {
      const component = validateSpec(each, eps, `${path}.version.${i}`);
      if (component.kind === "autoattack") {
        throw new UsageError(`Cannot use ${path}.version.${i} as it is an ensemble itself: write its attacks`);
      }
      if (component.norm !== undefined && component.norm !== norm) {
        throw new UsageError(
          `Cannot use ${path}.version.${i}.norm as it is "${component.norm}" where the ensemble has "${norm}": ` +
            "leave it out",
        );
      }
      return component;
    });
    if (components.length === 0) {
      throw new UsageError(
        `Cannot use ${path}.version as it is empty: write "standard", "plus", "rand" or some attacks`,
      );
    }
    components.forEach((component, i) => {
      if (norm === "L1" && (component.kind === "fgsm" || component.kind === "pgd")) {
        throw new UsageError(`Cannot use ${path}.version.${i} at norm "L1" as ${component.kind} has Linf and L2 alone`);
      }
    });
    const names = componentsOf({ kind: "autoattack", norm: norm as Norm, version: components as Component["spec"][] })
      .map(({ name }) => name);
    const twice = names.findIndex((name, i) => names.indexOf(name) < i);
    if (twice !== -1) {
      throw new UsageError(`Cannot use "${names[twice]}" twice in ${path}.version: leave out ${path}.version.${twice}`);
    }
  },
};

function optionalCounts(spec: Json, keys: readonly string[], path: string): void {
  keys.forEach((key) => spec[key] === undefined || checkCount(spec[key], `${path}.${key}`));
}

function checkShare(spec: Json, key: string, low: number, high: number, path: string): void {
  const value = spec[key];
  if (value === undefined || typeof value === "number" && value > low && value <= high) return;
  throw new UsageError(
    `Cannot use ${path}.${key} as it is ${show(value)}: write a number above ${low} and up to ${high}`,
  );
}

function checkFlag(spec: Json, key: string, path: string): void {
  if (spec[key] !== undefined && typeof spec[key] !== "boolean") {
    throw new UsageError(`Cannot use ${path}.${key} as it is ${show(spec[key])}: write true or false`);
  }
}

function checkPgd(spec: Json, eps: readonly number[], path: string): void {
  checkCount(spec.steps, `${path}.steps`);
  if (spec.restarts !== undefined) checkCount(spec.restarts, `${path}.restarts`);
  checkFlag(spec, "randomStart", path);
  if (spec.restarts !== undefined && spec.restarts !== 1 && spec.randomStart === false) {
    throw new UsageError(
      `Cannot use ${path}.restarts = ${spec.restarts} without a random start as all starts would be alike: ` +
        `write 1, or set randomStart to true`,
    );
  }
  const { relativeStepSize, stepSize } = spec;
  if (relativeStepSize !== undefined && stepSize !== undefined) {
    throw new UsageError(`Cannot use ${path}.stepSize together with ${path}.relativeStepSize: leave one of them out`);
  }
  if (relativeStepSize !== undefined) checkRelativeStep(relativeStepSize, `${path}.relativeStepSize`);
  if (stepSize !== undefined) checkStep(stepSize, eps, `${path}.stepSize`);
  checkShare(spec, "momentum", 0, 1, path);
  checkAim(spec, path);
}

function checkAim({ target, loss, randomStart }: Json, path: string): void {
  const known = target === undefined || target === "leastLikely" || target === "next";
  if (!known && !(typeof target === "number" && Number.isSafeInteger(target) && target >= 0)) {
    throw new UsageError(
      `Cannot use ${path}.target as it is ${show(target)}: write "leastLikely", "next" or the number of a class`,
    );
  }
  if (loss === "dlr" && target !== undefined) {
    throw new UsageError(
      `Cannot use ${path}.loss = "dlr" with a target as it aims at no class: write loss "targetedDlr", or leave target out`,
    );
  }
  if (loss === "targetedDlr" && target === undefined) {
    throw new UsageError(
      `Cannot use ${path}.loss = "targetedDlr" without a target: write target "leastLikely", "next" or the number of a ` +
        'class, or loss "dlr"',
    );
  }
  if (loss !== "klToClean") return;
  if (target !== undefined) {
    throw new UsageError(
      `Cannot use ${path}.target with the loss "klToClean" as that leads away from the clean image, not to a class: ` +
        'write loss "crossEntropy" or "margin", or leave target out',
    );
  }
  if (randomStart === false) {
    throw new UsageError(
      `Cannot use ${path}.loss = "klToClean" without a random start as its gradient is 0 at the clean image: ` +
        "set randomStart to true",
    );
  }
}

function checkCount(value: unknown, path: string): void {
  if (!(typeof value === "number" && Number.isSafeInteger(value) && value >= 1)) {
    throw new UsageError(`Cannot use ${path} as it is ${show(value)}: write a positive integer`);
  }
}

function checkRelativeStep(value: unknown, path: string): void {
  if (!(typeof value === "number" && value > 0 && value <= 2)) {
    throw new UsageError(
      `Cannot use ${path} as it is ${show(value)}: write a share of eps above 0 and up to 2, the ball's diameter`,
    );
  }
}

function checkStep(value: unknown, eps: readonly number[], path: string): void {
  const length = readLength(value);
  if (length === undefined || length === 0) {
    throw new UsageError(
      `Cannot use ${path} as it is ${
        show(value)
      }: write a text of a length in pixel units above 0 and up to 1, such as "2/255" or "0.01"`,
    );
  }
  // At radius 0 nothing moves, whatever the step; the slack forgives 2/255 against 2 * (1/255).
  const tooSmall = eps.find((radius) => radius > 0 && length > 2 * radius * (1 + 1e-6));
  if (tooSmall !== undefined) {
    throw new UsageError(
      `Cannot use ${path} as it is "${value}" at eps ${
        formatEps(tooSmall, Infinity)
      }, longer than the ball's diameter: ` +
        `write at most ${formatEps(2 * tooSmall, Infinity)}, or use relativeStepSize`,
    );
  }
}

function readLength(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return parseEps(value);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function checkRadius(eps: unknown, norm: Norm, path: string): void {
  if (typeof eps === "number" && Number.isFinite(eps) && eps >= 0 && eps <= MAX_EPS[norm]) return;
  if (norm !== "Linf") {
    throw new UsageError(`Cannot use ${path} at eps ${eps}: write a radius of 0 or more, such as 0.5`);
  }
  throw new UsageError(
    `Cannot use ${path} at eps ${eps} as pixels are in [0,1]: write a radius from 0 to 1, such as 8/255`,
  );
}

function oneOf(
  spec: Json,
  key: string,
  values: readonly string[],
  path: string,
): string | undefined {
  const value = spec[key];
  if (value === undefined || typeof value === "string" && values.includes(value)) return value;
  throw new UsageError(`Cannot use ${path}.${key} as it is ${show(value)}: write ${list(values)}`);
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(" or ");
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
}
