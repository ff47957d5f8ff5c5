import { UsageError } from "../core/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { componentsOf } from "./autoattack.ts";
import type { AnyAttack } from "./own_attack.ts";

/**
 * Checks that an attack averages over draws only where there are some: else its passes would all be alike.
 *
 * @param spec The attack.
 * @param classifier Who is to be attacked.
 * @throws {UsageError} If the attack asks for several samples of a classifier without random outputs.
 */
export function checkSamples(spec: AnyAttack, { noise }: Pick<Classifier, "noise">): void {
  if (noise !== undefined) return;
  const specs = spec.kind === "autoattack" ? componentsOf(spec).map((component) => component.spec) : [spec];
  for (const each of specs) {
    const samples = "samples" in each ? each.samples : undefined;
    if (samples === undefined || samples === 1) continue;
    throw new UsageError(
      `Cannot average over ${samples} samples of a classifier without random outputs as they would all be alike: ` +
        (spec.kind === "autoattack" && spec.version === "rand"
          ? 'use another version than "rand"'
          : "leave samples out"),
    );
  }
}
