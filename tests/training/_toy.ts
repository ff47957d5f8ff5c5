import { rng } from "../../lib/core/mod.ts";
import type { Dataset } from "../../lib/data/mod.ts";
import type { EpochEvent, TrainEvent, TrainOptions } from "../../lib/training/mod.ts";
import { createModel, freeze } from "../../lib/models/mod.ts";

const SHAPE = { classes: 2, inputShape: [4, 4, 1] } as const;

/** 20 images of 4 x 4 x 1: the upper half is brighter in class 0, the lower in class 1. */
export const TOY: Dataset = {
  name: "toy",
  classes: ["up", "down"],
  imageShape: SHAPE.inputShape,
  ids: Int32Array.from({ length: 20 }, (_, i) => 100 + i),
  images: Uint8Array.from(rng(1, "toy").uniform(20 * 16), (u, at) => {
    const [image, pixel] = [Math.floor(at / 16), at % 16];
    return 60 + 60 * u + (image % 2 === Math.floor(pixel / 8) ? 90 : 0);
  }),
  labels: Int32Array.from({ length: 20 }, (_, i) => i % 2),
};

/** A small network with batch norm. */
export const CNN = createModel({ kind: "cnn", width: 2 }, SHAPE);

/** A small network without. */
export const MLP = createModel({ kind: "mlp", hidden: [6], activation: "tanh" }, SHAPE);

/** A teacher that knows nothing: what matters is that it is not the student. */
export const TEACHER = freeze(MLP, MLP.init(rng(9, "teacher")));

/** Natural training of the MLP: 3 epochs of 2 steps of 8 images. */
export const NATURAL: TrainOptions = {
  name: "natural",
  model: MLP,
  objective: { kind: "natural" },
  optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 1e-3 },
  schedule: { kind: "cosine", peak: 0.1 },
  epochs: 3,
  batchSize: 8,
  seed: 1,
  dataset: TOY,
};

/**
 * All events of a training but for those of its epochs, whose weights are gone when the next event comes; the time that
 * steps waited for images, which differs, is 0.
 */
export async function collect(events: AsyncGenerator<TrainEvent>): Promise<Exclude<TrainEvent, EpochEvent>[]> {
  const all = await Array.fromAsync(events);
  return all.filter((event) => event.kind !== "epoch").map((event) =>
    event.kind === "step" ? { ...event, waited: 0 } : event
  );
}
