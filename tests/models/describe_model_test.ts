import { assertEquals } from "@std/assert";
import { describeModel, type ModelSpec } from "../../lib/models/mod.ts";

const IMAGENET = { classes: 1000, inputShape: [224, 224, 3] } as const;
const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;

/**
 * What timm's last block computes for the 196 patches, at which nobody looks: queries, scores, sums, projection and two
 * linear layers of four times the length.
 */
const unseen = (dim: number) => 196 * (10 * dim ** 2 + 2 * 197 * dim);

// Parameters: torchvision's table of weights, and the papers' code. Multiply-accumulates: hooks on every Conv2d and
// Linear of torchvision 0.28 and of RobustBench's networks (torchvision's table has the same in units of 10^9), and
// torch.utils.flop_counter of PyTorch 2.13 on timm 1.0.29 without fused attention.
const PUBLISHED: readonly (readonly [ModelSpec, typeof IMAGENET | typeof CIFAR, parameters: number, macs: number])[] = [
  [{ kind: "resnet18", stem: "imagenet" }, IMAGENET, 11_689_512, 1_814_073_344],
  [{ kind: "resnet34", stem: "imagenet" }, IMAGENET, 21_797_672, 3_663_761_408],
  [{ kind: "resnet50", stem: "imagenet" }, IMAGENET, 25_557_032, 4_089_184_256],
  [{ kind: "wide_resnet50_2", stem: "imagenet" }, IMAGENET, 68_883_240, 11_398_021_120],
  [{ kind: "mobilenet_v2" }, IMAGENET, 3_504_872, 300_774_272],
  [{ kind: "vit", patch: 16, size: "tiny" }, IMAGENET, 5_717_416, 1_253_683_200 - unseen(192)],
  [{ kind: "vit", patch: 16, size: "small" }, IMAGENET, 22_050_664, 4_598_882_304 - unseen(384)],
  [{ kind: "vit", patch: 16, size: "base" }, IMAGENET, 86_567_656, 17_563_828_224 - unseen(768)],
  [{ kind: "resnet18" }, CIFAR, 11_173_962, 555_422_720],
  [{ kind: "preact_resnet18", finalNorm: false }, CIFAR, 11_171_146, 555_422_720],
  [{ kind: "mobilenet_v2_cifar" }, CIFAR, 2_296_922, 91_154_944],
  [{ kind: "wide_resnet", depth: 28, widen: 10 }, CIFAR, 36_479_194, 5_243_328_768],
  [{ kind: "wide_resnet", depth: 34, widen: 10 }, CIFAR, 46_160_474, 6_658_906_368],
  [{ kind: "wide_resnet", depth: 34, widen: 20 }, CIFAR, 184_531_674, 26_581_856_768],
];

for (const [spec, shape, parameters, macs] of PUBLISHED) {
  Deno.test(`describeModel() of ${JSON.stringify(spec)} gives the published counts`, () => {
    assertEquals(describeModel(spec, shape), { parameters, macs });
  });
}
