import { assertEquals, assertThrows } from "@std/assert";
import { rng, sizeOf, UsageError } from "../../lib/core/mod.ts";
import { createWideResnet } from "../../lib/models/mod.ts";

const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;

Deno.test("createWideResnet() has the published numbers of parameters", () => {
  const count = (depth: number, widen: number) => {
    const { parameters } = createWideResnet({ kind: "wide_resnet", depth, widen }, CIFAR).shapes;
    return Object.values(parameters).reduce((sum, shape) => sum + sizeOf(shape), 0);
  };
  // WideResNet-28-10 and 16-8, 40-4 of the paper's table 4: 36.5M, 11.0M, 8.9M.
  assertEquals([count(28, 10), count(34, 10)], [36_479_194, 46_160_474]);
  assertEquals([count(16, 8), count(40, 4)].map((n) => Math.round(n / 1e5) / 10), [11, 8.9]);
});

Deno.test("createWideResnet() has the names of TRADES's code", () => {
  const { parameters } = createWideResnet({ kind: "wide_resnet", depth: 10, widen: 2 }, CIFAR).shapes;
  const block = (s: number) =>
    ["bn1.weight", "bn1.bias", "conv1.weight", "bn2.weight", "bn2.bias", "conv2.weight", "convShortcut.weight"]
      .map((key) => `block${s}.layer.0.${key}`);
  const tail = ["bn1.weight", "bn1.bias", "fc.weight", "fc.bias"];
  assertEquals(Object.keys(parameters), ["conv1.weight", ...block(1), ...block(2), ...block(3), ...tail]);
  // Of factor 1, the first stage is as wide as the stem and needs no convolution beside.
  const thin = createWideResnet({ kind: "wide_resnet", depth: 10, widen: 1 }, CIFAR).shapes.parameters;
  const beside = Object.entries(thin).filter(([name]) => name.includes("convShortcut"));
  assertEquals<unknown>(beside, [
    ["block2.layer.0.convShortcut.weight", [1, 1, 16, 32]],
    ["block3.layer.0.convShortcut.weight", [1, 1, 32, 64]],
  ]);
});

Deno.test("createWideResnet() begins with filters of variance 2 / fan out, and the head's bias at 0", () => {
  const { parameters } = createWideResnet({ kind: "wide_resnet", depth: 10, widen: 2 }, CIFAR).init(rng(1));
  const { data } = parameters["block3.layer.0.conv2.weight"]!;
  const variance = Array.from(data).reduce((sum, value) => sum + value ** 2, 0) / data.length;
  // Three standard errors of the mean of n squares of normal numbers: 3 * sqrt(2 / n).
  assertEquals(Math.abs(variance / (2 / (9 * 128)) - 1) < 3 * Math.sqrt(2 / data.length), true);
  assertEquals([...new Set(parameters["fc.bias"]!.data)], [0]);
});

Deno.test("createWideResnet() refuses depths that are not 6n + 4, and factors that are no counts", () => {
  for (const depth of [4, 30, 28.5]) {
    assertThrows(
      () => createWideResnet({ kind: "wide_resnet", depth, widen: 10 }, CIFAR),
      UsageError,
      `Cannot make the model "wide_resnet" with depth = ${depth}: it needs 6n + 4, such as 10, 16, 28, 34 or 70`,
    );
  }
  assertThrows(
    () => createWideResnet({ kind: "wide_resnet", depth: 28, widen: 0 }, CIFAR),
    UsageError,
    'Cannot make the model "wide_resnet" with widen = 0: it needs an integer of 1 or more, such as 10',
  );
  assertThrows(
    () => createWideResnet({ kind: "wide_resnet", depth: 28, widen: 10, width: 0 }, CIFAR),
    UsageError,
    'Cannot make the model "wide_resnet" with width = 0: it needs an integer of 1 or more, such as 16',
  );
});
