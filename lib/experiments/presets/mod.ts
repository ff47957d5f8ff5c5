import type { Experiment } from "../experiment.ts";
import type { Sweep } from "../sweep.ts";
import { cifar10Small } from "./cifar10_small.ts";
import { cifar10Study } from "./cifar10_study.ts";
import { quickstart } from "./quickstart.ts";
import { quickstartSeeds } from "./quickstart_seeds.ts";

/** Declared experiments by name. */
export const PRESETS: Readonly<Record<string, Experiment>> = {
  "quickstart": quickstart,
  "cifar10-small": cifar10Small,
};

/** Declared sweeps by name. */
export const SWEEPS: Readonly<Record<string, Sweep>> = {
  "quickstart-seeds": quickstartSeeds,
  "cifar10-study": cifar10Study,
};
