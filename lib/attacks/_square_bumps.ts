import { float32, int32, type Rng } from "../core/mod.ts";
import {
  abs,
  add,
  broadcastTo,
  cast,
  clip,
  constant,
  div,
  equal,
  matMul,
  maximum,
  mul,
  oneHot,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../engine/mod.ts";
import { margin } from "../losses/mod.ts";
import { type ImageShape, noState, type SquareMachine, taken } from "./_square_state.ts";
import { bump, place, signOf } from "./_square_windows.ts";
import { whereSlot } from "./slot_attack.ts";
import { project } from "./threat_model.ts";

/** Tiles of the start in each direction. */
const TILES = 5;

/** What a trial starts from. */
interface Start {
  /** Tiles with a bump each; its length is that of the ball after the projection [H, W, C]. */
  readonly start: Tensor;
}

/** What a query changes: the first window gets a bump, the second is emptied. */
interface Change {
  /** 1 in the rows of a window, 0 elsewhere [2, H]. */
  readonly rows: Tensor;
  /** 1 in the columns of a window, 0 elsewhere [2, W * C]. */
  readonly columns: Tensor;
  /** First row and first column of the first window [2]. */
  readonly corner: Tensor;
  /** Row of the table of bumps [], int32. */
  readonly bump: Tensor;
  /** Sign of the bump in every channel [C]. */
  readonly signs: Tensor;
}

/**
 * The square attack in L2 and L1, on images. With d the perturbation of the best image and r what is left of the radius,
 * a query replaces d in the first window by b (s eta + d / |d|), in which every channel's length is chosen to spend
 * what the windows held and its share of r, sets d to 0 in the rest of the second window, and brings the result to the
 * ball: for L2 by scaling it to the radius, for L1 by projection.
 *
 * @param norm Norm of the ball.
 * @param shape Shape of the images.
 * @param sizes Side of the windows of every query after the first.
 * @param draws Stream of the attack.
 * @returns The part of the attack that depends on the norm.
 */
export function bumpSquares(
  norm: "L2" | "L1",
  shape: ImageShape,
  sizes: readonly number[],
  draws: Rng,
): SquareMachine<Start, Change> {
  const { height, width, channels } = shape;
  const distinct = [...new Set(sizes)];
  const side = Math.max(1, ...distinct);
  const bumps = bumpTable(distinct, side, norm);
  const measure = MEASURE[norm];
  return {
    key: `square ${norm} ${distinct}`,
    state: noState,
    trial: ({ id, trial }) => ({ start: tiles(shape, norm, draws.child(id, trial, 0)) }),
    feeds: ({ id, trial, step }) => {
      const rows = float32([2, height]);
      const columns = float32([2, width * channels]);
      const corner = float32([2]);
      const size = sizes[step - 1];
      // At step 0 the start is looked at, whatever the windows are.
      if (size === undefined) return { rows, columns, corner, bump: int32([]), signs: float32([channels]) };
      const [turned, ...draw] = draws.child(id, trial, step).uniform(5 + channels);
      for (const window of [0, 1]) {
        const top = place(draw[2 * window]!, size, height);
        const left = place(draw[2 * window + 1]!, size, width);
        rows.data.fill(1, window * height + top, window * height + top + size);
        columns.data.fill(1, (window * width + left) * channels, (window * width + left + size) * channels);
        if (window === 0) corner.data.set([top, left]);
      }
      const kind = 2 * distinct.indexOf(size) + (turned! < 0.5 ? 0 : 1);
      return { rows, columns, corner, bump: int32([], [kind]), signs: float32([channels], draw.slice(4).map(signOf)) };
    },
    step: ({ logits, x, y, fresh, eps, state, trial, feeds }) => {
      // Images as [B, H, W * C]: products of rows and columns, and sums over rows, are fast in it.
      const [slots, height, width, channels] = x.shape as [number, number, number, number];
      const flat = [slots, height, width * channels];
      /** Sums over the pixels of a channel [B, C]. */
      const perChannel = (each: Tensor): Tensor => sum(reshape(sum(each, 1), [slots, width, channels]), 1);
      const lengths = (d: Tensor): Tensor => measure.root(perChannel(measure.power(d)));
      /** A number per channel for every column [B, 1, W * C]. */
      const spread = (each: Tensor): Tensor =>
        reshape(broadcastTo(reshape(each, [slots, 1, channels]), [slots, width, channels]), [slots, 1, -1]);
      const window = (k: number): Tensor =>
        mul(
          reshape(slice(feeds.rows, [0, k, 0], [slots, 1, height]), [slots, height, 1]),
          slice(feeds.columns, [0, k, 0], [slots, 1, width * channels]),
        );
      const first = window(0);
      const both = maximum(first, window(1));
      const d = reshape(sub(state.best, x), flat);
      const left = measure.left(eps, measure.root(sum(measure.power(d), [1, 2])));
      const held = lengths(mul(d, both));
      const old = mul(d, first);
      const eta = bumpAt(feeds, constant(bumps), side, { height, width, channels });
      const direction = add(eta, mul(old, spread(div(1, add(lengths(old), TINY)))));
      const spent = measure.spent(held, reshape(left, [slots, 1]), channels);
      const moved = mul(direction, spread(div(spent, add(lengths(direction), TINY))));
      const changed = reshape(add(sub(d, mul(d, both)), moved), x.shape);
      const looked = measure.toBall(whereSlot(fresh, trial.start, changed), x, eps);
      const now = margin(logits(looked), y);
      const better = taken(now, state.loss, fresh);
      return {
        state: { best: whereSlot(better, looked, state.best), loss: whereSlot(better, now, state.loss) },
        looked,
        margin: now,
      };
    },
  };
}

/** Avoids 0/0 where a window is empty. */
const TINY = 1e-12;

/** What is measured and spent in a norm. */
interface Measure {
  /** Terms whose sum's root is the length. */
  readonly power: (d: Tensor) => Tensor;
  readonly root: (sum: Tensor) => Tensor;
  /** What an image of some length has left of its radius, as a power. */
  readonly left: (eps: Tensor, length: Tensor) => Tensor;
  /** Length of the new window of a channel: what its windows held, and its share of what the image has left. */
  readonly spent: (held: Tensor, left: Tensor, channels: number) => Tensor;
  readonly toBall: (d: Tensor, x: Tensor, eps: Tensor) => Tensor;
}

const MEASURE: { readonly [N in "L2" | "L1"]: Measure } = {
  L2: {
    power: (d) => square(d),
    root: (sum) => sqrt(sum),
    left: (eps, length) => maximum(sub(square(eps), square(length)), 0),
    spent: (held, left, channels) => sqrt(add(div(left, channels), square(held))),
    toBall: (d, x, eps) => {
      const length = sqrt(sum(square(d), [1, 2, 3], true));
      return clip(add(x, mul(d, div(eps, add(length, TINY)))), 0, 1);
    },
  },
  L1: {
    power: (d) => abs(d),
    root: (sum) => sum,
    left: (eps, length) => maximum(sub(eps, length), 0),
    spent: (held, left, channels) => add(left, mul(held, channels)),
    toBall: (d, x, eps) => project(add(x, d), x, "L1", eps),
  },
};

/** Every bump and, after it, the same turned by a reflection, in the upper left corner of side x side pixels. */
function bumpTable(sizes: readonly number[], side: number, norm: "L2" | "L1") {
  const table = float32([2 * sizes.length, side * side]);
  sizes.forEach((size, k) => {
    const plain = table.data.subarray(2 * k * side * side);
    const turned = table.data.subarray((2 * k + 1) * side * side);
    bump(size, norm).forEach((value, i) => {
      const [row, column] = [Math.floor(i / size), i % size];
      plain[row * side + column] = value;
      turned[column * side + row] = value;
    });
  });
  return table;
}

/**
 * The bump of every slot in its window, with its signs, traced [B, H, W * C]: rows and columns are put in place by
 * products.
 */
function bumpAt(
  { bump, corner, signs }: Change,
  bumps: Tensor,
  side: number,
  { height, width, channels }: ImageShape,
): Tensor {
  const slots = corner.shape[0]!;
  const pattern = reshape(matMul(oneHot(bump, bumps.shape[0]!), bumps), [slots, side, side]);
  const placement = (axis: number, length: number): Tensor => {
    const offset = float32([1, length, side], Array.from({ length: length * side }, (_, i) => at(i, side)));
    const start = reshape(slice(corner, [0, axis], [slots, 1]), [slots, 1, 1]);
    return cast(equal(constant(offset), start), "float32");
  };
  const columns = mul(
    reshape(placement(1, width), [slots, width, 1, side]),
    reshape(signs, [slots, 1, channels, 1]),
  );
  const rows = matMul(placement(0, height), pattern);
  return matMul(rows, reshape(columns, [slots, width * channels, side]), false, true);
}

/** Pixel i / side of the image is element i % side of a window that starts at their difference. */
function at(i: number, side: number): number {
  return Math.floor(i / side) - i % side;
}

/** The start: 5 x 5 tiles (fewer in smaller images) around the centre, each with a bump, turned or not, of random signs. */
function tiles({ height, width, channels }: ImageShape, norm: "L2" | "L1", stream: Rng) {
  const size = Math.max(1, Math.floor(Math.min(height, width) / TILES));
  const [down, across] = [Math.min(TILES, height), Math.min(TILES, width)];
  const top = Math.floor((height - down * size) / 2);
  const left = Math.floor((width - across * size) / 2);
  const pattern = bump(size, norm);
  const start = float32([height, width, channels]);
  const draw = stream.uniform(down * across * (1 + channels));
  for (let tile = 0; tile < down * across; tile++) {
    const [turned, ...signs] = draw.subarray(tile * (1 + channels), (tile + 1) * (1 + channels));
    pattern.forEach((value, i) => {
      const [a, b] = [Math.floor(i / size), i % size];
      const row = top + Math.floor(tile / across) * size + (turned! < 0.5 ? a : b);
      const column = left + (tile % across) * size + (turned! < 0.5 ? b : a);
      signs.forEach((u, c) => start.data[(row * width + column) * channels + c] = signOf(u) * value);
    });
  }
  return start;
}
