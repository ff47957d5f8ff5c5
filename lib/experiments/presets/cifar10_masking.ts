import type { Experiment } from "../experiment.ts";
import { STUDY_DATA, STUDY_STUDENT, STUDY_TEACHER } from "./cifar10_study.ts";

/**
 * Whether KDIGA only hides its gradients, as it regularises them at clean images alone: steps along the gradient, many
 * more of them on another loss, and Square, which uses none, at radii beyond which nothing should stand.
 *
 * Command: `deno task run cifar10-masking --data PATH`; then `deno task evaluate` of its students, one `--model` each,
 * makes the checks for masked gradients, attacks from another network among them. Expected time on two cores,
 * `tensorflow` engine: an hour with the study's teacher (extrapolated). Published numbers: none are known.
 */
export const cifar10Masking: Experiment = {
  name: "cifar10-masking",
  seed: 1,
  data: STUDY_DATA,
  teacher: { experiment: STUDY_TEACHER, network: "teacher", evaluate: true },
  students: [
    { ...STUDY_STUDENT, name: "kd", objective: { kind: "kd", alpha: 0.5, temperature: 1 } },
    { ...STUDY_STUDENT, name: "kdiga", objective: { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 16 } },
  ],
  evaluation: {
    n: 300,
    batchSize: 100,
    attacks: [
      { kind: "fgsm" },
      { kind: "pgd", steps: 20 },
      { kind: "pgd", steps: 100, loss: "margin" },
      { kind: "square" },
    ],
    eps: ["4/255", "8/255", "16/255", "32/255"],
  },
  analysis: {
    n: 300,
    batchSize: 100,
    eps: ["0", "4/255", "8/255"],
    attack: { kind: "pgd", steps: 20 },
    linearity: { steps: 50, starts: 1 },
  },
};
