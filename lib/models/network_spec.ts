import type { NdArray } from "../core/mod.ts";
import type { Model, Weights } from "./model.ts";

/** Elementwise nonlinearity: max(x, 0), at most 6 of it, log(1 + e^x), tanh, or GELU, exact or by the tangent. */
export type ActivationName = "relu" | "relu6" | "softplus" | "tanh" | "gelu" | "geluTanh";

/** What the spec of every kind of network may say. */
export interface NetworkSpec {
  /** Nonlinearity between the layers. @default {"relu"; "relu6" for mobilenet_v2, "gelu" for vit} */
  readonly activation?: ActivationName;
  /** Mean per channel, in pixels in [0,1], that the network subtracts first. @default {zeros} */
  readonly mean?: readonly number[];
  /** Standard deviation per channel, in pixels in [0,1], that the network then divides by. @default {ones} */
  readonly std?: readonly number[];
}

/** What a network is made for: the images that go in, the classes that come out. */
export interface NetworkShape {
  /** Number of classes. */
  readonly classes: number;
  /** Shape of one image: [height, width, channels]. */
  readonly inputShape: readonly [number, number, number];
}

/** A model that tells the names and shapes of its weights. */
export interface Network extends Model {
  /** Shape of every parameter and buffer by its PyTorch name, in PyTorch's order, in the layouts of this library. */
  readonly shapes: Weights<readonly number[]>;
  /** Fits the weights of a file, in PyTorch's layouts, where they are those of the same network for other images. */
  readonly adapt?: (tensors: Readonly<Record<string, NdArray>>) => Readonly<Record<string, NdArray>>;
}
