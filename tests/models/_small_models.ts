import { float32, type NdArray } from "../../lib/core/mod.ts";
import { mul, neg, oneHot, square, sum, valueAndGrad } from "../../lib/engine/mod.ts";
import { logSoftmax, type Tensor } from "../../lib/engine/mod.ts";
import type { Mode, Model, ModelSpec, Weights } from "../../lib/models/mod.ts";

/** The smallest spec of every kind, with a smooth nonlinearity; a new kind without an entry does not compile. */
export const SMALL: { readonly [K in ModelSpec["kind"]]: Extract<ModelSpec, { readonly kind: K }> } = {
  mlp: { kind: "mlp", hidden: [6, 5], activation: "tanh" },
  cnn: { kind: "cnn", width: 2, activation: "softplus", mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] },
  resnet: { kind: "resnet", depth: 8, width: 2, activation: "softplus" },
  resnet18: { kind: "resnet18", width: 2, blocks: [1, 1, 1, 1], activation: "softplus" },
  resnet34: { kind: "resnet34", width: 2, blocks: [1, 2, 1, 1], activation: "softplus" },
  resnet50: { kind: "resnet50", width: 2, blocks: [1, 1, 1, 1], activation: "softplus" },
  "wide_resnet50_2": { kind: "wide_resnet50_2", width: 3, blocks: [1, 1, 1, 1], activation: "softplus" },
  "preact_resnet18": { kind: "preact_resnet18", width: 2, blocks: [1, 1, 1, 1], activation: "softplus" },
  "mobilenet_v2": {
    kind: "mobilenet_v2",
    width: 0.25,
    stages: [[1, 8, 1, 1], [2, 8, 2, 1], [2, 12, 1, 2]],
    activation: "softplus",
  },
  "mobilenet_v2_cifar": {
    kind: "mobilenet_v2_cifar",
    width: 0.0625,
    stages: [[1, 32, 1, 1], [2, 48, 2, 1], [2, 64, 1, 2]],
    activation: "softplus",
  },
  "wide_resnet": { kind: "wide_resnet", depth: 10, widen: 2, width: 2, activation: "softplus" },
  vit: { kind: "vit", patch: 2, depth: 2, dim: 8, heads: 2, distilled: true },
};

/** What the small models are made for. */
export const SHAPE = { classes: 3, inputShape: [8, 10, 3] } as const;

/** Inputs of the traced functions below. */
export interface Point {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Gradient of the summed cross-entropy with respect to the pixels. */
export function inputGradient(model: Model, mode: Mode, { weights, x, y }: Point): { logits: Tensor; grad: Tensor } {
  const { grad, aux } = valueAndGrad((x: Tensor) => {
    const logits = mode === "train" ? model.trainLogits(weights, x) : model.logits(weights, x);
    const value = neg(sum(mul(oneHot(y, model.classes), logSoftmax(logits))));
    return { value, aux: { logits } };
  }, x);
  return { logits: aux.logits, grad };
}

/** Sum of the squares of the input gradient, and its gradient with respect to the parameters. */
export function secondOrder(model: Model, mode: Mode, { weights, x, y }: Point): { value: Tensor; grad: object } {
  return valueAndGrad((parameters: Weights<Tensor>["parameters"]) => {
    const { grad } = inputGradient(model, mode, { weights: { ...weights, parameters }, x, y });
    return { value: sum(square(grad)) };
  }, weights.parameters);
}

/** All parameters moved by h along a direction. */
export function moved(
  weights: Weights<NdArray>,
  direction: Readonly<Record<string, Float32Array>>,
  h: number,
): Weights<NdArray> {
  const move = ([name, { shape, data }]: [string, NdArray]) =>
    [name, float32(shape, Float32Array.from(data, (value, i) => value + h * direction[name]![i]!))] as const;
  return { ...weights, parameters: Object.fromEntries(Object.entries(weights.parameters).map(move)) };
}

/** Asserts |a - b| <= absolute + relative * max|b| for all elements, and equal lengths. */
export function assertClose(a: ArrayLike<number>, b: ArrayLike<number>, relative: number, absolute: number, what = "") {
  if (a.length !== b.length) throw new Error(`${what}: ${a.length} numbers where ${b.length} were expected`);
  const scale = Array.from(b).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let i = 0; i < a.length; i++) {
    if (!(Math.abs(a[i]! - b[i]!) <= absolute + relative * scale)) {
      throw new Error(`${what}: element ${i} is ${a[i]} where ${b[i]} was expected (largest ${scale})`);
    }
  }
}
