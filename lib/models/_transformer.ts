/**
 * Layers of vision transformers: each says once which weights it has, and computes with them. Tokens are [B, N, D].
 */
import type { Tensor } from "../engine/mod.ts";
import {
  add,
  broadcastTo,
  concat,
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
import { filled, linear, residual, sequence, uniformFanIn, weight } from "./_layers.ts";

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
 * Every token asks all tokens: heads of softmax(q k^T / sqrt(d)) v next to each other, times a matrix. Queries, keys and
 * values of all heads are one matrix product.
 *
 * Source: Vaswani et al., "Attention is all you need" (2017), section 3.2; weights as in timm.
 */
export function selfAttention(name: string, dim: number, heads: number): Layer {
  const qkv = linear(`${name}.qkv`, dim, 3 * dim, TIMM_LINEAR);
  const proj = linear(`${name}.proj`, dim, dim, TIMM_LINEAR);
  const depth = dim / heads;
  return {
    declares: [...qkv.declares, ...proj.declares],
    apply: (x, context) => {
      const [batch = 0, tokens = 0] = x.shape;
      const parts = split(reshape(qkv.apply(x, context), [batch * tokens, 3 * dim]), 3, 1);
      const [q, k, v] = parts.map((part): Tensor =>
        reshape(transpose(reshape(part, [batch, tokens, heads, depth]), [0, 2, 1, 3]), [batch * heads, tokens, depth])
      ) as [Tensor, Tensor, Tensor];
      const attention = softmax(mul(matMul(q, k, false, true), 1 / Math.sqrt(depth)));
      const seen = reshape(matMul(attention, v), [batch, heads, tokens, depth]);
      return proj.apply(reshape(transpose(seen, [0, 2, 1, 3]), [batch, tokens, dim]), context);
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
}

/** x + attention(norm1(x)), then x + mlp(norm2(x)): normalisation first. */
export function transformerBlock(name: string, { dim, heads, hidden, activate }: BlockSettings): Layer {
  const attention = sequence(layerNorm(`${name}.norm1`, dim), selfAttention(`${name}.attn`, dim, heads));
  const mlp = sequence(
    layerNorm(`${name}.norm2`, dim),
    linear(`${name}.mlp.fc1`, dim, hidden, TIMM_LINEAR),
    activate,
    linear(`${name}.mlp.fc2`, hidden, dim, TIMM_LINEAR),
  );
  return sequence(residual(attention, sequence()), residual(mlp, sequence()));
}

/** Token i of every image: [B, N, D] -> [B, D]. */
export function tokenOf(x: Tensor, i: number): Tensor {
  const [batch = 0, , dim = 0] = x.shape;
  return reshape(slice(x, [0, i, 0], [batch, 1, dim]), [batch, dim]);
}
