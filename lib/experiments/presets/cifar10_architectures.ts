import type { ModelSpec } from "../../models/mod.ts";
import type { Experiment, NetworkExperiment } from "../experiment.ts";
import { STUDY_DATA, STUDY_STUDENT, STUDY_TEACHER } from "./cifar10_study.ts";

const KD = { kind: "kd", alpha: 0.5, temperature: 1 } as const;
const KDIGA = { ...KD, kind: "kdiga", weight: 16 } as const;

function pair(family: string, model: ModelSpec, rest: Partial<NetworkExperiment> = {}): NetworkExperiment[] {
  return [
    { ...STUDY_STUDENT, ...rest, model, name: `kd-${family}`, objective: KD },
    { ...STUDY_STUDENT, ...rest, model, name: `kdiga-${family}`, objective: KDIGA },
  ];
}

/**
 * Robustness across families: the study's ResNet teaches a MobileNetV2, a WideResNet and a vision transformer, by KD and
 * by KDIGA.
 *
 * Command: `deno task run cifar10-architectures --data PATH`. Expected time on two cores: an hour and a half, of which the
 * MobileNetV2 takes most (extrapolated from `deno task bench --models`). Published numbers: none are known of this teacher;
 * the paper's claim is that robustness is transferred across families.
 */
export const cifar10Architectures: Experiment = {
  name: "cifar10-architectures",
  seed: 1,
  data: STUDY_DATA,
  teacher: { experiment: STUDY_TEACHER, network: "teacher" },
  students: [
    ...pair("mobilenet", { kind: "mobilenet_v2_cifar", width: 0.5 }),
    ...pair("wide", { kind: "wide_resnet", depth: 10, widen: 2 }),
    ...pair("vit", { kind: "vit", patch: 4, depth: 4, dim: 96, heads: 3 }, {
      optimizer: { kind: "adamw", weightDecay: 0.05 },
      schedule: { kind: "oneCycle", peak: 1e-3 },
    }),
  ],
  evaluation: {
    n: 1000,
    batchSize: 125,
    attacks: [{ kind: "pgd", steps: 20 }],
    eps: ["1/255", "2/255", "4/255", "8/255"],
  },
};
