import type { ModelSpec, NetworkShape } from "../mod.ts";

/** Where the network in PyTorch comes from: a package, or `_peer_networks.py`. */
export type Reference = "torchvision" | "timm" | "own";

/** A network and what it is made for. */
export interface Member {
  readonly spec: ModelSpec;
  readonly shape: NetworkShape;
}

/** A network that is checked against PyTorch. */
export interface Family {
  /** By which it is asked for. */
  readonly name: string;
  readonly reference: Reference;
  /** As it is used. */
  readonly full: Member;
  /** The same in tiny. */
  readonly small: Member;
  /** Images at full size: one where two take minutes. */
  readonly images: number;
}

const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;
const IMAGENET = { classes: 1000, inputShape: [224, 224, 3] } as const;
const TINY = { classes: 5, inputShape: [16, 16, 3] } as const;
const TINY_IMAGENET = { classes: 5, inputShape: [64, 64, 3] } as const;
const CIFAR_PIXELS = { mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616] } as const;
const IMAGENET_PIXELS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

const family = (name: string, reference: Reference, full: Member, small: Member, images = 2): Family => (
  { name, reference, full, small, images }
);
const cifar = (spec: ModelSpec): Member => ({ spec: { ...CIFAR_PIXELS, ...spec }, shape: CIFAR });
const imagenet = (spec: ModelSpec): Member => ({ spec: { ...IMAGENET_PIXELS, ...spec }, shape: IMAGENET });
const tiny = (spec: ModelSpec): Member => ({ spec: { ...CIFAR_PIXELS, ...spec }, shape: TINY });
const tinyImagenet = (spec: ModelSpec): Member => ({ spec: { ...IMAGENET_PIXELS, ...spec }, shape: TINY_IMAGENET });
const stem = { stem: "imagenet" } as const;
const blocks = [1, 1, 1, 1] as const;
const tinyVit = { depth: 2, dim: 24, heads: 3 } as const;

/** What is checked; small members of torchvision's ResNets have its width, as it has no other. */
export const FAMILIES: readonly Family[] = [
  family("mlp", "own", cifar({ kind: "mlp", hidden: [512, 512] }), tiny({ kind: "mlp", hidden: [12, 8] })),
  family("cnn", "own", cifar({ kind: "cnn", width: 64 }), tiny({ kind: "cnn", width: 4 })),
  family("resnet56", "own", cifar({ kind: "resnet", depth: 56 }), tiny({ kind: "resnet", depth: 8, width: 4 })),
  family("resnet18-cifar", "own", cifar({ kind: "resnet18" }), tiny({ kind: "resnet18", width: 4, blocks })),
  family(
    "preact-resnet18",
    "own",
    cifar({ kind: "preact_resnet18" }),
    tiny({ kind: "preact_resnet18", width: 4, blocks }),
  ),
  family(
    "preact-resnet18-wong",
    "own",
    cifar({ kind: "preact_resnet18", finalNorm: false, shortcutOf: "input" }),
    tiny({ kind: "preact_resnet18", width: 4, blocks, finalNorm: false, shortcutOf: "input" }),
  ),
  family(
    "wide-resnet-34-10",
    "own",
    cifar({ kind: "wide_resnet", depth: 34, widen: 10 }),
    tiny({ kind: "wide_resnet", depth: 10, widen: 2, width: 4 }),
    1,
  ),
  family(
    "mobilenet-v2-cifar",
    "own",
    cifar({ kind: "mobilenet_v2_cifar" }),
    tiny({ kind: "mobilenet_v2_cifar", width: 0.25, stages: [[1, 32, 1, 1], [2, 48, 2, 1], [2, 64, 1, 2]] }),
  ),
  family(
    "vit-tiny-4",
    "timm",
    cifar({ kind: "vit", patch: 4, size: "tiny" }),
    tiny({ kind: "vit", patch: 4, ...tinyVit }),
  ),
  family(
    "vit-small-4",
    "timm",
    cifar({ kind: "vit", patch: 4, size: "small" }),
    tiny({ kind: "vit", patch: 8, ...tinyVit, heads: 2 }),
  ),
  family(
    "resnet18",
    "torchvision",
    imagenet({ kind: "resnet18", ...stem }),
    tinyImagenet({ kind: "resnet18", ...stem, blocks }),
  ),
  family(
    "resnet34",
    "torchvision",
    imagenet({ kind: "resnet34", ...stem }),
    tinyImagenet({ kind: "resnet34", ...stem, blocks: [1, 2, 1, 1] }),
  ),
  family(
    "resnet50",
    "torchvision",
    imagenet({ kind: "resnet50", ...stem }),
    tinyImagenet({ kind: "resnet50", ...stem, blocks }),
    1,
  ),
  family(
    "wide-resnet50-2",
    "torchvision",
    imagenet({ kind: "wide_resnet50_2", ...stem }),
    tinyImagenet({ kind: "wide_resnet50_2", ...stem, blocks }),
    1,
  ),
  family(
    "mobilenet-v2",
    "torchvision",
    imagenet({ kind: "mobilenet_v2" }),
    tinyImagenet({ kind: "mobilenet_v2", width: 0.25, stages: [[1, 16, 1, 1], [2, 24, 2, 2], [2, 32, 1, 2]] }),
  ),
  family(
    "vit-tiny-16",
    "timm",
    imagenet({ kind: "vit", patch: 16, size: "tiny" }),
    tinyImagenet({ kind: "vit", patch: 16, ...tinyVit }),
  ),
  family(
    "vit-small-16",
    "timm",
    imagenet({ kind: "vit", patch: 16, size: "small" }),
    tinyImagenet({ kind: "vit", patch: 8, ...tinyVit }),
  ),
  family(
    "vit-base-16",
    "timm",
    imagenet({ kind: "vit", patch: 16, size: "base" }),
    tinyImagenet({ kind: "vit", patch: 16, ...tinyVit, heads: 4 }),
    1,
  ),
  family(
    "deit-tiny-16",
    "timm",
    imagenet({ kind: "vit", patch: 16, size: "tiny", distilled: true }),
    tinyImagenet({ kind: "vit", patch: 16, ...tinyVit, distilled: true }),
  ),
  family(
    "deit-small-16",
    "timm",
    imagenet({ kind: "vit", patch: 16, size: "small", distilled: true }),
    tinyImagenet({ kind: "vit", patch: 8, ...tinyVit, distilled: true }),
  ),
];
