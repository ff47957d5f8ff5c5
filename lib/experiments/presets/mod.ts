import type { Experiment } from "../experiment.ts";
import { cifar10Small } from "./cifar10_small.ts";
import { quickstart } from "./quickstart.ts";

/** Declared experiments by name. */
export const PRESETS: Readonly<Record<string, Experiment>> = {
  "quickstart": quickstart,
  "cifar10-small": cifar10Small,
};
