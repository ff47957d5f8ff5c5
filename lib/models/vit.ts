import type { NdArray } from "../core/mod.ts";
import { mul } from "../engine/mod.ts";
import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, type Layer, linear, plain, residual, sequence } from "./_layers.ts";
import { network } from "./_network.ts";
import { drop, layerNorm, patchTokens, TIMM_LINEAR, tokenOf, transformerBlock } from "./_transformer.ts";
import { resizePositions } from "./resize_positions.ts";
import type { Network, NetworkShape, NetworkSpec } from "./network_spec.ts";

/** Vision transformer: ViT and DeiT. */
export interface VitSpec extends NetworkSpec {
  /** Discriminates the union of model specs. */
  readonly kind: "vit";
  /** Height and width of a patch, in pixels: 16 for images of 224x224, 4 for 32x32. */
  readonly patch: number;
  /** Depth, length of tokens and heads by name. @default {"tiny"} */
  readonly size?: VitSize;
  /** Blocks. @default {12} */
  readonly depth?: number;
  /** Length of a token. @default {192, 384 or 768 by size} */
  readonly dim?: number;
  /** Heads of the attention, a divisor of `dim`. @default {3, 6 or 12 by size} */
  readonly heads?: number;
  /** A second token and a second linear layer, for DeiT's distillation. @default {false} */
  readonly distilled?: boolean;
  /** Probability that a number before the last linear layer is dropped in training, timm's drop_rate. @default {0} */
  readonly dropout?: number;
  /** Probability that a branch of the last block is dropped in training; it grows evenly from 0. @default {0} */
  readonly dropPath?: number;
}

/** Sizes of vision transformers by name. */
export type VitSize = "tiny" | "small" | "base";

const SIZES: { readonly [K in VitSize]: { readonly depth: number; readonly dim: number; readonly heads: number } } = {
  tiny: { depth: 12, dim: 192, heads: 3 },
  small: { depth: 12, dim: 384, heads: 6 },
  base: { depth: 12, dim: 768, heads: 12 },
};

/**
 * Makes a vision transformer: patches as tokens behind a class token, with learned positions; blocks of attention and of
 * two linear layers with four times the units between them, normalisation first; normalisation, and a linear layer on
 * the class token. The nonlinearity is "gelu" where none is said.
 *
 * Distilled, a second token is behind the class token, with a linear layer of its own: the logits are the mean of both
 * layers', in "train" as well, which is DeiT in evaluation and fine-tuning, not its training with hard labels of a
 * teacher.
 *
 * Source: Dosovitskiy et al., "An image is worth 16x16 words" (2021), section 3.1; Touvron et al., "Training
 * data-efficient image transformers and distillation through attention" (2021), section 4; names and first values of the
 * weights as in timm's VisionTransformer and VisionTransformerDistilled.
 *
 * What is dropped in training follows from numbers that are drawn outside (`noise`), the same for every pass of a step;
 * the tokens of a distilled network are dropped each by numbers of their own.
 *
 * Weights for square images of another size are taken as well, their positions resized as timm does.
 *
 * @param spec Patch, size, nonlinearity, normalisation.
 * @param shape Classes and image shape, a multiple of the patch.
 * @returns The network; its weights are "cls_token", "pos_embed", "patch_embed.proj.weight", ...,
 * "blocks.0.norm1.weight", "blocks.0.attn.qkv.weight", ..., "norm.weight", "head.weight".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createVit(spec: VitSpec, shape: NetworkShape): Network {
  const shared = { kind: true, activation: true, mean: true, std: true } as const;
  const sizes = { patch: true, size: true, depth: true, dim: true, heads: true } as const;
  checkSpec(spec, { ...shared, ...sizes, distilled: true, dropout: true, dropPath: true }, shape, 1);
  const { patch, size = "tiny", distilled = false, activation = "gelu", dropout = 0, dropPath = 0 } = spec;
  if (!Object.hasOwn(SIZES, size)) throw unusable(spec, "size", `use one of ${Object.keys(SIZES).join(", ")}`);
  const { depth, dim, heads } = { ...SIZES[size], ...spec };
  for (const [field, value] of Object.entries({ depth, dim, heads })) {
    if (!isCount(value)) throw unusable(spec, field, "it needs an integer of 1 or more");
  }
  if (dim % heads !== 0) throw unusable(spec, "heads", `it needs a divisor of dim, which is ${dim}`);
  if (typeof distilled !== "boolean") throw unusable(spec, "distilled", "it needs true or false");
  for (const [field, value] of Object.entries({ dropout, dropPath })) {
    if (!(value >= 0 && value < 1)) throw unusable(spec, field, "it needs a number of 0 or more and below 1");
  }
  const { classes, inputShape } = shape;
  if (!isCount(patch) || inputShape[0] % patch !== 0 || inputShape[1] % patch !== 0) {
    throw unusable(
      spec,
      "patch",
      `it needs a divisor of height and width of the images, ${inputShape[0]}x${inputShape[1]}`,
    );
  }
  const block = { dim, heads, hidden: 4 * dim, activate: plain(ACTIVATIONS[activation]) };
  const prefix = distilled ? ["cls_token", "dist_token"] : ["cls_token"];
  const blocks = Array.from({ length: depth }, (_, i) => {
    const kept = i === depth - 1 ? prefix.length : undefined;
    return transformerBlock(`blocks.${i}`, { ...block, dropPath: dropPath * i / Math.max(1, depth - 1), kept });
  });
  const made = network(
    spec,
    shape,
    patchTokens({ patch, inputShape, dim, prefix }),
    ...blocks,
    layerNorm("norm", dim),
    head(dim, classes, distilled, dropout),
  );
  const to = [inputShape[0] / patch, inputShape[1] / patch] as const;
  return { ...made, adapt: (tensors) => fitPositions(tensors, to, prefix.length) };
}

/** Positions of a square grid of another size, resized as timm does. */
function fitPositions(
  tensors: Readonly<Record<string, NdArray>>,
  to: readonly [rows: number, columns: number],
  prefix: number,
): Readonly<Record<string, NdArray>> {
  const name = Object.keys(tensors).find((key) => /(^|\.)pos_embed$/.test(key));
  const positions = name === undefined ? undefined : tensors[name]!;
  const [, tokens = 0] = positions?.shape ?? [];
  const side = Math.sqrt(tokens - prefix);
  const isOther = tokens !== prefix + to[0] * to[1] && Number.isInteger(side) && side > 0;
  if (name === undefined || positions?.shape.length !== 3 || positions.dtype !== "float32" || !isOther) return tensors;
  return { ...tensors, [name]: resizePositions(positions, { from: [side, side], to, prefix }) };
}

/** A linear layer on the first token, or the mean of one on the first and another on the second. */
function head(dim: number, classes: number, distilled: boolean, dropout: number): Layer {
  const of = (name: string, token: number): Layer =>
    sequence(
      plain((x) => tokenOf(x, token)),
      drop(`${name}_drop`, dim, dropout),
      linear(name, dim, classes, TIMM_LINEAR),
    );
  const ofClass = of("head", 0);
  return distilled ? sequence(residual(ofClass, of("head_dist", 1)), plain((y) => mul(y, 0.5))) : ofClass;
}
