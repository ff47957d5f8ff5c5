import { float32, matchesGlob, type NdArray, UsageError } from "../core/mod.ts";
import { mul, type Tensor } from "../engine/mod.ts";
import { checkClip } from "./clip_gradients.ts";
import type { Named, OptimizerBase } from "./optimizer.ts";

/** Whether an optimizer leaves a parameter as it is: the last glob that matches counts, one with "!" takes it out. */
export function isFrozen({ frozen = [] }: OptimizerBase, name: string): boolean {
  const last = frozen.findLast((glob) => matchesGlob(bare(glob), name));
  return last !== undefined && !last.startsWith("!");
}

/** Learning rate of a parameter: times the factor of the first glob that matches, as it is where none does. */
export function rateOf({ learningRates = [] }: OptimizerBase, name: string, rate: Tensor): Tensor {
  const factor = learningRates.find(({ match }) => matchesGlob(match, name))?.factor ?? 1;
  return factor === 1 ? rate : mul(rate, factor);
}

/** Whether a parameter is decayed: there is a decay, and no regular expression of `noDecay` matches its name. */
export function isDecayed({ weightDecay = 0, noDecay = [] }: OptimizerBase, name: string): boolean {
  return weightDecay > 0 && !noDecay.some((pattern) => matches(pattern, name));
}

/** Zeros of the shape of every parameter that is not frozen. */
export function zerosOfTrained(spec: OptimizerBase, parameters: Named<NdArray>): Named<NdArray> {
  const trained = Object.entries(parameters).filter(([name]) => !isFrozen(spec, name));
  return Object.fromEntries(trained.map(([name, { shape }]) => [name, float32(shape)]));
}

/**
 * Refuses decays below 0, patterns that match no parameter, factors that are not positive, a limit of the gradient that
 * is none, and an optimizer that trains nothing.
 *
 * @throws {UsageError} If something cannot be used.
 */
export function checkRules(spec: OptimizerBase, names: readonly string[]): void {
  const { weightDecay = 0, noDecay = [], frozen = [], learningRates = [], clip } = spec;
  if (!(weightDecay >= 0 && weightDecay < Infinity)) {
    throw new UsageError(`Cannot use the weight decay ${weightDecay}: it must be 0 or more`);
  }
  for (const pattern of noDecay) {
    if (names.some((name) => matches(pattern, name))) continue;
    throw new UsageError(
      `Cannot exempt "${pattern}" from weight decay as it matches no parameter: names are like "${names[0]}"`,
    );
  }
  checkClip(clip);
  for (const glob of [...frozen.map(bare), ...learningRates.map(({ match }) => match)]) {
    if (names.some((name) => matchesGlob(glob, name))) continue;
    throw new UsageError(`Cannot use the pattern "${glob}" as it matches no parameter: names are like "${names[0]}"`);
  }
  const wrong = learningRates.find(({ factor }) => !(factor > 0 && factor < Infinity));
  if (wrong) {
    throw new UsageError(
      `Cannot use ${wrong.factor} as the factor of the learning rate of "${wrong.match}": write a positive number, or ` +
        "freeze it",
    );
  }
  if (names.length > 0 && names.every((name) => isFrozen(spec, name))) {
    throw new UsageError('Cannot train with every parameter frozen: take some out, such as "!fc.*"');
  }
}

function bare(glob: string): string {
  return glob.replace(/^!/, "");
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    throw new UsageError(`Cannot read "${pattern}" as a regular expression: mend the pattern of noDecay`);
  }
}
