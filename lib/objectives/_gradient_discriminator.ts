import { float32, type NdArray, type Rng } from "../core/mod.ts";
import { add, batchNorm2d, conv2d, matMul, maximum, mean, mul, reshape, sub, type Tensor } from "../engine/mod.ts";
import { unitRows } from "./_unit_rows.ts";
import type { IgamDiscriminator } from "./igam.ts";

/** Size of a discriminator of gradient maps. */
type DiscriminatorFields = Pick<IgamDiscriminator, "layers" | "channels">;

/**
 * First weights of a discriminator: filters from N(0, 2 / (16 channels out)), the matrix uniform in
 * +-sqrt(3 / features), offsets 0, scales 1.
 */
export function initDiscriminator(
  { layers, channels }: DiscriminatorFields,
  [height, width, depth]: readonly [number, number, number],
  rng: Rng,
): Record<string, NdArray<"float32">> {
  const weights: Record<string, NdArray<"float32">> = {};
  let [h, w, inputs] = [height, width, depth];
  for (let layer = 0; layer < layers && Math.min(h, w) > 1; layer++) {
    const outputs = channels * 2 ** layer;
    const filter = [4, 4, inputs, outputs];
    const std = Math.sqrt(2 / (16 * outputs));
    weights[`conv${layer}.weight`] = float32(filter, rng.child("conv", layer).normal(filter, 0, std));
    weights[`bn${layer}.weight`] = float32([outputs], new Array(outputs).fill(1));
    weights[`bn${layer}.bias`] = float32([outputs]);
    [h, w, inputs] = [Math.floor(h / 2), Math.floor(w / 2), outputs];
  }
  const features = h * w * inputs;
  const bound = Math.sqrt(3 / features);
  weights["fc.weight"] = float32([features, 2], rng.child("fc").uniform([features, 2], -bound, bound));
  weights["fc.bias"] = float32([2]);
  return weights;
}

/**
 * Logits of (from the student, from the teacher) of gradient maps [N, H, W, C]: each brought to mean 0 and length 1, then
 * convolutions, each with batch normalisation by the statistics of these maps and a ReLU of slope 0.1, then a matrix.
 *
 * Source: Chan, Tay, Ong (2020), section 3, and its released code (model_new.py, IgamConvDiscriminatorModel).
 * Differs from it in no offsets in the convolutions, which the normalisation takes away again.
 */
export function discriminate(weights: Readonly<Record<string, Tensor>>, gradients: Tensor): Tensor {
  const [batch, ...shape] = gradients.shape;
  const rows = reshape(gradients, [batch!, -1]);
  let x = reshape(unitRows(sub(rows, mean(rows, 1, true))), [batch!, ...shape]);
  for (let layer = 0; weights[`conv${layer}.weight`] !== undefined; layer++) {
    const convolved = conv2d(x, weights[`conv${layer}.weight`]!, 2, 1);
    const { y } = batchNorm2d(convolved, weights[`bn${layer}.weight`]!, weights[`bn${layer}.bias`]!, 1e-3);
    x = maximum(y, mul(y, 0.1));
  }
  return add(matMul(reshape(x, [batch!, -1]), weights["fc.weight"]!), weights["fc.bias"]!);
}
