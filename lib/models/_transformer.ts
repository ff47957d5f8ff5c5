/**
 * Layers of vision transformers: each says once which weights it has, and computes with them. Tokens are [B, N, D].
 */
import type { Tensor } from "../engine/mod.ts";
import {
  add,
  broadcastTo,
  cast,
  concat,
  greaterEqual,
  matMul,
  mul,
  normaliseRows,
  reshape,
  slice,
  softmax,
  split,
  transpose,
} from "../engine/mod.ts";
import type { Declaration, Initialiser, Layer } from "./_layers.ts";
import { filled, linear, plain, residual, sequence, uniformFanIn, weight } from "./_layers.ts";

/** N(0, s^2). PyTorch's trunc_normal_ of timm cuts at 100 s and more, which is never. */
export function normalOf(std: number): Initialiser {
  return (rng, shape) => rng.normal(shape, 0, std);
}

/** What timm's linear layers begin with: N(0, 0.02^2), and biases of 0. */
export const TIMM_LINEAR = { init: normalOf(0.02), biasInit: filled(0) } as const;

/** Added to variances, timm's default for vision transformers. */
const EPSILON = 1e-6;

/** (x - mean) / sqrt(variance + 1e-6) * gamma + beta over the last axis. */
export function layerNorm(name: string, dim: number): Layer {
  const declare = (field: string, value: number): Declaration => (
    { role: "parameters", name: `${name}.${field}`, shape: [dim], init: filled(value) }
  );
  const gamma = declare("weight", 1);
  const beta = declare("bias", 0);
  return {
    declares: [gamma, beta],
    apply: (x, context) => add(mul(normaliseRows(x, EPSILON), weight(context, gamma)), weight(context, beta)),
  };
}

/**
 * In training, each of `count` parts of the last axis becomes 0 with a probability `rate`, or is divided by 1 - rate; one
 * part is all of an image. [B, ..., D] -> the same, D = count or count = 1.
 *
 * Source: Srivastava et al., "Dropout" (2014), section 10, scaled in training; Huang et al., "Deep networks with
 * stochastic depth" (2016), for whole branches, scaled as timm's drop_path.
 */
export function drop(name: string, count: number, rate: number): Layer {
  if (rate === 0) return { declares: [], apply: (x) => x };
  return {
    declares: [],
    draws: [{ name, count }],
    apply: (x, { noise }) => {
      const numbers = noise?.[name];
      if (numbers === undefined) return x;
      const kept = mul(cast(greaterEqual(numbers, rate), "float32"), 1 / (1 - rate));
      return mul(x, reshape(kept, [x.shape[0]!, ...Array(x.rank - 2).fill(1), count]));
    },
  };
}

/** What {@linkcode patchTokens} makes tokens of. */
export interface PatchSettings {
  /** Height and width of a patch. */
  readonly patch: number;
  /** Shape of one image: [height, width, channels]; a multiple of the patch. */
  readonly inputShape: readonly [number, number, number];
  /** Length of a token. */
  readonly dim: number;
  /** Tokens before those of the patches, by the names of their weights: "cls_token". */
  readonly prefix: readonly string[];
}

/**
 * Images as tokens: [B, H, W, C] -> [B, prefix + H W / P^2, dim]. A patch times a matrix, which is a convolution with a
 * filter and a stride of P; learned tokens before; a learned position added to each.
 *
 * Source: Dosovitskiy et al., "An image is worth 16x16 words" (2021), equation 1.
 */
export function patchTokens({ patch, inputShape: [height, width, channels], dim, prefix }: PatchSettings): Layer {
  const rows = height / patch;
  const columns = width / patch;
  const pixels = patch * patch * channels;
  const declare = (name: string, shape: number[], init: Initialiser): Declaration => (
    { role: "parameters", name, shape, init }
  );
  const [first, ...others] = prefix.map((name) =>
    declare(name, [1, 1, dim], normalOf(name === "cls_token" ? 1e-6 : 0.02))
  );
  const tokens = [first!, ...others];
  const positions = declare("pos_embed", [1, prefix.length + rows * columns, dim], normalOf(0.02));
  const filter = declare("patch_embed.proj.weight", [patch, patch, channels, dim], uniformFanIn(pixels));
  const bias = declare("patch_embed.proj.bias", [dim], uniformFanIn(pixels));
  return {
    declares: [first!, positions, ...others, filter, bias],
    apply: (x, context) => {
      const batch = x.shape[0]!;
      const grid = transpose(reshape(x, [batch, rows, patch, columns, patch, channels]), [0, 1, 3, 2, 4, 5]);
      const matrix = reshape(weight(context, filter), [pixels, dim]);
      const patches = add(matMul(reshape(grid, [batch * rows * columns, pixels]), matrix), weight(context, bias));
      const before = tokens.map((token) => broadcastTo(weight(context, token), [batch, 1, dim]));
      const all = concat([...before, reshape(patches, [batch, rows * columns, dim])], 1);
      return add(all, weight(context, positions));
    },
  };
}

