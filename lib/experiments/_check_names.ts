import { UsageError } from "../core/mod.ts";

/** Checks the names of saved networks: fit for files, each once. */
export function checkNames(methods: readonly string[], verb: string): void {
  const wrong = methods.find((method) => !/^[a-z0-9][a-z0-9.-]*$/.test(method));
  if (wrong !== undefined) {
    throw new UsageError(`Cannot name a network "${wrong}": write lower-case letters, digits, dots and hyphens`);
  }
  const twice = methods.find((method, i) => methods.indexOf(method) < i);
  if (twice !== undefined) {
    throw new UsageError(`Cannot ${verb} two networks named "${twice}": name each by --method, in their order`);
  }
}
