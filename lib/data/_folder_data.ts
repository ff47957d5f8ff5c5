import { DataError } from "../core/mod.ts";
import { chosenAndOthers, chosenPositions } from "./_chosen_positions.ts";
import { validationName, validationPositions } from "./_validation_positions.ts";
import type { Dataset } from "./dataset.ts";
import { decodeDataset, type ReadImagesOptions } from "./decode_dataset.ts";
import type { OnCorrupt } from "./image_batches.ts";
import type { ImageFolder } from "./image_folder.ts";
import { type FolderDataset, lazyDataset } from "./lazy_dataset.ts";
import type { LoadedData } from "./split.ts";
import type { CentreView, ImageView } from "./view_image.ts";

/** What of an experiment's spec is the same for all images on the disk. */
export interface FolderDataSpec {
  readonly seed: number;
  readonly validation?: number;
  readonly trainCount?: number;
  readonly testCount?: number;
  readonly onCorrupt?: OnCorrupt;
}

/** Opens the images of a part, where it is needed. */
export interface FolderParts {
  readonly train: () => Promise<ImageFolder>;
  readonly test: () => Promise<ImageFolder>;
}

/** Chooses, splits and decodes; the test images first. */
export async function folderData(
  parts: FolderParts,
  spec: FolderDataSpec,
  views: { readonly train: ImageView; readonly test: CentreView },
  { onSkipped, onProgress, workers, uses }: ReadImagesOptions,
): Promise<LoadedData<FolderDataset>> {
  const { seed, validation: amount = 0, trainCount, testCount, onCorrupt = "stop" } = spec;
  const decoding = { onCorrupt, ...(workers === undefined ? {} : { workers }) };
  const held = async (folder: ImageFolder, most: number): Promise<Dataset> => {
    const { name } = folder;
    const { dataset, skipped } = await decodeDataset(folder, {
      ...decoding,
      view: views.test,
      most,
      onProgress: (done, total) => onProgress?.(done, total, name),
    });
    for (const image of skipped) onSkipped?.(image, name);
    return dataset;
  };
  const all = await parts.test();
  const { chosen, others } = chosenAndOthers(all, testCount, seed);
  // Others make up for damaged ones, so that as many as were asked for are found.
  const test = await held(pick(all, [...chosen, ...others]), Math.min(chosen.length, uses?.test ?? Infinity));
  const isAsked = uses === undefined || uses.train || uses.validation > 0 && amount > 0;
  const isTrainNeeded = trainCount !== 0 && isAsked;
  const name = all.name.replace(/ test$/, " train");
  const train = isTrainNeeded ? await parts.train() : pick(all, [], name);
  if (train.classes.join("\n") !== all.classes.join("\n")) {
    throw new DataError(
      `Cannot use the images of "${train.name}" and "${all.name}" together as they have ${train.classes.length} classes ` +
        `and ${all.classes.length} others: write the classes of both into classes.txt beside them, one per line`,
    );
  }
  const some = isTrainNeeded ? pick(train, chosenPositions(train, trainCount, seed)) : train;
  const apart = validationPositions(some.ids, some.name, isAsked ? amount : 0, seed);
  const positions = Array.from(some.ids.keys());
  const validation = pick(some, positions.filter((i) => apart.has(i)), validationName(some.name));
  return {
    train: lazyDataset(pick(some, positions.filter((i) => !apart.has(i))), { ...decoding, view: views.train }),
    validation: await held(validation, uses?.validation ?? Infinity),
    test,
  };
}

/** Some images, in the order given. */
function pick(folder: ImageFolder, positions: readonly number[], name: string = folder.name): ImageFolder {
  return {
    ...folder,
    name,
    ids: Int32Array.from(positions, (i) => folder.ids[i]!),
    labels: Int32Array.from(positions, (i) => folder.labels[i]!),
    places: positions.map((i) => folder.places[i]!),
  };
}
