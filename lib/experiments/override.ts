import { UsageError } from "../core/mod.ts";

/**
 * An experiment with one value replaced.
 *
 * @param experiment A tree of plain objects and lists.
 * @param assignment "students.kdiga.objective.weight=4": keys joined by dots; an element of a list by its index or, where
 * it has one, its name. The value is read as JSON, else as text.
 * @returns A new tree; check it with {@linkcode checkExperiment}.
 * @throws {UsageError} If the assignment has no "=", or its path leads nowhere; it lists what is there.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { override } from "@kdiga/kdiga";
 *
 * const experiment = { seed: 1, students: [{ name: "kd", epochs: 3 }] };
 * assertEquals(override(experiment, "students.kd.epochs=5"), { seed: 1, students: [{ name: "kd", epochs: 5 }] });
 * ```
 */
export function override<T>(experiment: T, assignment: string): T {
  const split = assignment.indexOf("=");
  if (split < 1) {
    throw new UsageError(`Cannot use "--set ${assignment}": write a path and a value, such as "seed=2"`);
  }
  const path = assignment.slice(0, split).split(".");
  const written = assignment.slice(split + 1);
  let value: unknown = written;
  try {
    value = JSON.parse(written);
  } catch {
    // A word without quotes is a text.
  }
  return replaced(experiment, path, 0, value) as T;
}

function replaced(node: unknown, path: readonly string[], depth: number, value: unknown): unknown {
  if (depth === path.length) return value;
  const key = path[depth]!;
  const at = path.slice(0, depth + 1).join(".");
  if (Array.isArray(node)) {
    const names = node.map((element) => (element as { name?: string } | null)?.name);
    const index = names.includes(key) ? names.indexOf(key) : /^\d+$/.test(key) ? Number(key) : -1;
    if (index < 0 || index >= node.length) {
      const known = node.map((_, i) => names[i] ?? i).join(", ");
      throw new UsageError(`Cannot set "${at}" as the list has no such element: it has ${known}`);
    }
    return node.with(index, replaced(node[index], path, depth + 1, value));
  }
  if (typeof node !== "object" || node === null) {
    const parent = path.slice(0, depth).join(".");
    throw new UsageError(`Cannot set "${path.join(".")}" as "${parent}" is ${JSON.stringify(node)}, which has no keys`);
  }
  const fields = node as Record<string, unknown>;
  if (depth < path.length - 1 && !Object.hasOwn(fields, key)) {
    throw new UsageError(
      `Cannot set "${at}" as there is no such key: known keys are ${Object.keys(fields).join(", ")}`,
    );
  }
  return { ...fields, [key]: replaced(fields[key], path, depth + 1, value) };
}
