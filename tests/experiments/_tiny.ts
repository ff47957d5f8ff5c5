import type { Experiment, NetworkExperiment } from "../../lib/experiments/mod.ts";

const network = {
  model: { kind: "mlp", hidden: [6] },
  optimizer: { kind: "sgd", momentum: 0.9 },
  schedule: { kind: "constant", peak: 0.05 },
  epochs: 2,
  batchSize: 16,
} as const satisfies Partial<NetworkExperiment>;

/** An experiment of a second on the reference engine: 6 steps for each of three networks. */
export const TINY: Experiment & { readonly teacher: NetworkExperiment } = {
  name: "tiny",
  seed: 3,
  data: { kind: "shapes", seed: 1, train: 60, test: 20, size: 12, validation: 12 },
  teacher: { ...network, name: "teacher", objective: { kind: "natural" } },
  students: [
    { ...network, name: "kd", objective: { kind: "kd", alpha: 0.5, temperature: 1 } },
    { ...network, name: "kdiga", objective: { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 2 } },
  ],
  evaluation: { n: 20, batchSize: 8, attacks: [{ kind: "fgsm" }], eps: ["2/255", "8/255"] },
};

/** Runs a body with a folder that is removed afterwards. */
export async function inTempFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
