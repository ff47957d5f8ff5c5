import { assertEquals, assertThrows } from "@std/assert";
import { rng, sizeOf, UsageError } from "../../lib/core/mod.ts";
import { createCnn } from "../../lib/models/mod.ts";

Deno.test("createCnn() has four stages of the widths that it says", () => {
  const { shapes } = createCnn({ kind: "cnn", width: 2 }, { classes: 4, inputShape: [16, 16, 3] });
  assertEquals(shapes.parameters, {
    "conv1.weight": [3, 3, 3, 2],
    "bn1.weight": [2],
    "bn1.bias": [2],
    "conv2.weight": [3, 3, 2, 4],
    "bn2.weight": [4],
    "bn2.bias": [4],
    "conv3.weight": [3, 3, 4, 8],
    "bn3.weight": [8],
    "bn3.bias": [8],
    "conv4.weight": [3, 3, 8, 8],
    "bn4.weight": [8],
    "bn4.bias": [8],
    "fc.weight": [8, 4],
    "fc.bias": [4],
  });
  const running = ["running_mean", "running_var"];
  assertEquals(Object.keys(shapes.buffers), [1, 2, 3, 4].flatMap((i) => running.map((name) => `bn${i}.${name}`)));
});

Deno.test("createCnn() has 61,338 parameters at width 16, the default", () => {
  const { shapes } = createCnn({ kind: "cnn" }, { classes: 10, inputShape: [16, 16, 3] });
  assertEquals(Object.values(shapes.parameters).reduce((sum, shape) => sum + sizeOf(shape), 0), 61_338);
});

Deno.test("createCnn() begins with filters uniform within 1 / sqrt(9 * inputs), batch norm at 1, 0, 0, 1", () => {
  const { parameters, buffers } = createCnn({ kind: "cnn" }, { classes: 10, inputShape: [16, 16, 3] }).init(rng(1));
  const largest = Math.max(...Array.from(parameters["conv2.weight"]!.data, Math.abs));
  assertEquals([largest <= 1 / 12, largest > 0.99 / 12], [true, true]);
  const bn = [
    parameters["bn1.weight"],
    parameters["bn1.bias"],
    buffers["bn1.running_mean"],
    buffers["bn1.running_var"],
  ];
  assertEquals(bn.map((array) => [...new Set(array!.data)]), [[1], [0], [0], [1]]);
});

Deno.test("createCnn() refuses images that are too small, and widths that are no counts", () => {
  assertThrows(
    () => createCnn({ kind: "cnn" }, { classes: 10, inputShape: [3, 8, 3] }),
    UsageError,
    'Cannot make the model "cnn" for images of 3x8 pixels: it needs at least 4x4; use larger images or "mlp"',
  );
  assertThrows(
    () => createCnn({ kind: "cnn", width: 2.5 }, { classes: 10, inputShape: [8, 8, 3] }),
    UsageError,
    'Cannot make the model "cnn" with width = 2.5: it needs an integer of 1 or more, such as 16',
  );
});
