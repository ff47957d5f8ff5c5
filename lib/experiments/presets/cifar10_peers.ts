import {
  ADAIAD_PAPER,
  AKD_PAPER,
  IAD_PAPER,
  IGAM_PAPER,
  MART_PAPER,
  MTARD_PAPER,
  SAAD_PAPER,
  TRADES_PAPER,
} from "../../objectives/mod.ts";
import type { Experiment } from "../experiment.ts";
import { STUDY_ATTACK, STUDY_DATA, STUDY_STUDENT, STUDY_TEACHER } from "./cifar10_study.ts";

const { teacher: network, ...rest } = STUDY_TEACHER;

/** The study's teacher with clean images in place of attacked ones. */
const naturalTeacher: Experiment = {
  ...rest,
  name: "cifar10-study-natural-teacher",
  teacher: {
    ...network,
    ...STUDY_STUDENT,
    name: "teacher",
    model: { kind: "resnet18", width: 16 },
    epochs: 8,
    objective: { kind: "natural" },
  },
};

/**
 * The other published methods, from the study's teacher, with their papers' constants but for the attack: adversarial
 * training without a teacher (PGD-AT, TRADES, MART) and distillation (AKD, IAD, AdaIAD, IGAM, MTARD, SAAD).
 *
 * Command: `deno task run cifar10-peers --data PATH`. Expected time on two cores, `tensorflow` engine: two hours
 * (extrapolated from the study's steps). Published numbers: none at this size.
 */
export const cifar10Peers: Experiment = {
  name: "cifar10-peers",
  seed: 1,
  data: STUDY_DATA,
  teacher: { experiment: STUDY_TEACHER, network: "teacher" },
  naturalTeacher: { experiment: naturalTeacher, network: "teacher" },
  students: [
    { ...STUDY_STUDENT, name: "pgd-at", objective: { kind: "adversarial", ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "trades", objective: { ...TRADES_PAPER, ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "mart", objective: { ...MART_PAPER, ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "akd", objective: { ...AKD_PAPER, ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "iad", objective: { ...IAD_PAPER, ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "adaiad", objective: { ...ADAIAD_PAPER, ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "igam", objective: IGAM_PAPER },
    { ...STUDY_STUDENT, name: "mtard", objective: { ...MTARD_PAPER, ...STUDY_ATTACK } },
    { ...STUDY_STUDENT, name: "saad", objective: { ...SAAD_PAPER, ...STUDY_ATTACK } },
  ],
  evaluation: {
    n: 1000,
    batchSize: 125,
    attacks: [{ kind: "pgd", steps: 20 }, { kind: "pgd", steps: 20, loss: "margin" }],
    eps: ["8/255"],
  },
};
