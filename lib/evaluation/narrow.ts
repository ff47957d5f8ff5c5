import { type BracketRow, type EvidenceRow, type Progress, UsageError } from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { attackImages, type AttackSpec, margins } from "../attacks/mod.ts";
import { createLedger, type Ledger } from "./_ledger.ts";
import { type Run, runsOf } from "./_runs.ts";
import { stoppable, STOPPED } from "./_stoppable.ts";

/** What to evaluate, and for how long. */
export interface NarrowOptions {
  /** The networks with their names, on the same images in turn. */
  readonly networks: readonly { readonly method: string; readonly classifier: Classifier }[];
  /** Images to evaluate on; each id once. */
  readonly dataset: Dataset;
  /** Attacks, all of one norm. */
  readonly attacks: readonly { readonly attack: AttackSpec }[];
  /** Radii of every attack in pixel units: "8/255". */
  readonly eps: readonly string[];
  /** Seed of the random starts. */
  readonly seed: number;
  /** Images per batch. */
  readonly batchSize: number;
  /** Asked between two calls of the engine: whether to end now. */
  readonly isOver: () => boolean;
  /**
   * Rows that exist, of `evaluate` or of an earlier call: what they say need not be found out again.
   *
   * @default none
   */
  readonly rows?: readonly EvidenceRow[];
}

/** What {@linkcode narrow} tells. */
export type NarrowEvent =
  /**
   * New rows, to be kept apart from those of `evaluate`: each says what one attack alone did to an image, and images
   * that need no attack any more have none.
   */
  | { readonly kind: "evidence"; readonly rows: readonly EvidenceRow[] }
  /** How far it has come, in passes; the total is what is needed at most. */
  | ({ readonly kind: "progress" } & Progress)
  /** What is known: after every attack at every radius, and at the end. */
  | { readonly kind: "bracket"; readonly rows: readonly BracketRow[]; readonly isFinished: boolean };

/**
 * Narrows the worst case over all attacks within a limited time: of each network at each radius, between the images that
 * every attack has failed on and those that none has broken yet ({@linkcode BracketRow}).
 *
 * Attacks are run one by one, those of an ensemble too, that of fewest passes first at all radii from the smallest, on
 * the images that stand: one that was broken at this or a smaller radius lies in this ball broken, whatever else is
 * tried. So its rows say less than those of `evaluate`, which attacks it anew at each radius and by each attack.
 *
 * What is found for an image does not depend on the others, nor on what came before: called again with the rows that
 * exist, it goes on; images under way begin anew. Ended by `isOver` or never, at last the rows are the same.
 *
 * @param engine Where it runs.
 * @param options What to evaluate.
 * @returns Events; the last one is a bracket.
 * @throws {UsageError} As `evaluate`, or if attacks differ in their norm.
 * @throws {DataError} As `evaluate`.
 */
