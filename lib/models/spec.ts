import { factsBundle, UsageError, withDisplay } from "../core/mod.ts";
import { modelFacts } from "./_model_facts.ts";
import { type CnnSpec, createCnn } from "./cnn.ts";
import { createImagenetResnet, type ImagenetResnetSpec } from "./imagenet_resnet.ts";
import { createMlp, type MlpSpec } from "./mlp.ts";
import type { Network, NetworkShape } from "./network_spec.ts";
import { createMobilenetV2, type MobilenetV2Spec } from "./mobilenet_v2.ts";
import { createMobilenetV2Cifar, type MobilenetV2CifarSpec } from "./mobilenet_v2_cifar.ts";
import { createPreactResnet, type PreactResnetSpec } from "./preact_resnet.ts";
import { createResnet, type ResnetSpec } from "./resnet.ts";
import { createVit, type VitSpec } from "./vit.ts";
import { createWideResnet, type WideResnetSpec } from "./wide_resnet.ts";

/** Any network, as plain JSON. */
export type ModelSpec =
  | MlpSpec
  | CnnSpec
  | ResnetSpec
  | ImagenetResnetSpec<"resnet18">
  | ImagenetResnetSpec<"resnet34">
  | ImagenetResnetSpec<"resnet50">
  | ImagenetResnetSpec<"wide_resnet50_2">
  | PreactResnetSpec
  | WideResnetSpec
  | MobilenetV2Spec
  | MobilenetV2CifarSpec
  | VitSpec;

/** Makes a network of one kind. */
export type CreateModel<S extends ModelSpec> = (spec: S, shape: NetworkShape) => Network;

/** What makes the networks of each kind. */
export const MODELS: { readonly [K in ModelSpec["kind"]]: CreateModel<Extract<ModelSpec, { readonly kind: K }>> } = {
  mlp: createMlp,
  cnn: createCnn,
  resnet: createResnet,
  resnet18: createImagenetResnet,
  resnet34: createImagenetResnet,
  resnet50: createImagenetResnet,
  "wide_resnet50_2": createImagenetResnet,
  "preact_resnet18": createPreactResnet,
  "wide_resnet": createWideResnet,
  "mobilenet_v2": createMobilenetV2,
  "mobilenet_v2_cifar": createMobilenetV2Cifar,
  vit: createVit,
};

/**
 * Makes the network that a spec describes. A notebook shows its kind and its size.
 *
 * @param spec Kind and settings.
 * @param shape Number of classes, and shape of one image [height, width, channels].
 * @returns The network.
 * @throws {UsageError} If the kind or a field is unknown, or a value cannot be used.
 */
export function createModel(spec: ModelSpec, shape: NetworkShape): Network {
  if (!Object.hasOwn(MODELS, spec.kind)) {
    throw new UsageError(
      `Cannot make a model of the kind ${JSON.stringify(spec.kind)}: use one of ${Object.keys(MODELS).join(", ")}`,
    );
  }
  const network = (MODELS[spec.kind] as CreateModel<ModelSpec>)(spec, shape);
  return withDisplay(network, () => factsBundle("Model", modelFacts(spec, network)));
}
