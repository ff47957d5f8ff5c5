import { float32, rng } from "../../lib/core/mod.ts";
import type { Dataset } from "../../lib/data/mod.ts";
import { add, type Engine, matMul, reshape, tanh, type Tensor } from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";

const logits = ({ parameters }: Weights<Tensor>, x: Tensor): Tensor =>
  matMul(tanh(add(matMul(reshape(x, [x.shape[0]!, -1]), parameters.w1!), parameters.b1!)), parameters.w2!);

/** A random network 2x2x1 -> 8 tanh -> 3 classes. */
export function network(seed = 1): Classifier {
  return {
    classes: 3,
    inputShape: [2, 2, 1],
    logits,
    weights: {
      parameters: {
        w1: float32([4, 8], rng(seed, "w1").normal(32, 0, 1.5)),
        b1: float32([8], rng(seed, "b1").normal(8, 0, 0.5)),
        w2: float32([8, 3], rng(seed, "w2").normal(24)),
      },
      buffers: {},
    },
  };
}

/** Random bytes; labels as the network gives them, but for every fifth image. */
export async function imagesFor(engine: Engine, classifier: Classifier, count: number): Promise<Dataset> {
  const images = Uint8Array.from(rng(2, "images").integers(4 * count, 256));
  const program = engine.compile(({ weights, x }: { weights: Weights<Tensor>; x: Tensor }) =>
    classifier.logits(weights, x)
  );
  const x = float32([count, 2, 2, 1], Array.from(images, (byte) => byte / 255));
  const z = (await engine.read(await program({ weights: classifier.weights, x }))).data;
  const labels = Int32Array.from({ length: count }, (_, i) => {
    const row = Array.from(z.slice(3 * i, 3 * i + 3));
    return (row.indexOf(Math.max(...row)) + (i % 5 === 4 ? 1 : 0)) % 3;
  });
  return {
    name: "random test",
    classes: ["a", "b", "c"],
    imageShape: [2, 2, 1],
    ids: Int32Array.from({ length: count }, (_, i) => 1000 + 7 * i),
    images,
    labels,
  };
}
