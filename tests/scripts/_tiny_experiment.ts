import type { Experiment, NetworkExperiment } from "../../mod.ts";

const network = {
  model: { kind: "cnn", width: 16 },
  optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 5e-4 },
  schedule: { kind: "oneCycle", peak: 0.1 },
  epochs: 2,
  batchSize: 32,
} as const satisfies Partial<NetworkExperiment>;

/** An experiment of a few seconds: 16 steps for each of three networks, and 64 images under two attacks at two radii. */
export const TINY: Experiment & { readonly teacher: NetworkExperiment } = {
  name: "tiny",
  seed: 1,
  data: { kind: "shapes", seed: 1, train: 256, test: 64, size: 12 },
  teacher: { ...network, name: "teacher", objective: { kind: "adversarial", eps: "8/255", steps: 1 } },
  students: [
    { ...network, name: "natural", objective: { kind: "natural" } },
    { ...network, name: "kdiga", objective: { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 2 } },
  ],
  evaluation: {
    n: 64,
    batchSize: 16,
    attacks: [{ kind: "fgsm" }, { kind: "pgd", steps: 10 }],
    eps: ["1/255", "8/255"],
  },
};
