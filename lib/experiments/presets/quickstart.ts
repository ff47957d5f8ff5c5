import type { Experiment, NetworkExperiment } from "../experiment.ts";

const network = {
  model: { kind: "cnn", width: 16 },
  optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 5e-4, nesterov: true },
  schedule: { kind: "oneCycle", peak: 0.1 },
  epochs: 8,
  batchSize: 64,
} as const satisfies Partial<NetworkExperiment>;

/**
 * The main result in a minute, on drawn images: a robust teacher, and students by natural training, knowledge
 * distillation and KDIGA.
 *
 * Command: `deno task quickstart`. Time: about a minute on two cores. Published numbers: none, the data are our own.
 */
export const quickstart: Experiment = {
  name: "quickstart",
  seed: 1,
  data: { kind: "shapes", seed: 1, train: 3000, test: 500, size: 16 },
  teacher: {
    ...network,
    name: "teacher",
    objective: { kind: "adversarial", eps: "8/255", steps: 2, stepSize: "5/255" },
  },
  students: [
    { ...network, name: "natural", objective: { kind: "natural" } },
    { ...network, name: "kd", objective: { kind: "kd", alpha: 0.5, temperature: 1 } },
    { ...network, name: "kdiga", objective: { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 0.5 } },
  ],
  evaluation: {
    n: 300,
    batchSize: 100,
    attacks: [{ kind: "fgsm" }, { kind: "pgd", steps: 20 }],
    eps: ["1/255", "2/255", "4/255", "8/255"],
  },
};
