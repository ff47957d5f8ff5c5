/**
 * Networks as pure functions from pixels in [0,1] to logits, and their weights in and out.
 *
 * ```ts
 * import { createModel, freeze, rng } from "@kdiga/kdiga";
 *
 * const model = createModel({ kind: "resnet18", width: 16 }, { classes: 10, inputShape: [32, 32, 3] });
 * const classifier = freeze(model, model.init(rng(1, "student")));
 * ```
 *
 * @module
 */
export { BATCH_NORM_MOMENTUM } from "./_layers.ts";
export * from "./card.ts";
export * from "./cnn.ts";
export * from "./describe_model.ts";
export * from "./imagenet_resnet.ts";
export * from "./layout.ts";
export * from "./load_pretrained.ts";
export * from "./mlp.ts";
export * from "./mobilenet_v2.ts";
export * from "./mobilenet_v2_cifar.ts";
export * from "./model.ts";
export * from "./network_spec.ts";
export * from "./preact_resnet.ts";
export * from "./resnet.ts";
export * from "./resize_positions.ts";
export * from "./safetensors.ts";
export * from "./spec.ts";
export * from "./vit.ts";
export * from "./weights.ts";
export * from "./wide_resnet.ts";
export * from "./with_input_noise.ts";
export * from "./with_random_resize.ts";
