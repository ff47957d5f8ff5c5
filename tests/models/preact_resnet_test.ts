import { assertEquals, assertThrows } from "@std/assert";
import { sizeOf, UsageError } from "../../lib/core/mod.ts";
import { createPreactResnet, type PreactResnetSpec } from "../../lib/models/mod.ts";

const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;
const count = (spec: Omit<PreactResnetSpec, "kind">) => {
  const { parameters } = createPreactResnet({ kind: "preact_resnet18", ...spec }, CIFAR).shapes;
  return Object.values(parameters).reduce((sum, shape) => sum + sizeOf(shape), 0);
};

Deno.test("createPreactResnet() has the parameters of PreActResNet18 in RobustBench, with and without the last norm", () => {
  // sum(p.numel() for p in PreActResNet(PreActBlock, [2, 2, 2, 2], bn_before_fc=...).parameters())
  assertEquals(count({ finalNorm: false }), 11_171_146);
  assertEquals(count({}), 11_172_170);
});

Deno.test("createPreactResnet() has the names of Kuang Liu's code", () => {
  const { parameters, buffers } = createPreactResnet({ kind: "preact_resnet18", blocks: [1, 1, 1, 1] }, CIFAR).shapes;
  assertEquals(Object.keys(parameters).slice(0, 14), [
    "conv1.weight",
    ...["bn1.weight", "bn1.bias", "conv1.weight", "bn2.weight", "bn2.bias", "conv2.weight"].map((key) =>
      `layer1.0.${key}`
    ),
    ...["bn1.weight", "bn1.bias", "conv1.weight", "bn2.weight", "bn2.bias", "conv2.weight", "shortcut.0.weight"].map((
      key,
    ) => `layer2.0.${key}`),
  ]);
  assertEquals(Object.keys(parameters).slice(-4), ["bn.weight", "bn.bias", "linear.weight", "linear.bias"]);
  assertEquals<unknown>(buffers["layer2.0.bn1.running_mean"], [64]);
  assertEquals<unknown>(parameters["layer2.0.shortcut.0.weight"], [1, 1, 64, 128]);
});

Deno.test("createPreactResnet() refuses what it cannot use", () => {
  const refused: readonly (readonly [object, string])[] = [
    [{ width: 0 }, "width = 0: it needs an integer of 1 or more, such as 64"],
    [{ blocks: [2, 2, 2] }, "blocks = [2,2,2]: it needs four integers of 1 or more, such as [2, 2, 2, 2]"],
    [{ finalNorm: "no" }, 'finalNorm = "no": it needs true or false'],
    [{ shortcutOf: "output" }, 'shortcutOf = "output": use one of input, activation'],
  ];
  for (const [fields, message] of refused) {
    assertThrows(
      () => createPreactResnet({ kind: "preact_resnet18", ...fields }, CIFAR),
      UsageError,
      `Cannot make the model "preact_resnet18" with ${message}`,
    );
  }
});
