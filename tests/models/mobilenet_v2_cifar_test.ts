import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { createMobilenetV2Cifar } from "../../lib/models/mod.ts";

const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;

Deno.test("createMobilenetV2Cifar() has the names and shapes of Kuang Liu's MobileNetV2", () => {
  const { parameters, buffers } = createMobilenetV2Cifar({ kind: "mobilenet_v2_cifar" }, CIFAR).shapes;
  const block = (i: number, ...more: string[]) =>
    ["conv1", "bn1", "conv2", "bn2", "conv3", "bn3", ...more].flatMap((layer) =>
      /conv|\.0$/.test(layer)
        ? [`layers.${i}.${layer}.weight`]
        : [`layers.${i}.${layer}.weight`, `layers.${i}.${layer}.bias`]
    );
  const first = ["conv1.weight", "bn1.weight", "bn1.bias"];
  const start = [
    ...first,
    ...block(0, "shortcut.0", "shortcut.1"),
    ...block(1, "shortcut.0", "shortcut.1"),
    ...block(2),
  ];
  assertEquals(Object.keys(parameters).slice(0, start.length), start);
  assertEquals(
    ["layers.0.conv1", "layers.0.conv2", "layers.1.shortcut.0", "layers.16.conv3", "conv2"].map((name) =>
      parameters[`${name}.weight`]
    ),
    [[1, 1, 32, 32], [3, 3, 1, 32], [1, 1, 16, 24], [1, 1, 960, 320], [1, 1, 320, 1280]],
  );
  // MobileNetV2().state_dict() without num_batches_tracked.
  assertEquals(Object.keys(parameters).length + Object.keys(buffers).length, 287);
});

Deno.test("createMobilenetV2Cifar() takes a factor of its channels, and refuses one that is none", () => {
  const { parameters } = createMobilenetV2Cifar({ kind: "mobilenet_v2_cifar", width: 0.5 }, CIFAR).shapes;
  assertEquals<unknown>(
    [parameters["conv1.weight"], parameters["conv2.weight"], parameters["linear.weight"]],
    [[3, 3, 3, 16], [1, 1, 160, 640], [640, 10]],
  );
  assertThrows(
    () => createMobilenetV2Cifar({ kind: "mobilenet_v2_cifar", width: NaN }, CIFAR),
    UsageError,
    'Cannot make the model "mobilenet_v2_cifar" with width = null: it needs a number such as 1 or 0.5',
  );
});
