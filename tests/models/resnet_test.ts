import { assertEquals, assertThrows } from "@std/assert";
import { rng, sizeOf, UsageError } from "../../lib/core/mod.ts";
import { createResnet } from "../../lib/models/mod.ts";

const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;
const count = (depth: number) => {
  const { parameters } = createResnet({ kind: "resnet", depth }, CIFAR).shapes;
  return Object.values(parameters).reduce((sum, shape) => sum + sizeOf(shape), 0);
};

Deno.test("createResnet() of depth 20 has the names of akamaster/pytorch_resnet_cifar10", () => {
  const { parameters, buffers } = createResnet({ kind: "resnet", depth: 20 }, CIFAR).shapes;
  // Keys of resnet20().state_dict() without num_batches_tracked; parameters and buffers apart.
  // deno-fmt-ignore
  const names = [
    "conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias",
    "layer1.0.conv2.weight", "layer1.0.bn2.weight", "layer1.0.bn2.bias", "layer1.1.conv1.weight",
    "layer1.1.bn1.weight", "layer1.1.bn1.bias", "layer1.1.conv2.weight", "layer1.1.bn2.weight", "layer1.1.bn2.bias",
    "layer1.2.conv1.weight", "layer1.2.bn1.weight", "layer1.2.bn1.bias", "layer1.2.conv2.weight",
    "layer1.2.bn2.weight", "layer1.2.bn2.bias", "layer2.0.conv1.weight", "layer2.0.bn1.weight", "layer2.0.bn1.bias",
    "layer2.0.conv2.weight", "layer2.0.bn2.weight", "layer2.0.bn2.bias", "layer2.1.conv1.weight",
    "layer2.1.bn1.weight", "layer2.1.bn1.bias", "layer2.1.conv2.weight", "layer2.1.bn2.weight", "layer2.1.bn2.bias",
    "layer2.2.conv1.weight", "layer2.2.bn1.weight", "layer2.2.bn1.bias", "layer2.2.conv2.weight",
    "layer2.2.bn2.weight", "layer2.2.bn2.bias", "layer3.0.conv1.weight", "layer3.0.bn1.weight", "layer3.0.bn1.bias",
    "layer3.0.conv2.weight", "layer3.0.bn2.weight", "layer3.0.bn2.bias", "layer3.1.conv1.weight",
    "layer3.1.bn1.weight", "layer3.1.bn1.bias", "layer3.1.conv2.weight", "layer3.1.bn2.weight", "layer3.1.bn2.bias",
    "layer3.2.conv1.weight", "layer3.2.bn1.weight", "layer3.2.bn1.bias", "layer3.2.conv2.weight",
    "layer3.2.bn2.weight", "layer3.2.bn2.bias", "linear.weight", "linear.bias",
  ];
  assertEquals(Object.keys(parameters), names);
  const running = names.filter((name) => /bn\d\.weight$/.test(name)).flatMap((name) => [
    name.replace("weight", "running_mean"),
    name.replace("weight", "running_var"),
  ]);
  assertEquals(Object.keys(buffers), running);
  const shapes = [parameters["conv1.weight"], parameters["layer2.0.conv1.weight"], parameters["layer3.2.conv2.weight"]];
  assertEquals<unknown>(shapes, [[3, 3, 3, 16], [3, 3, 16, 32], [3, 3, 64, 64]]);
  assertEquals<unknown>([parameters["linear.weight"], buffers["layer3.0.bn1.running_var"]], [[64, 10], [64]]);
});

Deno.test("createResnet() has the published numbers of parameters", () => {
  // The table of akamaster/pytorch_resnet_cifar10: 0.27M, 0.46M, 0.66M, 0.85M, 1.7M.
  assertEquals(count(20), 269_722);
  assertEquals([32, 44, 56].map((depth) => Math.round(count(depth) / 1e4) / 100), [0.46, 0.66, 0.85]);
  assertEquals(Math.round(count(110) / 1e5) / 10, 1.7);
});

Deno.test("createResnet() begins with filters of variance 2 / fan out", () => {
  const { data } = createResnet({ kind: "resnet", depth: 8 }, CIFAR).init(rng(1)).parameters["layer2.0.conv1.weight"]!;
  const variance = Array.from(data).reduce((sum, value) => sum + value ** 2, 0) / data.length;
  // Three standard errors of the mean of n squares of normal numbers: 3 * sqrt(2 / n).
  assertEquals(Math.abs(variance / (2 / (9 * 32)) - 1) < 3 * Math.sqrt(2 / data.length), true);
});

Deno.test("createResnet() refuses depths that are not 6n + 2, odd widths and small images", () => {
  for (const depth of [18, 2, 21, 20.5]) {
    assertThrows(
      () => createResnet({ kind: "resnet", depth }, CIFAR),
      UsageError,
      `Cannot make the model "resnet" with depth = ${depth}: it needs 6n + 2, such as 8, 20, 32, 44, 56 or 110`,
    );
  }
  assertThrows(
    () => createResnet({ kind: "resnet", depth: 20, width: 15 }, CIFAR),
    UsageError,
    'Cannot make the model "resnet" with width = 15: it needs an even integer, such as 16',
  );
  assertThrows(
    () => createResnet({ kind: "resnet", depth: 20 }, { classes: 10, inputShape: [2, 2, 3] }),
    UsageError,
    'Cannot make the model "resnet" for images of 2x2 pixels: it needs at least 4x4; use larger images or "mlp"',
  );
});
