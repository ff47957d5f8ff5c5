import { formatEps, parseEps, type Rng, rng, UsageError } from "../core/mod.ts";
import type { Dataset } from "../data/mod.ts";
import type { Classifier } from "../models/mod.ts";
import {
  type AnyAttack,
  attackName,
  attackPasses,
  checkAttack,
  checkSamples,
  componentsOf,
  MAX_EPS,
} from "../attacks/mod.ts";

/** One attack at one radius. */
export interface Run {
  readonly name: string;
  readonly eps: string;
  readonly radius: number;
  /** The attack itself, or those of an ensemble. */
  readonly stages: readonly Stage[];
}

/** An attack of its own: one that is no ensemble, or one of an ensemble. */
export interface Stage {
  /** Name in rows. */
  readonly name: string;
  readonly spec: AnyAttack;
  readonly stream: Rng;
  /** Passes per image at most. */
  readonly passes: number;
}

/** Names in rows: those of the stages, and that of the whole. */
export function namesOf({ name, stages }: Run): string[] {
  return [...new Set([...stages.map((stage) => stage.name), name])];
}

/** What is run. */
export interface RunsOptions {
  readonly attacks: readonly { readonly attack: AnyAttack }[];
  readonly eps: readonly string[];
  readonly seed: number;
  readonly dataset: Dataset;
  readonly classifier: Pick<Classifier, "classes" | "noise">;
  readonly batchSize: number;
}

/** Every attack at every radius, in order; refuses what cannot be run. */
export function runsOf({ attacks, eps, seed, dataset, classifier, batchSize }: RunsOptions): Run[] {
  if (dataset.ids.length === 0) {
    throw new UsageError(`Cannot evaluate on "${dataset.name}" as it has no images: use a data set with some`);
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new UsageError(`Cannot evaluate in batches of ${batchSize} images: write a positive integer`);
  }
  const most = Math.max(1, ...attacks.map(({ attack: { norm = "Linf" } }) => MAX_EPS[norm]));
  const radii = new Map(eps.map((text) => [formatEps(text, most), parseEps(text, most)]));
  if (attacks.length > 0 && radii.size === 0) {
    throw new UsageError('Cannot run attacks without a radius: write eps such as ["8/255"], or leave out the attacks');
  }
  const names = attacks.map(({ attack }, i) => {
    checkAttack(attack, [...radii.values()], `attacks[${i}].attack`);
    return attackName(attack);
  });
  attacks.forEach(({ attack }) => checkSamples(attack, classifier));
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice !== -1) {
    throw new UsageError(`Cannot evaluate under "${names[twice]}" twice: leave out attacks[${twice}]`);
  }
  return attacks.flatMap(({ attack }, i) => {
    const name = names[i]!;
    // Not keyed by the radius: at every radius the starts lie in the same directions.
    const stream = rng(seed, "attack", name);
    const stage = (name: string, spec: AnyAttack, stream: Rng): Stage => {
      const { forwardPasses, backwardPasses } = attackPasses(spec, classifier.classes, classifier);
      return { name, spec, stream, passes: forwardPasses + backwardPasses };
    };
    const stages = attack.kind === "autoattack"
      ? componentsOf(attack).map((each) => stage(`${name}.${each.name}`, each.spec, stream.child(each.name)))
      : [stage(name, attack, stream)];
    return [...radii].map(([eps, radius]) => ({ name, eps, radius, stages }));
  });
}
