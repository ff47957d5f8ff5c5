import type { Experiment } from "../experiment.ts";

/** ImageNet's usual mean and standard deviation, which the networks normalise with themselves. */
const norm = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const ROBUST = "data/robust-resnet50.safetensors";
const VIT = "data/vit-small-patch16-224.safetensors";

/**
 * Robustness for a network that was trained before: an adversarially trained ResNet-50 teaches a pre-trained ViT-S/16, by
 * KD and by KDIGA, one epoch of ImageNet.
 *
 * Command: `deno task run imagenet-transfer --data FOLDER`, with both networks' weights as safetensors files, by default
 * `data/robust-resnet50.safetensors` (such as the one of Salman et al., 2020) and `data/vit-small-patch16-224.safetensors`
 * (timm's names; its mean and standard deviation by `--set`, where they are others). Expected time on two cores: four days
 * a student (extrapolated from `deno task bench --models`: 162 ms an image for the step and about 75 for the teacher's
 * gradient, 1.28 million images). Published numbers: none are known of the paper's; it says that a student of this kind
 * gains robustness without losing accuracy. The recipe of the paper is not public: optimizer, epochs and weight are ours.
 */
export const imagenetTransfer: Experiment = {
  name: "imagenet-transfer",
  seed: 1,
  data: { kind: "imagenet", seed: 1 },
  teacher: {
    name: "teacher",
    model: { kind: "resnet50", stem: "imagenet", ...norm },
    objective: { kind: "natural" },
    optimizer: { kind: "sgd" },
    schedule: { kind: "constant", peak: 0.1 },
    pretrained: { weights: ROBUST },
    epochs: 0,
    batchSize: 32,
  },
  students: (["kd", "kdiga"] as const).map((kind) => ({
    name: kind,
    model: { kind: "vit", patch: 16, size: "small", ...norm },
    objective: kind === "kd" ? { kind, alpha: 0.5, temperature: 1 } : { kind, alpha: 0.5, temperature: 1, weight: 16 },
    optimizer: { kind: "adamw", weightDecay: 0.01 },
    schedule: { kind: "oneCycle", peak: 1e-4 },
    pretrained: { weights: VIT },
    epochs: 1,
    batchSize: 32,
  })),
  evaluation: {
    n: 1000,
    batchSize: 25,
    attacks: [{ kind: "pgd", steps: 20 }, { kind: "autoattack" }],
    eps: ["1/255", "2/255", "4/255"],
  },
};
