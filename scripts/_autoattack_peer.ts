import { fileURLToPath } from "node:url";
import {
  type AccuracyTable,
  attackImages,
  type Classifier,
  componentsOf,
  type Dataset,
  encodeSafetensors,
  type Engine,
  gather,
  type LoadedWeights,
  margins,
  type Norm,
  pairedDifference,
  type Progress,
  rng,
  toPyTorch,
  wilson,
} from "../mod.ts";
import { type PythonPeer, startPython } from "./_python.ts";

/** Attacks of the published versions that can be run alone, and the version whose settings they have. */
export const ALONE = {
  "apgd-ce": "standard",
  "apgd-dlr": "plus",
  "apgd-t": "standard",
  fab: "plus",
  "fab-t": "standard",
  square: "standard",
} as const;

/** The published versions. */
export const ENSEMBLES = { autoattack: "standard", "autoattack-plus": "plus" } as const;

/** An attack of a published version. */
export type AttackOfVersion = keyof typeof ALONE;
/** A published version. */
export type Version = typeof ENSEMBLES[keyof typeof ENSEMBLES];

/** What is needed of a user. */
export const NEEDS = "give --python a Python with torch and numpy, and --autoattack a copy of the official code";

/** What came of an attack, ours and theirs, on the same images. */
export interface PeerRow {
  /** Its name; of an ensemble "autoattack.apgd-ce", what is left after it and those before. */
  readonly attack: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Images. */
  readonly n: number;
  /** Images that stand under both, under ours alone, under theirs alone. */
  readonly both: number;
  readonly onlyOurs: number;
  readonly onlyPeer: number;
  /** Seconds; of an ensemble those of all its attacks. */
  readonly seconds: number;
  readonly peerSeconds: number;
}

/** What an attack left: positions of the images that stand, in their order. */
export interface Outcome {
  readonly standing: readonly number[];
  readonly seconds: number;
}

/** Runs an attack on the images at some positions. */
export type RunAttack = (attack: AttackOfVersion, version: Version, positions: readonly number[]) => Promise<Outcome>;

/** What is attacked. */
export interface Target {
  readonly images: Dataset;
  readonly norm: Norm;
  /** Radius in pixel units. */
  readonly eps: number;
  readonly seed: number;
  /** Images per batch of ours. */
  readonly batch: number;
  /** Images per batch of the official code. */
  readonly peerBatch: number;
}

/** The network as both sides get it. */
export interface PeerNetwork {
  /** Its weights file. */
  readonly path: string;
  /** What is in it. */
  readonly loaded: LoadedWeights;
  /** A file of one's own that defines it in PyTorch, with the names of the weights file; else the card says what it is. */
  readonly file: string | undefined;
}

/** The official code in a process of its own, with the network and the images. */
export interface OfficialCode extends AsyncDisposable {
  /** Version of PyTorch. */
  readonly version: string;
  /** Its faster memory format, which is used. */
  readonly format: string;
  /** Positions of images that are classified correctly. */
  readonly correct: readonly number[];
  readonly run: RunAttack;
}

/**
 * Starts the official code.
 *
 * @param python Path of a Python with torch and numpy.
 * @param autoattack Folder that holds the official code's `autoattack/`.
 * @param network The network.
 * @param target What is attacked.
 * @param threads Threads of an operator.
 * @param say Told of images outside of the ball.
 */
