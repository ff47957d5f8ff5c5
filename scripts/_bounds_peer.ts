import { fileURLToPath } from "node:url";
import {
  type AccuracyTable,
  boundMargins,
  boundName,
  type BoundSpec,
  type CertifiedNorm,
  createModel,
  encodeSafetensors,
  type Engine,
  float32,
  freeze,
  int32,
  type ModelSpec,
  rng,
  toPyTorch,
} from "../mod.ts";
import { realWeights } from "./_check_torch.ts";
import { type PythonPeer, startPython } from "./_python.ts";

/** What is to be done where the other side does not answer. */
export const NEEDS = "give --python a Python with torch 2, and --auto-lirpa a folder with auto_LiRPA if it lacks that";

/** auto_LiRPA in a Python. */
export type BoundsPeer = PythonPeer<{ readonly version: string; readonly lirpa: string }>;

/**
 * Starts PyTorch with auto_LiRPA.
 *
 * @param python Path of a Python with torch.
 * @param threads Threads of an operator.
 * @param folder Where auto_LiRPA is, if not installed.
 */
export async function startBoundsPeer(python: string, threads: number, folder?: string): Promise<BoundsPeer> {
  const program = fileURLToPath(new URL("./_bounds_peer.py", import.meta.url));
  return await startPython(python, [program, `${threads}`, ...(folder === undefined ? [] : [folder])], NEEDS);
}

/** A network and balls that are bounded on both sides. */
export interface BoundsCase {
  readonly model: ModelSpec;
  readonly side: number;
  readonly method: BoundSpec;
  readonly norm: CertifiedNorm;
  readonly eps: number;
  /**
   * How far ours may be above: theirs take the zeros around an image for a part of a ball in L2, so that their intervals
   * after a convolution are wider at its border.
   */
  readonly tighter?: number;
}

const MLP = { kind: "mlp", hidden: [20, 15] } as const;
const CNN = { kind: "cnn", width: 2 } as const;
const PIXELS = { mean: [0.49, 0.48, 0.45], std: [0.25, 0.24, 0.26] } as const;
const IBP = { kind: "ibp" } as const;
const CROWN_IBP = { kind: "crown", intermediate: "ibp" } as const;
const CROWN = { kind: "crown", intermediate: "crown" } as const;

/** What is compared, by name. */
export const CASES: Readonly<Record<string, BoundsCase>> = Object.fromEntries(
  ([
    ...[IBP, CROWN_IBP, CROWN].flatMap((method) => [
      { model: MLP, side: 4, method, norm: "Linf", eps: 0.02 },
      { model: MLP, side: 4, method, norm: "L2", eps: 0.1 },
      { model: { ...CNN, ...PIXELS }, side: 8, method, norm: "Linf", eps: 0.005 },
    ]),
    { model: CNN, side: 8, method: CROWN_IBP, norm: "L2", eps: 0.03, tighter: 0.06 },
    { model: CNN, side: 8, method: CROWN, norm: "L2", eps: 0.03 },
    ...[IBP, CROWN_IBP].map((method) => ({
      model: { kind: "resnet18", width: 2, blocks: [1, 1, 1, 1] },
      side: 8,
      method,
      norm: "Linf",
      eps: 2e-3,
    })),
  ] as BoundsCase[]).map((each) => [`${each.model.kind} ${boundName(each.method)} ${each.norm}`, each]),
);

/** The bounds of both sides. */
export interface BoundsRow {
  readonly name: string;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Largest (theirs - ours) and (ours - theirs), over 1 + the largest of theirs. */
  readonly below: number;
  readonly above: number;
  /** As in {@linkcode BoundsCase}; 0 where omitted. */
  readonly tighter: number;
}

/** How far ours may be below theirs: what rounding may have done; and above, where no interval of ours is tighter. */
export const BOUNDS_TOLERANCE = { below: 5e-3, above: 1e-4 } as const;

/** Whether both sides say the same. */
export function boundsVerdict(
  { below, above, tighter }: Pick<BoundsRow, "below" | "above" | "tighter">,
): "ok" | "broken" {
  return below <= BOUNDS_TOLERANCE.below && above <= Math.max(BOUNDS_TOLERANCE.above, tighter) ? "ok" : "broken";
}

/**
 * Bounds margins on both sides, from the same weights and images.
 *
 * @param engine Where ours runs.
 * @param peer auto_LiRPA.
 * @param name Name of the case.
 * @param folder For files between both.
 */
export async function checkBounds(engine: Engine, peer: BoundsPeer, name: string, folder: string): Promise<BoundsRow> {
  const { model: spec, side, method, norm, eps, tighter = 0 } = CASES[name]!;
  const images = 3;
  const shape = { classes: 5, inputShape: [side, side, 3] as const };
  const model = createModel(spec, shape);
  const random = rng(1, "bounds-peer");
  const size = [images, ...shape.inputShape];
  const x = float32(size, random.child("x").uniform(size, 0.1, 0.9));
  const y = int32([images], random.child("y").integers(images, shape.classes));
  const weights = await realWeights(engine, model, x, random);
  const found = await boundMargins(engine, freeze(model, weights), { x, y, eps, norm, method });
  const files = { weights: `${folder}/weights`, batch: `${folder}/batch` };
  await Deno.writeFile(files.weights, encodeSafetensors({ tensors: toPyTorch(weights) }));
  await Deno.writeFile(files.batch, encodeSafetensors({ tensors: { x, y } }));
  const request = { ...shape, model: spec, norm, eps: Math.fround(eps), method: boundName(method), ...files };
  const { lower: theirs } = await peer.ask<{ readonly lower: readonly number[] }>(request);
  const ours = Array.from(found.data);
  const scale = 1 + Math.max(...theirs.map(Math.abs));
  const largest = (sign: number) => Math.max(0, ...ours.map((bound, i) => sign * (bound - theirs[i]!) / scale));
  return { name, ours, theirs, below: largest(-1), above: largest(1), tighter };
}

/** Rows as a table. */
export function boundsTable(rows: readonly BoundsRow[]): AccuracyTable {
  return {
    caption:
      "Lower bounds of margins against auto_LiRPA in float64: the smallest of theirs, and by how much ours are " +
      "below and above at most, over 1 + the largest of theirs.",
    columns: ["Bounds", "Smallest", "Ours below by", "Ours above by", "Verdict"],
    rows: rows.map((row) => [
      row.name,
      Math.min(...row.theirs).toPrecision(4),
      row.below.toExponential(1),
      row.above.toExponential(1),
      boundsVerdict(row),
    ]),
  };
}
