import type { Experiment } from "../experiment.ts";
import type { Sweep } from "../sweep.ts";
import { cifar10Architectures } from "./cifar10_architectures.ts";
import { cifar10Masking } from "./cifar10_masking.ts";
import { cifar10Paper } from "./cifar10_paper.ts";
import { cifar10Peers } from "./cifar10_peers.ts";
import { cifar10PeersPaper } from "./cifar10_peers_paper.ts";
import { cifar10Small } from "./cifar10_small.ts";
import { cifar10Study } from "./cifar10_study.ts";
import { cifar10Variants } from "./cifar10_variants.ts";
import { imagenetTransfer } from "./imagenet_transfer.ts";
import { quickstart } from "./quickstart.ts";
import { quickstartSeeds } from "./quickstart_seeds.ts";

/** Declared experiments by name. */
export const PRESETS: Readonly<Record<string, Experiment>> = {
  "quickstart": quickstart,
  "cifar10-small": cifar10Small,
  "cifar10-variants": cifar10Variants,
  "cifar10-architectures": cifar10Architectures,
  "cifar10-peers": cifar10Peers,
  "cifar10-masking": cifar10Masking,
  "imagenet-transfer": imagenetTransfer,
};

/** Declared sweeps by name. */
export const SWEEPS: Readonly<Record<string, Sweep>> = {
  "quickstart-seeds": quickstartSeeds,
  "cifar10-study": cifar10Study,
  "cifar10-paper": cifar10Paper,
  "cifar10-peers-paper": cifar10PeersPaper,
};
