import { assertEquals, assertThrows } from "@std/assert";
import { int32, rng, UsageError } from "../../lib/core/mod.ts";
import { createMobilenetV2, fromPyTorch, type MobilenetV2Spec, toPyTorch } from "../../lib/models/mod.ts";

const IMAGENET = { classes: 1000, inputShape: [224, 224, 3] } as const;

Deno.test("createMobilenetV2() has the names and shapes of torchvision's mobilenet_v2", () => {
  const { parameters, buffers } = createMobilenetV2({ kind: "mobilenet_v2" }, IMAGENET).shapes;
  // The first block does not widen; the second does.
  const layers = Object.entries(parameters).filter(([name, shape]) => shape.length === 4 && /\.[012]\./.test(name));
  assertEquals(layers.slice(0, 6), [
    ["features.0.0.weight", [3, 3, 3, 32]],
    ["features.1.conv.0.0.weight", [3, 3, 1, 32]],
    ["features.1.conv.1.weight", [1, 1, 32, 16]],
    ["features.2.conv.0.0.weight", [1, 1, 16, 96]],
    ["features.2.conv.1.0.weight", [3, 3, 1, 96]],
    ["features.2.conv.2.weight", [1, 1, 96, 24]],
  ]);
  assertEquals<unknown>(parameters["features.18.0.weight"], [1, 1, 320, 1280]);
  assertEquals(Object.keys(parameters).slice(-2), ["classifier.1.weight", "classifier.1.bias"]);
  assertEquals(Object.keys(parameters).length + Object.keys(buffers).length, 262);
});

Deno.test("createMobilenetV2() rounds channels to multiples of 8, as torchvision does, and keeps 1280 at the end", () => {
  // torchvision's mobilenet_v2(width_mult=0.35): 16, 8, 8, 8, 16, 16, 16, ...
  const { parameters } = createMobilenetV2({ kind: "mobilenet_v2", width: 0.35 }, IMAGENET).shapes;
  const channels = [
    "0.0",
    "1.conv.1",
    "2.conv.2",
    "4.conv.2",
    "7.conv.2",
    "11.conv.2",
    "14.conv.2",
    "17.conv.2",
    "18.0",
  ];
  assertEquals(
    channels.map((name) => parameters[`features.${name}.weight`]!.at(-1)),
    [16, 8, 8, 16, 24, 32, 56, 112, 1280],
  );
});

Deno.test("createMobilenetV2() begins as torchvision does: fan out of a depthwise filter, a head of deviation 0.01", () => {
  const { parameters } = createMobilenetV2({ kind: "mobilenet_v2" }, IMAGENET).init(rng(1));
  const variance = (name: string) => {
    const { data } = parameters[name]!;
    return { value: Array.from(data).reduce((sum, value) => sum + value ** 2, 0) / data.length, n: data.length };
  };
  for (const [name, wanted] of [["features.8.conv.1.0", 2 / (9 * 384)], ["classifier.1", 1e-4]] as const) {
    const { value, n } = variance(`${name}.weight`);
    // Three standard errors of the mean of n squares of normal numbers: 3 * sqrt(2 / n).
    assertEquals(Math.abs(value / wanted - 1) < 3 * Math.sqrt(2 / n), true, name);
  }
  assertEquals([...new Set(parameters["classifier.1.bias"]!.data)], [0]);
});

/** Layers of timm's MobileNetV2 of three stages of 1, 2 and 1 blocks, in the order of ours. */
const TIMM = [
  ["conv_stem", "bn1"],
  ["conv_dw", "bn1", "conv_pw", "bn2"].map((layer) => `blocks.0.0.${layer}`),
  ...["1.0", "1.1", "2.0"].map((block) =>
    ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"].map((layer) => `blocks.${block}.${layer}`)
  ),
  ["conv_head", "bn2", "classifier"],
].flat();

Deno.test("createMobilenetV2() takes weights under timm's names, wrapped and with counters", () => {
  const stages = [[1, 8, 1, 1], [2, 8, 2, 1], [2, 12, 1, 2]] as const;
  const shape = { classes: 3, inputShape: [8, 8, 3] } as const;
  const network = createMobilenetV2({ kind: "mobilenet_v2", width: 0.25, stages }, shape);
  const weights = network.init(rng(1));
  const ours = toPyTorch(weights);
  const layerOf = (name: string) => name.slice(0, name.lastIndexOf("."));
  const layers = [...new Set(Object.keys(ours).map(layerOf))];
  assertEquals(layers.length, TIMM.length);
  const theirs = (key: string) => `${TIMM[layers.indexOf(layerOf(key))]}${key.slice(key.lastIndexOf("."))}`;
  for (const wrapper of ["", "module.model."]) {
    const tensors = Object.fromEntries(Object.entries(ours).map(([key, array]) => [`${wrapper}${theirs(key)}`, array]));
    tensors[`${wrapper}blocks.2.0.bn3.num_batches_tracked`] = int32([]);
    assertEquals(fromPyTorch(network.adapt!(tensors), network.shapes), weights);
  }
  // Those of torchvision stay as they are.
  assertEquals(network.adapt!(ours), ours);
});

Deno.test("createMobilenetV2() refuses factors and stages that it cannot use", () => {
  const refused: readonly (readonly [object, string])[] = [
    [{ width: 0 }, "width = 0: it needs a number such as 1 or 0.5"],
    [{ width: "1" }, 'width = "1": it needs a number such as 1 or 0.5'],
    ...[[], [[6, 24, 2]], [[6, 24, 2, 3]], [[6, 24, 0, 1]], 3].map((stages) =>
      [
        { stages },
        `stages = ${JSON.stringify(stages)}: it needs lists of expansion, channels, blocks and stride, ` +
        "such as [[6, 24, 2, 2]]",
      ] as const
    ),
  ];
  for (const [fields, message] of refused) {
    assertThrows(
      () => createMobilenetV2({ kind: "mobilenet_v2", ...fields } as MobilenetV2Spec, IMAGENET),
      UsageError,
      `Cannot make the model "mobilenet_v2" with ${message}`,
    );
  }
});
