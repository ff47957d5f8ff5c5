import {
  ADAAD_PAPER,
  ADAIAD_PAPER,
  AKD_PAPER,
  ARD_PAPER,
  IAD_PAPER,
  IGDM_PAPER,
  PGD_AT,
  RSLAD_PAPER,
  SAAD_PAPER,
  TRADES_PAPER,
} from "../../objectives/mod.ts";
import type { Experiment, NetworkExperiment } from "../experiment.ts";
import type { Sweep } from "../sweep.ts";
import { PAPER_TEACHER } from "./cifar10_paper.ts";

const student = {
  model: { kind: "resnet18" },
  optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 5e-4 },
  schedule: { kind: "step", peak: 0.1, milestones: [100, 150], epochs: 200 },
  epochs: 200,
  batchSize: 128,
  augment: { pad: 4, flip: true },
} as const satisfies Partial<NetworkExperiment>;

const base: Experiment = {
  name: "cifar10-peers-paper",
  seed: 1,
  data: { kind: "cifar10", seed: 1 },
  teacher: PAPER_TEACHER,
  students: [
    { ...student, name: "pgd-at", objective: PGD_AT },
    { ...student, name: "trades", objective: TRADES_PAPER },
    { ...student, name: "ard", objective: ARD_PAPER },
    { ...student, name: "iad", objective: IAD_PAPER },
    { ...student, name: "akd", objective: AKD_PAPER },
    { ...student, name: "rslad", objective: RSLAD_PAPER },
    { ...student, name: "adaad", objective: ADAAD_PAPER },
    { ...student, name: "adaiad", objective: ADAIAD_PAPER },
    { ...student, name: "igdm", objective: IGDM_PAPER },
    { ...student, name: "saad", objective: SAAD_PAPER },
  ],
  evaluation: {
    n: 10_000,
    batchSize: 100,
    attacks: [{ kind: "fgsm" }, { kind: "pgd", steps: 20, stepSize: "2/255" }, { kind: "autoattack" }],
    eps: ["8/255"],
  },
};

/**
 * The literature's comparison on CIFAR-10: a ResNet-18 by every method of adversarial distillation, 200 epochs, steps of
 * the learning rate at 100 and 150, the last weights.
 *
 * Command: `deno task sweep cifar10-peers-paper --data PATH`. Expected time on two cores: months (extrapolated from
 * `deno task bench --models`: ten attack steps and a step of ResNet-18 take about 0.1 s an image with the teacher's pass,
 * 10 million images are twelve days a student). Published numbers, of this protocol with another teacher (LTD's
 * WideResNet-34-10: 85.21 clean, 56.94 AutoAttack), ResNet-18, clean / PGD-20 / AutoAttack in percent: PGD-AT 84.52 / 42.80
 * / 41.12, TRADES 82.46 / 49.13 / 47.09, ARD 85.04 / 53.27 / 49.49, IAD 84.33 / 54.24 / 50.09, AKD 85.10 / 51.53 / 48.04,
 * RSLAD 83.59 / 55.98 / 52.13, AdaAD 84.74 / 56.78 / 52.79, AdaIAD 84.75 / 57.04 / 52.88, AdaAD with IGDM 84.83 / 57.61 /
 * 54.02. Source: "Indirect Gradient Matching for Adversarial Robust Distillation" (arXiv 2312.03286, ICLR 2025), table 3.
 */
export const cifar10PeersPaper: Sweep = {
  name: "cifar10-peers-paper",
  base,
  grids: [{ methods: base.students.map(({ name }) => name), seeds: [1, 2, 3] }],
};
