import { DataError, type NdArray } from "../mod.ts";
import { MEMORY_FORMATS, type MemoryFormat, type Peer } from "./_bench_peer.ts";
import type { BenchStep, Numbers, StepName } from "./_bench_steps.ts";

/** How near the numbers of a step are to the peer's; each distance is relative. */
export interface Agreement {
  /** Largest |ours - theirs| of an array over its largest entry, of all arrays, with a smooth nonlinearity. */
  readonly difference: number;
  /** The array where it is. */
  readonly differenceIn: string;
  /** Largest distance of a value (loss terms, logits) that ReLU's kinks do not touch, with ReLU, as timed. */
  readonly reluDifference: number;
  /** Distance of the losses after an attack, with ReLU; null where there is none. */
  readonly attackDifference: number | null;
}

/** A step as the peer reads it. */
export interface ComparedCase {
  /** Our steps. */
  readonly steps: readonly BenchStep[];
  /** The case as `encodeCase` writes it. */
  readonly path: string;
}

/** Largest difference that is let pass, of the largest entry. */
export const TOLERANCE = 1e-3;
/** The same of the loss after an attack: where a gradient is nearly 0, rounding decides its sign. */
export const ATTACK_TOLERANCE = 1e-2;
/** With ReLU, where rounding decides the sign of an activation, the Euclidean distance of all gradients together. */
export const KINK_TOLERANCE = 5e-2;

/** Runs of each format to choose by, after one other. */
const TRIALS = 2;
/** Idle threads of ONNX Runtime were busy for 20 to 30 ms after a call, those of PyTorch for 10: wait for their sleep. */
const PAUSE_MS = 50;

/**
 * Finds the faster memory format of a step.
 *
 * @param peer The peer, with the case open in both formats.
 * @param step The step.
 */
export async function fasterFormat(peer: Peer, step: StepName): Promise<MemoryFormat> {
  const best = new Map(MEMORY_FORMATS.map((format) => [format, Infinity]));
  await pause();
  for (let i = 0; i <= TRIALS; i++) {
    for (const format of MEMORY_FORMATS) {
      const ms = await peer.run(step, format);
      if (i > 0) best.set(format, Math.min(best.get(format)!, ms));
    }
  }
  return MEMORY_FORMATS.toSorted((a, b) => best.get(a)! - best.get(b)!)[0]!;
}

/** Times a step of the peer while nothing of ours runs. */
export async function runPeer(peer: Peer, step: StepName, format: MemoryFormat): Promise<number> {
  await pause();
  await peer.run(step, format);
  const ms = await peer.run(step, format);
  await pause();
  return ms;
}

/**
 * Checks that a step of the peer computes what ours does: every array with a smooth nonlinearity, then, as it is timed,
 * with ReLU.
 *
 * @throws {DataError} If numbers differ by more than is let pass.
 */
export async function checkPeer(
  peer: Peer,
  name: StepName,
  format: MemoryFormat,
  { smooth, timed }: { readonly smooth: ComparedCase; readonly timed: ComparedCase },
): Promise<Agreement> {
  const pair = async ({ steps, path }: ComparedCase): Promise<[ours: Numbers, theirs: Numbers]> => {
    const { xAdv, ...theirs } = await peer.check(path, name, format, `${path}.numbers`);
    return [await steps.find((step) => step.name === name)!.numbers(xAdv), theirs];
  };
  const exact = checkDistances(name, maximumDistances(...await pair(smooth)));
  const [ours, theirs] = await pair(timed);
  checkDistances(name, euclideanDistances(ours, theirs), KINK_TOLERANCE);
  const continuous = ([array]: [string, NdArray]) => /^(term\.|logits$|crossEntropy$|attackLoss$|product$)/.test(array);
  const only = (numbers: Numbers) => Object.fromEntries(Object.entries(numbers).filter(continuous));
  const relu = checkDistances(name, maximumDistances(only(ours), only(theirs)));
  return { ...exact, reluDifference: relu.difference, attackDifference: relu.attackDifference };
}

/**
 * The largest of distances.
 *
 * @param step The step, for the message.
 * @param distances By array.
 * @param tolerance What is let pass, of other arrays than the loss after an attack.
 * @throws {DataError} If one is larger than is let pass, or not a number.
 */
export function checkDistances(
  step: StepName,
  distances: Readonly<Record<string, number>>,
  tolerance = TOLERANCE,
): Omit<Agreement, "reluDifference"> {
  const allowed = (name: string) => name === "attackLoss" ? ATTACK_TOLERANCE : tolerance;
  // What is not a number is the worst of all.
  const excess = ([name, value]: readonly [string, number]) => Number.isNaN(value) ? Infinity : value / allowed(name);
  const [worst] = Object.entries(distances).toSorted((a, b) => excess(b) - excess(a));
  if (worst && !(worst[1] <= allowed(worst[0]))) {
    throw new DataError(
      `Cannot compare the times of "${step}" as its "${worst[0]}" is ${worst[1].toExponential(1)} of its size away ` +
        `from the peer's where ${allowed(worst[0])} is let pass: find out which of both is wrong`,
    );
  }
  const { attackLoss, ...others } = distances;
  const [differenceIn = "", difference = 0] = Object.entries(others).toSorted(([, a], [, b]) => b - a)[0] ?? [];
  return { difference, differenceIn, attackDifference: attackLoss ?? null };
}

/** Largest |a - b| over the largest entry of both, by array; NaN where one is missing, of another shape, or NaN. */
export function maximumDistances(ours: Numbers, theirs: Numbers): Record<string, number> {
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return Object.fromEntries([...names].map((name) => {
    const [a, b] = [ours[name], theirs[name]];
    if (a?.shape.join() !== b?.shape.join()) return [name, NaN];
    let [difference, largest] = [0, 0];
    a!.data.forEach((x, i) => {
      const y = b!.data[i]!;
      difference = Math.max(difference, Math.abs(x - y));
      largest = Math.max(largest, Math.abs(x), Math.abs(y));
    });
    return [name, difference === 0 ? 0 : difference / largest];
  }));
}

/** ||a - b|| / ||b|| by group, that is all arrays whose names begin alike ("velocity.") as one vector. */
export function euclideanDistances(ours: Numbers, theirs: Numbers): Record<string, number> {
  const squares = new Map<string, [difference: number, size: number]>();
  for (const [name, { data }] of Object.entries(theirs)) {
    const group = name.split(".")[0]!;
    let [difference, size] = squares.get(group) ?? [0, 0];
    data.forEach((y, i) => {
      difference += ((ours[name]?.data[i] ?? NaN) - y) ** 2;
      size += y ** 2;
    });
    squares.set(group, [difference, size]);
  }
  return Object.fromEntries(
    Array.from(squares, ([group, [difference, size]]) => [group, difference === 0 ? 0 : Math.sqrt(difference / size)]),
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
