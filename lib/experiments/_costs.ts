import { type CostRow, formatCost, writeFileAtomic } from "../core/mod.ts";
import { batchesPerEpoch, type LoadedData } from "../data/mod.ts";
import { objectiveOf } from "../objectives/mod.ts";
import type { Experiment } from "./experiment.ts";
import type { ManifestWriter } from "./manifest.ts";
import type { RunFolder } from "./run_folder.ts";
import { networksOf } from "./teacher.ts";

/** What the costs of a run are known from. */
export interface CostContext {
  readonly experiment: Experiment;
  readonly data: LoadedData;
  readonly manifest: ManifestWriter;
  readonly folder: RunFolder;
}

/** Writes `cost.csv`: what the training of each network cost, in passes and in seconds of all sessions. */
export async function costs({ experiment, data, manifest, folder }: CostContext): Promise<readonly CostRow[]> {
  const rows = networksOf(experiment).map((network): CostRow => {
    const { name, objective, epochs, batchSize } = network;
    const images = epochs * batchesPerEpoch(data.train.ids.length, batchSize) * batchSize;
    const seconds = images === 0 ? "" : manifest.seconds(`train ${name}`) ?? "";
    return {
      method: name,
      ...objectiveOf(objective).passes(objective),
      images,
      seconds,
      secondsPerImage: seconds === "" || seconds === 0 ? "" : seconds / images,
    };
  });
  await writeFileAtomic(folder.file("cost.csv"), formatCost(rows));
  return rows;
}
