import { float32, type Rng } from "../core/mod.ts";
import { add, clip, mul, reshape, type Tensor } from "../engine/mod.ts";
import { margin } from "../losses/mod.ts";
import { type ImageShape, noState, type SquareMachine, taken } from "./_square_state.ts";
import { place, signOf } from "./_square_windows.ts";
import { whereSlot } from "./slot_attack.ts";

/** What a query changes: 2 s in the window and 0 elsewhere, as the product of a column and a row. */
interface Change {
  /** 2 in the rows of the window, 0 elsewhere [H, 1]. */
  readonly rows: Tensor;
  /** Signs s in the columns of the window, 0 elsewhere [1, W * C]. */
  readonly columns: Tensor;
}

/**
 * The square attack in Linf, on the signs of the perturbation: images are clip(x + eps * signs, 0, 1), and a query sets
 * signs to clip(signs + 2 s, -1, 1). The start is a window over the whole image with stripes in it.
 *
 * @param shape Shape of the images.
 * @param sizes Side of the window of every query after the first.
 * @param draws Stream of the attack.
 * @returns The part of the attack that depends on the norm.
 */
export function signSquares(
  { height, width, channels }: ImageShape,
  sizes: readonly number[],
  draws: Rng,
): SquareMachine<object, Change> {
  return {
    key: "square Linf",
    state: noState,
    trial: () => ({}),
    feeds: ({ id, trial, step }) => {
      const stream = draws.child(id, trial, step);
      const rows = float32([height, 1]);
      const columns = float32([1, width * channels]);
      if (step === 0) {
        rows.data.fill(2);
        columns.data.set(stream.uniform(width * channels).map(signOf));
      } else {
        const size = sizes[step - 1]!;
        const [atRow, atColumn, ...signs] = stream.uniform(2 + channels);
        const top = place(atRow!, size, height);
        const left = place(atColumn!, size, width);
        rows.data.fill(2, top, top + size);
        for (let i = left * channels; i < (left + size) * channels; i++) columns.data[i] = signOf(signs[i % channels]!);
      }
      return { rows, columns };
    },
    step: ({ logits, x, y, fresh, eps, state, feeds: { rows, columns } }) => {
      // Images as [B, H, W * C].
      const signs = reshape(state.best, [-1, rows.shape[1]!, columns.shape[2]!]);
      const next = clip(add(signs, mul(rows, columns)), -1, 1);
      const looked = clip(add(x, mul(reshape(next, x.shape), eps)), 0, 1);
      const now = margin(logits(looked), y);
      const better = taken(now, state.loss, fresh);
      const best = reshape(whereSlot(better, next, signs), x.shape);
      return { state: { best, loss: whereSlot(better, now, state.loss) }, looked, margin: now };
    },
  };
}
