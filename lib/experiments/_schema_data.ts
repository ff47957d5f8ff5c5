import type {
  Cifar100CSpec,
  Cifar100Spec,
  Cifar10CSpec,
  Cifar10Spec,
  DataSpec,
  ImagenetSpec,
  ShapesParameters,
  ShapesSpec,
  TinyImagenetSpec,
} from "../data/mod.ts";
import { kind } from "./_schema_fields.ts";
import { type Check, integer, number, object, oneOf, optional, text } from "./schema.ts";

const share = optional(number(0));
const someOf = {
  kind,
  seed: integer(0),
  validation: share,
  trainCount: optional(integer()),
  testCount: optional(integer()),
};
const corrupted = {
  kind,
  seed: integer(0),
  corruption: text(/^\w+$/, 'the name of a file without ".npy", such as "fog"'),
  severity: integer(1, 5),
  testCount: optional(integer()),
};
const decoded = {
  ...someOf,
  crops: optional(oneOf("random", "centre")),
  trainCount: optional(integer(0)),
  onCorrupt: optional(oneOf("stop", "skip")),
};
/** Fields of each kind of data. */
export const DATA_CHECKS: { readonly [K in DataSpec["kind"]]: Check } = {
  shapes: object<ShapesSpec>({
    kind,
    seed: integer(0),
    train: integer(),
    test: integer(),
    size: optional(integer()),
    validation: share,
    parameters: optional(object<ShapesParameters>({
      shapeContrast: optional(number(0, 1)),
      textureAmplitude: optional(number(0, 1)),
      noise: optional(number(0, 1)),
      gradient: optional(number(0, 1)),
      tint: optional(number(0, 1)),
    })),
  }),
  cifar10: object<Cifar10Spec>(someOf),
  cifar100: object<Cifar100Spec>({ ...someOf, labels: optional(oneOf("fine", "coarse")) }),
  cifar10c: object<Cifar10CSpec>(corrupted),
  cifar100c: object<Cifar100CSpec>(corrupted),
  tinyimagenet: object<TinyImagenetSpec>(decoded),
  imagenet: object<ImagenetSpec>({
    ...decoded,
    classes: optional(integer()),
    size: optional(integer()),
    resize: optional(integer()),
    filter: optional(oneOf("bilinear", "bicubic")),
  }),
};

/** Shape of the images and number of classes of each kind of data. */
export const DATA_SHAPES: {
  readonly [K in DataSpec["kind"]]: (
    spec: Extract<DataSpec, { kind: K }>,
  ) => { readonly inputShape: readonly [number, number, number]; readonly classes: number };
} = {
  shapes: ({ size = 16 }) => ({ inputShape: [size, size, 3], classes: 10 }),
  cifar10: () => ({ inputShape: [32, 32, 3], classes: 10 }),
  cifar100: ({ labels }) => ({ inputShape: [32, 32, 3], classes: labels === "coarse" ? 20 : 100 }),
  cifar10c: () => ({ inputShape: [32, 32, 3], classes: 10 }),
  cifar100c: () => ({ inputShape: [32, 32, 3], classes: 100 }),
  imagenet: ({ size = 224, classes = 1000 }) => ({ inputShape: [size, size, 3], classes }),
  tinyimagenet: () => ({ inputShape: [64, 64, 3], classes: 200 }),
};
