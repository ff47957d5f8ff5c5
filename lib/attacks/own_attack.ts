import { UsageError } from "../core/mod.ts";
import type { Rng } from "../core/mod.ts";
import type { Engine, Leaf } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import type { AttackBatch, AttackSpec, Norm } from "./attack.ts";
import { MAX_EPS } from "./threat_model.ts";
import { validateSpec } from "./validate_spec.ts";

/**
 * An attack that is written outside of this library. What it gives is brought into ball and box and asked again like the
 * images of every other attack ({@linkcode runAttack}, `evaluate`): it may claim nothing.
 *
 * ```ts
 * import { float32, type OwnAttack } from "@kdiga/kdiga";
 *
 * const darken: OwnAttack = {
 *   kind: "own",
 *   name: "darken",
 *   run: (_engine, _classifier, { x }, eps) =>
 *     Promise.resolve(float32(x.shape, x.data.map((value) => Math.max(0, value - eps)))),
 * };
 * ```
 */
export interface OwnAttack {
  /** Discriminates the attacks. */
  readonly kind: "own";
  /** Its name in rows and figures: lower case, as "darken"; not that of an attack of this library. */
  readonly name: string;
  /** Norm of the ball. @default {"Linf"} */
  readonly norm?: Norm;
  /** Forward passes per image at most, those inside backward passes included. @default {0} */
  readonly forwardPasses?: number;
  /** Backward passes per image at most. @default {0} */
  readonly backwardPasses?: number;
  /**
   * Makes the adversarial images.
   *
   * @param engine Where it runs.
   * @param classifier Who is attacked.
   * @param batch Pixels in [0,1] [B, H, W, C], classes [B], ids [B]; where images are missing, some come twice.
   * @param eps Radius in pixel units.
   * @param rng Its stream: key it by image id, so that what is found for an image does not depend on its batch.
   * @returns Images [B, H, W, C], in memory or on the engine; owned by who receives them.
   */
  readonly run: (
    engine: Engine,
    classifier: Classifier,
    batch: AttackBatch,
    eps: number,
    rng: Rng,
  ) => Promise<Leaf>;
}

/** What can be run: an attack of this library by its spec, or one that is written elsewhere. */
export type AnyAttack = AttackSpec | OwnAttack;

/** Names that attacks of this library begin with. */
const TAKEN = /^(clean|worst|fgsm|pgd|apgd|fab|ddn|square|autoattack)(-|\.|$)/;

/**
 * Checks an attack before any work is done: a spec by {@linkcode validateSpec}, one's own by its name and its radii.
 *
 * @param attack The attack.
 * @param eps Radii at which it will run, in pixel units.
 * @param path Where it stands, for messages: "attacks[1].attack".
 * @throws {UsageError} If it cannot be used.
 */
export function checkAttack(attack: AnyAttack, eps: readonly number[] = [], path = "attack"): void {
  if (attack.kind !== "own") return void validateSpec(attack, eps, path);
  const { name, norm = "Linf" } = attack;
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name) || TAKEN.test(name)) {
    throw new UsageError(
      `Cannot use ${path}.name as it is "${name}": write lower-case letters, digits, dots and hyphens that no other ` +
        "attack begins with",
    );
  }
  const bad = eps.find((radius) => !(radius >= 0 && radius <= MAX_EPS[norm]));
  if (bad !== undefined) {
    throw new UsageError(`Cannot use ${path} at eps ${bad}: write a radius from 0 to ${MAX_EPS[norm]}`);
  }
}
