import { matchesGlob, UsageError } from "../core/mod.ts";
import type { OptimizerSpec } from "./optimizer.ts";

/** Whether an optimizer leaves a parameter as it is: the last glob that matches counts, one with "!" takes it out. */
export function isFrozen({ frozen = [] }: OptimizerSpec, name: string): boolean {
  const last = frozen.findLast((glob) => matchesGlob(bare(glob), name));
  return last !== undefined && !last.startsWith("!");
}

/** Factor of a parameter's learning rate: that of the first glob that matches, 1 where none does. */
export function rateFactor({ learningRates = [] }: OptimizerSpec, name: string): number {
  return learningRates.find(({ match }) => matchesGlob(match, name))?.factor ?? 1;
}

/**
 * Refuses globs that match no parameter, factors that are not positive, and an optimizer that trains nothing.
 *
 * @throws {UsageError} If something cannot be used.
 */
export function checkRules(spec: OptimizerSpec, names: readonly string[]): void {
  const { frozen = [], learningRates = [] } = spec;
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
