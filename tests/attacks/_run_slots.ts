import { float32, int32, type NdArray, scalar } from "../../lib/core/mod.ts";
import { type Engine, flatten, isLeaf, type Leaf, mapTree, readTree, type Tensor } from "../../lib/engine/mod.ts";
import type { AttackBatch, Slot, SlotAttack } from "../../lib/attacks/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";

/** What was looked at in a step. */
export interface Seen {
  readonly looked: NdArray;
  readonly margin: readonly number[];
}

/**
 * Runs an attack over slots on one batch, all slots in step and none let go: what the queue does, without the queue.
 *
 * @param batch One image per slot.
 * @param orders The other classes of each image, by clean logit.
 * @returns What every step looked at, over all trials.
 */
export async function runSlots(
  engine: Engine,
  classifier: Classifier,
  { x, y, ids }: AttackBatch,
  attack: SlotAttack,
  eps: number,
  orders: readonly Int32Array[] = [],
): Promise<Seen[]> {
  type In = {
    readonly weights: Weights<Tensor>;
    readonly x: Tensor;
    readonly y: Tensor;
    readonly fresh: Tensor;
    readonly eps: Tensor;
    readonly state: object;
    readonly trial: object;
    readonly feeds: object;
  };
  const program = engine.compile(({ weights, ...rest }: In) =>
    attack.step({ ...rest, logits: (at) => classifier.logits(weights, at) })
  );
  const seen: Seen[] = [];
  // What is stale may be anything.
  let state: unknown = mapTree(attack.state(x.shape), isLeaf, (leaf) => {
    const { shape, data } = leaf as NdArray;
    return float32(shape, new Float32Array(data.length).fill(NaN));
  });
  for (let trial = 0; trial < attack.trials; trial++) {
    for (let step = 0; step < attack.steps; step++) {
      const slots = Array.from(ids, (id, row): Slot => ({
        id,
        label: y.data[row]!,
        trial,
        step,
        order: orders[row] ?? new Int32Array(),
      }));
      const fresh = float32([ids.length], new Float32Array(ids.length).fill(step === 0 ? 1 : 0));
      const out = await program({
        weights: classifier.weights,
        x,
        y,
        fresh,
        eps: scalar(eps),
        state: state as Leaf,
        trial: stacked(slots.map((slot) => attack.trial(slot))),
        feeds: stacked(slots.map((slot) => attack.feeds(slot))),
      } as never);
      const read = await readTree(engine, out as object) as unknown as {
        state: object;
        looked: NdArray;
        margin: NdArray;
      };
      flatten(out, isLeaf).forEach(([, leaf]) => "dispose" in leaf && leaf.dispose());
      state = read.state;
      seen.push({ looked: read.looked, margin: Array.from(read.margin.data) });
    }
  }
  program.dispose();
  return seen;
}

/** Trees of one slot each, as one tree whose leaves begin with the axis of slots. */
function stacked(trees: readonly object[]): object {
  const rows = trees.map((tree) => flatten(tree, isLeaf).map(([, leaf]) => leaf as NdArray));
  let next = 0;
  return mapTree(trees[0]!, isLeaf, (leaf) => {
    const k = next++;
    const data = rows.flatMap((row) => Array.from(row[k]!.data));
    const shape = [rows.length, ...(leaf as NdArray).shape];
    return (leaf as NdArray).dtype === "int32" ? int32(shape, data) : float32(shape, data);
  }) as object;
}
