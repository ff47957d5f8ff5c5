import { DISPLAY, type Displayable, type NdArray, type Rng, withDisplay } from "../core/mod.ts";
import type { Leaf, Tensor } from "../engine/mod.ts";

/** The weights of a network: what is trained, and the running statistics, by their PyTorch names. */
export interface Weights<T> {
  /** Trained parameters: "conv1.weight" [KH, KW, I, O], "fc.weight" [in, out], "bn1.weight" [C], ... */
  readonly parameters: Readonly<Record<string, T>>;
  /** Running statistics: "bn1.running_mean" [C], "bn1.running_var" [C]. */
  readonly buffers: Readonly<Record<string, T>>;
}

/** "train": batch norm uses and updates batch statistics; "eval": it uses the running ones. */
export type Mode = "train" | "eval";

/** A network as a pure function of its weights. */
export interface Model {
  /** Number of classes. */
  readonly classes: number;
  /** Shape of one image: [height, width, channels]. */
  readonly inputShape: readonly [number, number, number];
  /** First weights: PyTorch's defaults, torchvision's for the ResNets; the same Rng gives the same bits. */
  readonly init: (rng: Rng) => Weights<NdArray>;
  /**
   * Forward pass, traced.
   *
   * @param weights The weights.
   * @param x Pixels in [0,1], [B, H, W, C]; normalisation happens inside.
   * @param mode Batch statistics or running ones.
   * @param noise In "train": what {@linkcode Model.noise} has drawn for each image [B, n]; nothing is dropped without it.
   * @returns logits [B, classes], and the running statistics after this pass (unchanged in "eval"), through which no
   * gradient flows and which may be handed out of a differentiated function.
   */
  readonly apply: (weights: Weights<Tensor>, x: Tensor, mode: Mode, noise?: Tensor) => {
    readonly logits: Tensor;
    readonly buffers: Readonly<Record<string, Tensor>>;
  };
  /** `apply` in "eval" mode, logits alone: one function per model, so that compiled programs can be kept by it. */
  readonly logits: (weights: Weights<Tensor>, x: Tensor) => Tensor;
  /** `apply` in "train" mode, logits alone, nothing dropped; for inner attacks on a student in training mode. */
  readonly trainLogits: (weights: Weights<Tensor>, x: Tensor) => Tensor;
  /**
   * Of a network that drops parts of itself in training: the n uniform numbers in [0, 1) that decide it for an image.
   *
   * @default none: nothing is dropped
   */
  readonly noise?: (rng: Rng) => Float32Array;
}

/** A network to be asked for logits: a traced function, and the weights to call it with. */
export interface Classifier {
  /** Number of classes. */
  readonly classes: number;
  /** Shape of one image: [height, width, channels]. */
  readonly inputShape: readonly [number, number, number];
  /**
   * Traced: weights and pixels in [0,1] [B, H, W, C] -> logits [B, classes]. Its identity keys compiled programs. One
   * with random outputs is given what {@linkcode Classifier.noise} has drawn, each array with the axis of images in
   * front; it must not draw.
   */
  readonly logits: (weights: Weights<Tensor>, x: Tensor, noise?: readonly Tensor[]) => Tensor;
  /** The weights; their owner disposes of them. */
  readonly weights: Weights<Leaf>;
  /**
   * Of a classifier with random outputs: what one forward pass of one image depends on beside its pixels, drawn on the
   * host from a stream of that pass; always of the same shapes, without the axis of images.
   *
   * @default none: the same pixels give the same logits
   */
  readonly noise?: (rng: Rng) => readonly NdArray[];
  /**
   * Of a classifier with random outputs: draws over which it is judged; the standard error of a mean probability is at
   * most 1 / (2 sqrt(draws)). @default {64}
   */
  readonly draws?: number;
}

/** A model in evaluation mode with given weights. A notebook shows it as it shows the model. */
export function freeze(model: Model & Partial<Displayable>, weights: Weights<Leaf>): Classifier {
  const { classes, inputShape, logits } = model;
  const show = model[DISPLAY];
  const classifier = { classes, inputShape, logits, weights };
  return show === undefined ? classifier : withDisplay(classifier, show);
}
