/**
 * Labelled images and the batches made of them: CIFAR-10, CIFAR-100 and corrupted images from their files, folders and
 * archives of JPEG and PNG files, decoded while they are used to train, a procedural set that needs none, validation
 * splits by rule, augmentation and loaders that are keyed by image id.
 *
 * ```ts
 * import { CROP_AND_FLIP, loadData, rng, trainBatches } from "@kdiga/kdiga";
 *
 * const { train } = await loadData({ kind: "shapes", seed: 1, train: 2000, validation: 200, test: 500 });
 * for (const batch of trainBatches(train, { batchSize: 64, rng: rng(1), epoch: 0, augment: CROP_AND_FLIP })) {
 *   batch.x.shape; // [64, 16, 16, 3]
 * }
 * ```
 *
 * @module
 */
export * from "./augment.ts";
export * from "./augment_batch.ts";
export * from "./cifar10.ts";
export * from "./cifar100.ts";
export * from "./cifar_c.ts";
export * from "./dataset.ts";
export * from "./decode_dataset.ts";
export * from "./decode_image.ts";
export * from "./fetch_cifar10.ts";
export * from "./fetch_cifar100.ts";
export * from "./image_batches.ts";
export * from "./image_folder.ts";
export * from "./image_operation.ts";
export * from "./image_source.ts";
export * from "./imagenet.ts";
export * from "./index_tar.ts";
export * from "./index_zip.ts";
export * from "./lazy_dataset.ts";
export * from "./load.ts";
export * from "./loader.ts";
export * from "./mix_batch.ts";
export * from "./open_flat_images.ts";
export * from "./rand_augment.ts";
export * from "./resize_image.ts";
export * from "./shapes.ts";
export * from "./smooth_labels.ts";
export * from "./split.ts";
export * from "./tiny_imagenet.ts";
export * from "./view_image.ts";