export async function* narrow(engine: Engine, options: NarrowOptions): AsyncGenerator<NarrowEvent, void, void> {
  const { networks, dataset, attacks, seed, isOver, rows = [] } = options;
  const [first] = networks;
  if (first === undefined) throw new UsageError("Cannot evaluate no network: give at least one");
  const runs = runsOf({ ...options, classifier: first.classifier });
  const norms = [...new Set(attacks.map(({ attack }) => attack.norm ?? "Linf"))];
  if (norms.length > 1) {
    throw new UsageError(
      `Cannot evaluate ${norms.join(" and ")} attacks together as a radius means another thing to each: ` +
        "evaluate once for each norm",
    );
  }
  const images = Array.from(dataset.ids.keys());
  const size = Math.min(options.batchSize, images.length);
  const books = networks.map(({ method, classifier }): Book => {
    const ledger = createLedger(method, dataset.ids, runs, norms[0] ?? "Linf");
    rows.forEach(ledger.add);
    const margin = new Map(
      rows.filter((row) => row.method === method && row.attack === "clean").map((row) => [row.image, row.margin]),
    );
    const clean = Float32Array.from(dataset.ids, (id) => margin.get(id) ?? NaN);
    return { method, classifier, runs: runsOf({ ...options, classifier }), ledger, clean };
  });
  const units = unitsOf(runs);
  const passesOf = ({ runs }: Book, { run, at }: Unit): number => runs[run]?.stages[at]?.passes ?? 1;
  const bracketRows = (): BracketRow[] => books.flatMap(({ ledger }) => ledger.rows());

  /** Images that a unit is still to be run on. */
  const queueOf = ({ ledger }: Book, { stage, radius }: Unit): number[] =>
    images.filter((i) => !ledger.isBroken(i, radius) && !ledger.isDone(i, stage, radius));
  let passed = 0;
  /** What was known when a row came last: counting all images at every call would take longer than the call. */
  let known: { readonly left: number; readonly detail: string } | undefined;
  const progress = (book: Book, unit: Unit, label: string, made: number, queued: number): NarrowEvent => {
    const cost = passesOf(book, unit);
    if (known === undefined) {
      const others = books.flatMap((each) =>
        units.map((other) => each === book && other === unit ? 0 : queueOf(each, other).length * passesOf(each, other))
      );
      const { eps, lower, upper } = book.ledger.rows().at(-1)!;
      known = {
        left: others.reduce((sum, passes) => sum + passes, 0),
        detail: `${label}; ${book.method} at ${eps}: ${percent(lower)} to ${percent(upper)} %`,
      };
    }
    const own = Math.min(queueOf(book, unit).length * cost, Math.max(0, queued * cost - made));
    return {
      kind: "progress",
      label: "evaluate within the budget",
      done: passed,
      total: passed + known.left + own,
      detail: known.detail,
    };
  };
  const record = (book: Book, attack: string, eps: string, found: readonly Outcome[]): NarrowEvent => {
    const rows = found.map(({ i, margin, firstStep }): EvidenceRow => ({
      method: book.method,
      attack,
      eps,
      image: dataset.ids[i]!,
      label: dataset.labels[i]!,
      cleanMargin: book.clean[i]!,
      margin,
      success: margin < 0 ? 1 : 0,
      firstStep: firstStep < 0 ? "" : firstStep,
      seed,
    }));
    rows.forEach(book.ledger.add);
    known = undefined;
    return { kind: "evidence", rows };
  };

  // Attacks in batches are stopped within a batch, those over slots by what they tell between two calls.
  let stopsWithin = false;
  const stopping = stoppable(engine, () => stopsWithin && isOver());
  let verifiedAt = performance.now();
  const pace = {
    stop: isOver,
    verify: () => {
      const isDue = performance.now() - verifiedAt > VERIFY_EVERY_MS;
      if (isDue) verifiedAt = performance.now();
      return isDue;
    },
  };
  try {
    for (const unit of units) {
      for (const book of books) {
        const queue = queueOf(book, unit);
        let made = 0;
        known = undefined;
        const { stage: name, eps, radius } = unit;
        const label = name === "clean" ? "clean" : `${name} at ${eps}`;
        for (let from = 0; name === "clean" && from < queue.length; from += size) {
          if (isOver()) throw STOPPED;
          const some = queue.slice(from, from + size);
          const padded = Array.from({ length: size }, (_, k) => some[k] ?? some[0]!);
          const found = await margins(stopping, book.classifier, gather(dataset, padded));
          some.forEach((i, k) => book.clean[i] = found[k]!);
          passed += some.length;
          made += some.length;
          yield record(
            book,
            name,
            eps,
            some.map((i, k) => ({ i, margin: found[k]!, firstStep: found[k]! < 0 ? 0 : -1 })),
          );
          yield progress(book, unit, label, made, queue.length);
        }
        if (name === "clean" || queue.length === 0) continue;
        if (isOver()) throw STOPPED;
        const { spec, stream } = book.runs[unit.run]!.stages[unit.at]!;
        const source = {
          count: queue.length,
          load: (at: readonly number[]) => gather(dataset, at.map((k) => queue[k]!)),
        };
        stopsWithin = spec.kind === "fgsm" || spec.kind === "pgd";
        const found: Outcome[] = [];
        for await (
          const event of attackImages(stopping, book.classifier, source, spec, radius, stream, size, pace)
        ) {
          if (event.kind === "image") {
            found.push({ ...event, i: queue[event.position]! });
            continue;
          }
          passed += event.passes;
          made += event.passes;
          // A batch that has come to its end is verified, though the time be over.
          if (isOver()) stopsWithin = false;
          if (found.length > 0) yield record(book, name, eps, found.splice(0));
          yield progress(book, unit, label, made, queue.length);
        }
        stopsWithin = false;
        if (isOver()) throw STOPPED;
      }
      yield { kind: "bracket", rows: bracketRows(), isFinished: false };
    }
  } catch (error) {
    if (error !== STOPPED) throw error;
  }
  const last = bracketRows();
  yield { kind: "bracket", rows: last, isFinished: last.every(({ finished, standing }) => finished === standing) };
}

/** Time between verifications of images that are done while a batch of them is not full. */
const VERIFY_EVERY_MS = 1000;

/** A network and what is known of it. */
interface Book {
  readonly method: string;
  readonly classifier: Classifier;
  readonly runs: readonly Run[];
  readonly ledger: Ledger;
  /** Clean margins; NaN where they are not known yet. */
  readonly clean: Float32Array;
}

/** One attack of its own at one radius; "clean" at radius 0. */
interface Unit {
  readonly stage: string;
  readonly eps: string;
  readonly radius: number;
  /** Where it stands among the runs, and among the stages of its run. */
  readonly run: number;
  readonly at: number;
}

interface Outcome {
  readonly i: number;
  readonly margin: number;
  readonly firstStep: number;
}

/** All there is to run, the cheapest first. */
function unitsOf(runs: readonly Run[]): Unit[] {
  const units = runs.flatMap(({ eps, radius, stages }, run) =>
    radius === 0 ? [] : stages.map(({ name, passes }, at) => ({ stage: name, eps, radius, run, at, passes }))
  );
  const order = [...new Set(units.map(({ stage }) => stage))];
  units.sort((a, b) => a.passes - b.passes || order.indexOf(a.stage) - order.indexOf(b.stage) || a.radius - b.radius);
  return [{ stage: "clean", eps: "0", radius: 0, run: -1, at: -1 }, ...units];
}

function percent(rate: number): string {
  return (100 * rate).toFixed(1);
}