export async function startOfficialCode(
  python: string,
  autoattack: string,
  network: PeerNetwork,
  { images, norm, eps, seed, peerBatch }: Target,
  threads: number,
  say: (text: string) => void,
): Promise<OfficialCode> {
  const script = fileURLToPath(new URL("./_peer_autoattack.py", import.meta.url));
  const peer = await startPython<{ readonly version: string }>(python, [script, autoattack, `${threads}`], NEEDS);
  try {
    const { format, labels } = await openNetwork(peer, network, images, peerBatch);
    return {
      version: peer.hello.version,
      format,
      correct: labels.flatMap((label, i) => label === images.labels[i] ? [i] : []),
      run: async (attack, version, positions) => {
        const { broken, outside, seconds } = await peer.ask<
          { readonly broken: readonly boolean[]; readonly outside: number; readonly seconds: number }
        >({ do: "attack", attack, version, norm, eps, seed, images: positions });
        if (outside > 0) say(`official ${attack}: ${outside} images lie outside of the ball and do not count`);
        return { standing: positions.filter((_, k) => !broken[k]), seconds };
      },
      [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
}

async function openNetwork(
  { ask }: PythonPeer<unknown>,
  { path, loaded: { weights, card: { model, inputShape, classes } }, file }: PeerNetwork,
  images: Dataset,
  batch: number,
): Promise<{ readonly format: string; readonly labels: readonly number[] }> {
  const folder = await Deno.makeTempDir({ prefix: "kdiga-" });
  try {
    const own = `${folder}/weights.safetensors`;
    const arrays = `${folder}/images.safetensors`;
    const { x, y } = gather(images, images.ids.keys().toArray());
    await Deno.writeFile(arrays, encodeSafetensors({ tensors: { x, y } }));
    if (file === undefined) await Deno.writeFile(own, encodeSafetensors({ tensors: toPyTorch(weights) }));
    const network = file === undefined
      ? { weights: own, model, inputShape, classes: classes.length }
      : { weights: path, network: file };
    return await ask({ do: "open", images: arrays, batch, ...network });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Positions of the images that our network classifies correctly. */
export async function correctImages(
  engine: Engine,
  classifier: Classifier,
  { images, batch }: Target,
): Promise<number[]> {
  const found: number[] = [];
  for (let from = 0; from < images.ids.length; from += batch) {
    const positions = Array.from({ length: batch }, (_, k) => from + k);
    const margin = await margins(engine, classifier, gather(images, positions.map((i) => i in images.ids ? i : from)));
    found.push(...positions.filter((i, k) => i in images.ids && margin[k]! >= 0));
  }
  return found;
}

/** Our attacks. */
export function ownAttacks(
  engine: Engine,
  classifier: Classifier,
  { images, norm, eps, seed, batch }: Target,
  show: (progress: Progress) => void,
): RunAttack {
  return async (attack, version, positions) => {
    const { spec } = componentsOf({ kind: "autoattack", norm, version }).find(({ name }) => name.startsWith(attack))!;
    const source = {
      count: positions.length,
      load: (some: readonly number[]) => gather(images, some.map((k) => positions[k]!)),
    };
    const standing: number[] = [];
    let done = 0;
    const start = performance.now();
    for await (
      const event of attackImages(engine, classifier, source, spec, eps, rng(seed, "attack", attack), batch)
    ) {
      if (event.kind === "passes") continue;
      if (event.margin >= 0) standing.push(positions[event.position]!);
      show({ label: `ours: ${attack}`, done: ++done, total: positions.length });
    }
    return { standing: standing.sort((a, b) => a - b), seconds: (performance.now() - start) / 1000 };
  };
}

/**
 * Runs an attack or an ensemble on both sides in turn.
 *
 * @param name Of the attack or the ensemble.
 * @param norm Norm of the ball.
 * @param correct Images to begin with.
 * @param sides Ours and theirs.
 * @returns As they come: the attack's name, and what it left.
 */
export async function* compareAttack(
  name: AttackOfVersion | keyof typeof ENSEMBLES,
  norm: Norm,
  correct: readonly number[],
  [ours, theirs]: readonly [RunAttack, RunAttack],
): AsyncGenerator<{ readonly attack: string; readonly ours: Outcome; readonly theirs: Outcome }> {
  if (name in ALONE) {
    const attack = name as AttackOfVersion;
    const version = ALONE[attack];
    yield { attack, ours: await ours(attack, version, correct), theirs: await theirs(attack, version, correct) };
    return;
  }
  const version = ENSEMBLES[name as keyof typeof ENSEMBLES];
  const onward = async (run: RunAttack, attack: AttackOfVersion, { standing }: Outcome): Promise<Outcome> =>
    standing.length === 0 ? { standing, seconds: 0 } : await run(attack, version, standing);
  const sum = (a: Outcome, b: Outcome): Outcome => ({ standing: b.standing, seconds: a.seconds + b.seconds });
  let both: readonly [Outcome, Outcome] = [{ standing: correct, seconds: 0 }, { standing: correct, seconds: 0 }];
  for (const component of componentsOf({ kind: "autoattack", norm, version })) {
    // Behind its name stand settings that are not the usual ones.
    const attack = (Object.keys(ALONE) as AttackOfVersion[]).filter((one) => component.name.startsWith(one)).at(-1)!;
    const now = [await onward(ours, attack, both[0]), await onward(theirs, attack, both[1])] as const;
    yield { attack: `${name}.${attack}`, ours: now[0], theirs: now[1] };
    both = [sum(both[0], now[0]), sum(both[1], now[1])];
  }
  yield { attack: name, ours: both[0], theirs: both[1] };
}

/** A row of two outcomes. */
export function peerRow(attack: string, eps: string, n: number, ours: Outcome, theirs: Outcome): PeerRow {
  const other = new Set(theirs.standing);
  const both = ours.standing.filter((i) => other.has(i)).length;
  return {
    attack,
    eps,
    n,
    both,
    onlyOurs: ours.standing.length - both,
    onlyPeer: theirs.standing.length - both,
    seconds: ours.seconds,
    peerSeconds: theirs.seconds,
  };
}

/** The rows as a table. */
export function peerTable(rows: readonly PeerRow[]): AccuracyTable {
  return {
    caption:
      "Robust accuracy in percent [95 % Wilson interval] by our attacks and by the official code on the same n " +
      "images; their difference in points [95 % Newcombe paired interval]; images that stand under one side alone; " +
      "seconds, and ours by theirs.",
    columns: [
      "Attack",
      "n",
      "Ours",
      "Official",
      "Difference",
      "Only ours",
      "Only official",
      "s",
      "s official",
      "Ratio",
    ],
    rows: rows.map(({ attack, eps, n, both, onlyOurs, onlyPeer, seconds, peerSeconds }) => {
      const counts = { both, onlyFirst: onlyOurs, onlySecond: onlyPeer, neither: n - both - onlyOurs - onlyPeer };
      const { difference, low, high } = pairedDifference(counts);
      return [
        `${attack} ${eps}`,
        `${n}`,
        rate(both + onlyOurs, n),
        rate(both + onlyPeer, n),
        `${points(difference)} [${points(low)}, ${points(high)}]`,
        `${onlyOurs}`,
        `${onlyPeer}`,
        seconds.toFixed(1),
        peerSeconds.toFixed(1),
        (seconds / peerSeconds).toFixed(2),
      ];
    }),
  };
}

function rate(count: number, n: number): string {
  const { low, high } = wilson(count, n);
  return `${(100 * count / n).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

function points(value: number): string {
  return (100 * value).toFixed(1).replace(/^-0\.0$/, "0.0");
}
