import type { Experiment } from "../experiment.ts";
import { KDIGA_ARD_ADVERSARIAL, KDIGA_ARD_CLEAN, KDIGA_RANDOM_START } from "../../objectives/mod.ts";
import { STUDY_ATTACK, STUDY_DATA, STUDY_STUDENT, STUDY_TEACHER } from "./cifar10_study.ts";

const { relativeStepSize: _, ...attack } = { ...KDIGA_ARD_CLEAN.attack!, ...STUDY_ATTACK };
const weight = 16;

/**
 * KDIGA's variants of the paper beside those of the study, from its teacher: noise on the images (KDIGA-rs), and with
 * ARD's attacked images, gradients at clean (KDIGA-ARD_C) or at attacked ones (KDIGA-ARD_A).
 *
 * Command: `deno task run cifar10-variants --data PATH`. Expected time on two cores, `tensorflow` engine: three quarters
 * of an hour with the study's teacher, an hour without (extrapolated as for the study). Published numbers: none are known.
 */
export const cifar10Variants: Experiment = {
  name: "cifar10-variants",
  seed: 1,
  data: STUDY_DATA,
  teacher: { experiment: STUDY_TEACHER, network: "teacher" },
  students: [
    { ...STUDY_STUDENT, name: "kdiga-rs", objective: { ...KDIGA_RANDOM_START, weight } },
    { ...STUDY_STUDENT, name: "kdiga-ard-c", objective: { ...KDIGA_ARD_CLEAN, attack, weight } },
    { ...STUDY_STUDENT, name: "kdiga-ard-a", objective: { ...KDIGA_ARD_ADVERSARIAL, attack, weight } },
  ],
  evaluation: {
    n: 1000,
    batchSize: 125,
    attacks: [{ kind: "pgd", steps: 20 }, { kind: "autoattack" }],
    eps: ["8/255"],
  },
};