/**
 * Tokens ask all tokens: heads of softmax(q k^T / sqrt(d)) v next to each other, times a matrix. Queries, keys and values
 * of all heads are one matrix product.
 *
 * Source: Vaswani et al., "Attention is all you need" (2017), section 3.2; weights as in timm.
 *
 * @param name Prefix of the names of its weights.
 * @param dim Length of a token.
 * @param heads Heads, a divisor of it.
 * @param asking How many tokens ask, the first ones, which are then the outputs; all where omitted.
 */
export function selfAttention(name: string, dim: number, heads: number, asking?: number): Layer {
  const qkv = linear(`${name}.qkv`, dim, 3 * dim, TIMM_LINEAR);
  const proj = linear(`${name}.proj`, dim, dim, TIMM_LINEAR);
  const depth = dim / heads;
  const [matrix, bias] = qkv.declares as [Declaration, Declaration];
  const byHead = (x: Tensor, batch: number): Tensor => {
    const tokens = x.shape[0]! / batch;
    return reshape(transpose(reshape(x, [batch, tokens, heads, depth]), [0, 2, 1, 3]), [batch * heads, tokens, depth]);
  };
  return {
    declares: [...qkv.declares, ...proj.declares],
    apply: (x, context) => {
      const [batch = 0, tokens = 0] = x.shape;
      const count = asking ?? tokens;
      /** Parts `from` and later of queries, keys and values. */
      const project = (x: Tensor, from: number, parts: number): Tensor[] => {
        const rows = reshape(x, [x.size / dim, dim]);
        const w = parts === 3
          ? weight(context, matrix)
          : slice(weight(context, matrix), [0, from * dim], [dim, parts * dim]);
        const b = parts === 3 ? weight(context, bias) : slice(weight(context, bias), [from * dim], [parts * dim]);
        return split(add(matMul(rows, w), b), parts, 1);
      };
      const [q, k, v] =
        (count === tokens ? project(x, 0, 3) : [...project(firstTokens(x, count), 0, 1), ...project(x, 1, 2)])
          .map((part) => byHead(part, batch)) as [Tensor, Tensor, Tensor];
      const attention = softmax(mul(matMul(q, k, false, true), 1 / Math.sqrt(depth)));
      const seen = reshape(matMul(attention, v), [batch, heads, count, depth]);
      return proj.apply(reshape(transpose(seen, [0, 2, 1, 3]), [batch, count, dim]), context);
    },
  };
}

/** What a block of a transformer is. */
export interface BlockSettings {
  /** Length of a token. */
  readonly dim: number;
  /** Heads of the attention. */
  readonly heads: number;
  /** Units of the hidden layer. */
  readonly hidden: number;
  /** The nonlinearity. */
  readonly activate: Layer;
  /** Probability that a branch is dropped. */
  readonly dropPath: number;
  /** How many tokens come out, the first ones: of the last block, the others would not be looked at. @default {all} */
  readonly kept?: number | undefined;
}

/** x + attention(norm1(x)), then x + mlp(norm2(x)): normalisation first. */
export function transformerBlock(name: string, settings: BlockSettings): Layer {
  const { dim, heads, hidden, activate, dropPath, kept } = settings;
  const attention = sequence(
    layerNorm(`${name}.norm1`, dim),
    selfAttention(`${name}.attn`, dim, heads, kept),
    drop(`${name}.drop_path1`, 1, dropPath),
  );
  const mlp = sequence(
    layerNorm(`${name}.norm2`, dim),
    linear(`${name}.mlp.fc1`, dim, hidden, TIMM_LINEAR),
    activate,
    linear(`${name}.mlp.fc2`, hidden, dim, TIMM_LINEAR),
    drop(`${name}.drop_path2`, 1, dropPath),
  );
  const shortcut = kept === undefined ? sequence() : plain((x) => firstTokens(x, kept));
  return sequence(residual(attention, shortcut), residual(mlp, sequence()));
}

/** [B, N, D] -> [B, count, D]. */
function firstTokens(x: Tensor, count: number): Tensor {
  const [batch = 0, , dim = 0] = x.shape;
  return slice(x, [0, 0, 0], [batch, count, dim]);
}

/** Token i of every image: [B, N, D] -> [B, D]. */
export function tokenOf(x: Tensor, i: number): Tensor {
  const [batch = 0, , dim = 0] = x.shape;
  return reshape(slice(x, [0, i, 0], [batch, 1, dim]), [batch, dim]);
}
