import { int32, UsageError } from "../core/mod.ts";
import type { Engine, Leaf, MapTensors } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { Plan } from "./_plan.ts";
import { type Aim, leastLikelyProgram, logitsProgram } from "./_programs.ts";
import type { AttackLeaves, PgdSpec } from "./attack.ts";

/**
 * What the loss of an attack depends on that is the same in every step: target classes, or what the classifier says of
 * the clean images.
 *
 * @param engine Where it runs.
 * @param classifier Who is attacked.
 * @param batch The images.
 * @param plan Loss and target.
 * @returns Arrays and values; the values are the caller's.
 * @throws {UsageError} If the target is no class, or is the label of an image.
 */
export async function aimOf(
  engine: Engine,
  { logits, weights, classes }: Classifier,
  { x, y, ids }: AttackLeaves,
  { loss, target }: Pick<Plan, "loss" | "target">,
): Promise<MapTensors<Aim, Leaf>> {
  if (loss === "klToClean") return { clean: await logitsProgram(engine, logits)({ weights, x }) };
  if (target === undefined) return {};
  if (target === "leastLikely") return { target: await leastLikelyProgram(engine, logits)({ weights, x, y }) };
  const labels = (await engine.read(y)).data;
  if (target === "next") {
    return { target: int32([labels.length], Array.from(labels, (label) => (label + 1) % classes)) };
  }
  if (target >= classes) throw unknownTarget(target, classes);
  const own = labels.indexOf(target);
  if (own !== -1) throw ownTarget(target, ids[own]!);
  return { target: int32([labels.length], new Int32Array(labels.length).fill(target)) };
}

/** What is said of a target that is no class. */
export function unknownTarget(target: number, classes: number): UsageError {
  return new UsageError(
    `Cannot attack towards class ${target} where the classifier has classes 0 to ${classes - 1}: write one of them`,
  );
}

/** What is said of a target that is the label of an image. */
export function ownTarget(target: number, id: number): UsageError {
  return new UsageError(
    `Cannot attack image ${id} towards class ${target} as that is its label: ` +
      `leave out images of that class, or write "next" or "leastLikely"`,
  );
}

/** Forward passes per image that {@linkcode aimOf} makes. */
export function aimPasses({ loss, target }: Pick<PgdSpec, "loss" | "target">): number {
  return loss === "klToClean" || target === "leastLikely" ? 1 : 0;
}
