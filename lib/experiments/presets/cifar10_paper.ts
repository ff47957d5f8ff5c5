import { RELEASED_LOCAL_LINEARITY } from "../../evaluation/mod.ts";
import {
  ARD_KDIGA_RELEASED_CODE,
  KDIGA_ARD_RELEASED_CODE,
  KDIGA_RELEASED_CODE,
  TRADES_PAPER,
} from "../../objectives/mod.ts";
import type { Experiment, NetworkExperiment } from "../experiment.ts";
import type { Sweep } from "../sweep.ts";

/** The learning rate of the released code: its drop at epoch 150 starts from the first rate again, and changes nothing. */
export const PAPER_STUDENT = {
  model: { kind: "mobilenet_v2_cifar" },
  optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 2e-4 },
  schedule: { kind: "step", peak: 0.1, milestones: [100], epochs: 200 },
  epochs: 200,
  batchSize: 128,
  augment: { pad: 4, flip: true },
  batchNormUpdates: "every",
} as const satisfies Partial<NetworkExperiment>;

/** TRADES as released: 76 epochs, the last two at a tenth of the learning rate. */
export const PAPER_TEACHER: NetworkExperiment = {
  name: "teacher",
  model: { kind: "wide_resnet", depth: 34, widen: 10 },
  objective: TRADES_PAPER,
  optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 2e-4 },
  schedule: { kind: "step", peak: 0.1, milestones: [74], epochs: 76 },
  epochs: 76,
  batchSize: 128,
  augment: { pad: 4, flip: true },
};

const base: Experiment = {
  name: "cifar10-paper",
  seed: 1,
  data: { kind: "cifar10", seed: 1 },
  teacher: PAPER_TEACHER,
  students: [
    { ...PAPER_STUDENT, name: "natural", objective: { kind: "natural" } },
    { ...PAPER_STUDENT, name: "kd", objective: { kind: "kd", alpha: 0.5, temperature: 1, klReduction: "elementMean" } },
    { ...PAPER_STUDENT, name: "kdiga", objective: KDIGA_RELEASED_CODE },
    { ...PAPER_STUDENT, name: "kdiga-rs", objective: { ...KDIGA_RELEASED_CODE, randomStart: "8/255" } },
    { ...PAPER_STUDENT, name: "ard", objective: ARD_KDIGA_RELEASED_CODE },
    { ...PAPER_STUDENT, name: "kdiga-ard-c", objective: KDIGA_ARD_RELEASED_CODE },
    { ...PAPER_STUDENT, name: "kdiga-ard-a", objective: { ...KDIGA_ARD_RELEASED_CODE, alignAt: "adversarial" } },
  ],
  evaluation: {
    n: 1000,
    batchSize: 100,
    attacks: [{ kind: "pgd", steps: 20, relativeStepSize: 0.1 }, { kind: "autoattack" }],
    eps: ["1/255", "2/255", "3/255", "4/255", "5/255", "6/255", "7/255", "8/255"],
  },
  analysis: {
    n: 1000,
    batchSize: 100,
    eps: ["0", "4/255", "8/255"],
    attack: { kind: "pgd", steps: 20, relativeStepSize: 0.1 },
    linearity: RELEASED_LOCAL_LINEARITY,
  },
};

/**
 * The paper's part on CIFAR-10 as the first author's public code has it: a WideResNet-34-10 by TRADES teaches a
 * MobileNetV2 by every variant, gamma from 1 to 1,000, and its analysis of local linearity, loss and gradients.
 * Source: RulinShao/AdversariallyRobustDistillation@e77a13d. Differs: PGD-20 on 1,000 test images as AutoAttack, where
 * the code takes all 10,000; the last weights, where the code's checkpoints are named after the best epoch on the test
 * set; gradients at attacked images (kdiga-ard-a) are inferred from names of checkpoints.
 *
 * Command: `deno task sweep cifar10-paper --data PATH`. To begin with the released teacher in place of training one:
 * `--set teacher.epochs=0 --set 'teacher.pretrained={"weights":"wrn.safetensors"}'`. Expected time on two cores: months
 * (extrapolated from `deno task bench --models`: a KDIGA step takes 12 ms an image beside the teacher's 120, 10 million
 * images are 15 days a student; TRADES of the teacher is longer). Published numbers: the paper's are not known to us; of
 * the teacher RobustBench has 84.92 % clean and 53.08 % under AutoAttack at 0.031.
 */
export const cifar10Paper: Sweep = {
  name: "cifar10-paper",
  base,
  grids: [
    { methods: ["natural", "kd", "kdiga", "kdiga-rs", "ard", "kdiga-ard-c", "kdiga-ard-a"] },
    { methods: ["kdiga"], values: { "students.kdiga.objective.weight": [10, 100, 1000] } },
  ],
};
