import { formatEps, parseEps, UsageError } from "../core/mod.ts";
import type { AttackLoss, AttackSpec, Norm } from "./attack.ts";

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
  oneOf(spec, "norm", NORMS, path);
  oneOf(spec, "loss", LOSSES, path);
  eps.forEach((radius) => checkRadius(radius, path));
  if (kind === "pgd") checkPgd(spec, eps, path);
  return spec as unknown as AttackSpec;
}

const NORMS: readonly Norm[] = ["Linf", "L2"];
const LOSSES: readonly AttackLoss[] = ["crossEntropy", "margin"];
const KEYS: { readonly [K in AttackSpec["kind"]]: readonly string[] } = {
  fgsm: ["kind", "norm", "loss"],
  pgd: ["kind", "norm", "steps", "relativeStepSize", "stepSize", "restarts", "randomStart", "loss"],
};

function checkPgd(spec: Readonly<Record<string, unknown>>, eps: readonly number[], path: string): void {
  checkCount(spec.steps, `${path}.steps`);
  if (spec.restarts !== undefined) checkCount(spec.restarts, `${path}.restarts`);
  if (spec.randomStart !== undefined && typeof spec.randomStart !== "boolean") {
    throw new UsageError(`Cannot use ${path}.randomStart as it is ${show(spec.randomStart)}: write true or false`);
  }
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
      `Cannot use ${path} as it is "${value}" at eps ${formatEps(tooSmall)}, longer than the ball's diameter: ` +
        `write at most ${formatEps(2 * tooSmall)}, or use relativeStepSize`,
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

function checkRadius(eps: unknown, path: string): void {
  if (!(typeof eps === "number" && eps >= 0 && eps <= 1)) {
    throw new UsageError(
      `Cannot use ${path} at eps ${eps} as pixels are in [0,1]: write a radius from 0 to 1, such as 8/255`,
    );
  }
}

function oneOf(
  spec: Readonly<Record<string, unknown>>,
  key: string,
  values: readonly string[],
  path: string,
): string | undefined {
  const value = spec[key];
  if (value === undefined || typeof value === "string" && values.includes(value)) return value;
  throw new UsageError(`Cannot use ${path}.${key} as it is ${show(value)}: write ${list(values)}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(" or ");
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
}
