import type { NdArray } from "../core/mod.ts";
import { add, mul } from "../engine/mod.ts";
import { checkSpec, isCount, unusable } from "./_check_spec.ts";
import { ACTIVATIONS, type Layer, linear, plain } from "./_layers.ts";
import { network } from "./_network.ts";
import { layerNorm, patchTokens, TIMM_LINEAR, tokenOf, transformerBlock } from "./_transformer.ts";
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
 * Weights for square images of another size are taken as well, their positions resized as timm does.
 *
 * @param spec Patch, size, nonlinearity, normalisation.
 * @param shape Classes and image shape, a multiple of the patch.
 * @returns The network; its weights are "cls_token", "pos_embed", "patch_embed.proj.weight", ...,
 * "blocks.0.norm1.weight", "blocks.0.attn.qkv.weight", ..., "norm.weight", "head.weight".
 * @throws {UsageError} If the spec or the shape cannot be used.
 */
export function createVit(spec: VitSpec, shape: NetworkShape): Network {
  const fields = { kind: true, patch: true, size: true, depth: true, dim: true, heads: true, distilled: true } as const;
  checkSpec(spec, { ...fields, activation: true, mean: true, std: true }, shape, 1);
  const { patch, size = "tiny", distilled = false, activation = "gelu" } = spec;
  if (!Object.hasOwn(SIZES, size)) throw unusable(spec, "size", `use one of ${Object.keys(SIZES).join(", ")}`);
  const { depth, dim, heads } = { ...SIZES[size], ...spec };
  for (const [field, value] of Object.entries({ depth, dim, heads })) {
    if (!isCount(value)) throw unusable(spec, field, "it needs an integer of 1 or more");
  }
  if (dim % heads !== 0) throw unusable(spec, "heads", `it needs a divisor of dim, which is ${dim}`);
  if (typeof distilled !== "boolean") throw unusable(spec, "distilled", "it needs true or false");
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
  const made = network(
    spec,
    shape,
    patchTokens({ patch, inputShape, dim, prefix }),
    ...Array.from({ length: depth }, (_, i) => transformerBlock(`blocks.${i}`, block)),
    layerNorm("norm", dim),
    head(dim, classes, distilled),
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
function head(dim: number, classes: number, distilled: boolean): Layer {
  const ofClass = linear("head", dim, classes, TIMM_LINEAR);
  if (!distilled) return { ...ofClass, apply: (x, context) => ofClass.apply(tokenOf(x, 0), context) };
  const ofTeacher = linear("head_dist", dim, classes, TIMM_LINEAR);
  return {
    declares: [...ofClass.declares, ...ofTeacher.declares],
    apply: (x, context) =>
      mul(add(ofClass.apply(tokenOf(x, 0), context), ofTeacher.apply(tokenOf(x, 1), context)), 0.5),
  };
}
