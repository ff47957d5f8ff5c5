import type {
  CnnSpec,
  ImagenetResnetSpec,
  MlpSpec,
  MobilenetV2CifarSpec,
  MobilenetV2Spec,
  ModelSpec,
  PreactResnetSpec,
  ResnetSpec,
  VitSpec,
  WideResnetSpec,
} from "../models/mod.ts";
import { kind } from "./_schema_fields.ts";
import { type Check, flag, integer, list, number, object, oneOf, optional } from "./schema.ts";

const shared = {
  kind,
  activation: optional(oneOf("relu", "relu6", "softplus", "tanh", "gelu", "geluTanh")),
  mean: optional(list(number())),
  std: optional(list(number())),
};
const staged = { ...shared, width: optional(integer()), blocks: optional(list(integer())) };
const imagenetResnet = { ...staged, stem: optional(oneOf("cifar", "imagenet")) };
const mobilenet = { ...shared, width: optional(number(0)), stages: optional(list(list(integer()))) };
/** Fields of each kind of network. */
export const MODEL_CHECKS: { readonly [K in ModelSpec["kind"]]: Check } = {
  mlp: object<MlpSpec>({ ...shared, hidden: list(integer()) }),
  cnn: object<CnnSpec>({ ...shared, width: optional(integer()) }),
  resnet: object<ResnetSpec>({ ...shared, depth: integer(), width: optional(integer()) }),
  resnet18: object<ImagenetResnetSpec>(imagenetResnet),
  resnet34: object<ImagenetResnetSpec>(imagenetResnet),
  resnet50: object<ImagenetResnetSpec>(imagenetResnet),
  "wide_resnet50_2": object<ImagenetResnetSpec>(imagenetResnet),
  "preact_resnet18": object<PreactResnetSpec>({
    ...staged,
    finalNorm: optional(flag),
    shortcutOf: optional(oneOf("input", "activation")),
  }),
  "mobilenet_v2": object<MobilenetV2Spec>(mobilenet),
  "mobilenet_v2_cifar": object<MobilenetV2CifarSpec>(mobilenet),
  "wide_resnet": object<WideResnetSpec>({ ...shared, depth: integer(), widen: integer(), width: optional(integer()) }),
  vit: object<VitSpec>({
    ...shared,
    patch: integer(),
    size: optional(oneOf("tiny", "small", "base")),
    depth: optional(integer()),
    dim: optional(integer()),
    heads: optional(integer()),
    distilled: optional(flag),
    dropout: optional(number(0, 1)),
    dropPath: optional(number(0, 1)),
  }),
};
