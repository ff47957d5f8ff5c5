import { assertEquals, assertThrows } from "@std/assert";
import { sizeOf, UsageError } from "../../lib/core/mod.ts";
import { createImagenetResnet, type ImagenetResnetSpec } from "../../lib/models/mod.ts";

const CIFAR = { classes: 10, inputShape: [32, 32, 3] } as const;

Deno.test("createImagenetResnet() has the names of torchvision's resnet18, and its shapes but for stem and head", () => {
  const { parameters, buffers } = createImagenetResnet({ kind: "resnet18" }, CIFAR).shapes;
  // Keys of torchvision.models.resnet18().state_dict() without num_batches_tracked; parameters and buffers apart.
  // deno-fmt-ignore
  const names = [
    "conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias",
    "layer1.0.conv2.weight", "layer1.0.bn2.weight", "layer1.0.bn2.bias", "layer1.1.conv1.weight",
    "layer1.1.bn1.weight", "layer1.1.bn1.bias", "layer1.1.conv2.weight", "layer1.1.bn2.weight", "layer1.1.bn2.bias",
    "layer2.0.conv1.weight", "layer2.0.bn1.weight", "layer2.0.bn1.bias", "layer2.0.conv2.weight",
    "layer2.0.bn2.weight", "layer2.0.bn2.bias", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.weight",
    "layer2.0.downsample.1.bias", "layer2.1.conv1.weight", "layer2.1.bn1.weight", "layer2.1.bn1.bias",
    "layer2.1.conv2.weight", "layer2.1.bn2.weight", "layer2.1.bn2.bias", "layer3.0.conv1.weight",
    "layer3.0.bn1.weight", "layer3.0.bn1.bias", "layer3.0.conv2.weight", "layer3.0.bn2.weight", "layer3.0.bn2.bias",
    "layer3.0.downsample.0.weight", "layer3.0.downsample.1.weight", "layer3.0.downsample.1.bias",
    "layer3.1.conv1.weight", "layer3.1.bn1.weight", "layer3.1.bn1.bias", "layer3.1.conv2.weight",
    "layer3.1.bn2.weight", "layer3.1.bn2.bias", "layer4.0.conv1.weight", "layer4.0.bn1.weight", "layer4.0.bn1.bias",
    "layer4.0.conv2.weight", "layer4.0.bn2.weight", "layer4.0.bn2.bias", "layer4.0.downsample.0.weight",
    "layer4.0.downsample.1.weight", "layer4.0.downsample.1.bias", "layer4.1.conv1.weight", "layer4.1.bn1.weight",
    "layer4.1.bn1.bias", "layer4.1.conv2.weight", "layer4.1.bn2.weight", "layer4.1.bn2.bias", "fc.weight", "fc.bias",
  ];
  assertEquals(Object.keys(parameters), names);
  const running = names.filter((name) => /(bn\d|downsample\.1)\.weight$/.test(name)).flatMap((name) => [
    name.replace("weight", "running_mean"),
    name.replace("weight", "running_var"),
  ]);
  assertEquals(Object.keys(buffers), running);
  const some = ["conv1.weight", "layer2.0.downsample.0.weight", "layer4.0.conv1.weight", "fc.weight", "fc.bias"];
  assertEquals<unknown>(
    some.map((name) => parameters[name]),
    [[3, 3, 3, 64], [1, 1, 64, 128], [3, 3, 256, 512], [512, 10], [10]],
  );
});

Deno.test("createImagenetResnet() has 11,173,962 parameters, as the usual ResNet-18 for CIFAR-10", () => {
  const { shapes } = createImagenetResnet({ kind: "resnet18" }, CIFAR);
  assertEquals(Object.values(shapes.parameters).reduce((sum, shape) => sum + sizeOf(shape), 0), 11_173_962);
});

Deno.test("createImagenetResnet() has as many blocks as asked", () => {
  const { shapes } = createImagenetResnet({ kind: "resnet18", width: 2, blocks: [1, 1, 3, 1] }, CIFAR);
  const blocks = new Set(Object.keys(shapes.parameters).map((name) => name.match(/^layer\d\.\d/)?.[0]));
  blocks.delete(undefined);
  assertEquals([...blocks], ["layer1.0", "layer2.0", "layer3.0", "layer3.1", "layer3.2", "layer4.0"]);
});

Deno.test("createImagenetResnet() refuses widths and blocks that are no counts, and small images", () => {
  assertThrows(
    () => createImagenetResnet({ kind: "resnet18", width: 0 }, CIFAR),
    UsageError,
    'Cannot make the model "resnet18" with width = 0: it needs an integer of 1 or more, such as 64',
  );
  assertThrows(
    () => createImagenetResnet({ kind: "resnet18", blocks: [2, 2, 2] } as unknown as ImagenetResnetSpec, CIFAR),
    UsageError,
    'Cannot make the model "resnet18" with blocks = [2,2,2]: it needs four integers of 1 or more, such as [2, 2, 2, 2]',
  );
  assertThrows(
    () => createImagenetResnet({ kind: "resnet18" }, { classes: 10, inputShape: [7, 32, 3] }),
    UsageError,
    'Cannot make the model "resnet18" for images of 7x32 pixels: it needs at least 8x8; use larger images or "mlp"',
  );
});

const IMAGENET = { classes: 1000, inputShape: [224, 224, 3] } as const;

for (
  const [kind, parameters] of [
    // The table of torchvision's weights.
    ["resnet18", 11_689_512],
    ["resnet34", 21_797_672],
    ["resnet50", 25_557_032],
    ["wide_resnet50_2", 68_883_240],
  ] as const
) {
  Deno.test(`createImagenetResnet() of "${kind}" has the published ${parameters} parameters with ImageNet's stem`, () => {
    const { shapes } = createImagenetResnet({ kind, stem: "imagenet" }, IMAGENET);
    assertEquals(Object.values(shapes.parameters).reduce((sum, shape) => sum + sizeOf(shape), 0), parameters);
    assertEquals(shapes.parameters["conv1.weight"], [7, 7, 3, 64]);
  });
}

Deno.test("createImagenetResnet() has the stride of a bottleneck on its 3x3 convolution, which alone is wider", () => {
  const { parameters } = createImagenetResnet({ kind: "wide_resnet50_2", width: 4 }, CIFAR).shapes;
  const shapes = [
    "layer2.0.conv1",
    "layer2.0.conv2",
    "layer2.0.conv3",
    "layer2.0.downsample.0",
    "layer1.0.downsample.0",
  ]
    .map((name) => parameters[`${name}.weight`]);
  assertEquals<unknown>(shapes, [[1, 1, 16, 16], [3, 3, 16, 16], [1, 1, 16, 32], [1, 1, 16, 32], [1, 1, 4, 16]]);
});

Deno.test("createImagenetResnet() refuses stems that there are not, and small images under ImageNet's", () => {
  assertThrows(
    () => createImagenetResnet({ kind: "resnet50", stem: "patch" } as unknown as ImagenetResnetSpec, CIFAR),
    UsageError,
    'Cannot make the model "resnet50" with stem = "patch": use one of cifar, imagenet',
  );
  assertThrows(
    () => createImagenetResnet({ kind: "resnet50", stem: "imagenet" }, { classes: 10, inputShape: [31, 32, 3] }),
    UsageError,
    'Cannot make the model "resnet50" for images of 31x32 pixels: it needs at least 32x32; use larger images or "mlp"',
  );
});
