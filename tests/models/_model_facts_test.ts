import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DISPLAY, type Displayable, rng } from "../../lib/core/mod.ts";
import { createModel, freeze, loadWeights, saveWeights } from "../../lib/models/mod.ts";
import { inTempFolder } from "../experiments/_tiny.ts";

const SPEC = { kind: "resnet50", stem: "imagenet", mean: [0.5, 0.4, 0.3], std: [1, 1, 1] } as const;
const SHAPE = { classes: 1000, inputShape: [224, 224, 3] } as const;

async function textOf(value: object): Promise<string> {
  const { "text/html": html, "text/plain": text } = await (value as Displayable)[DISPLAY]();
  assertStringIncludes(html as string, "<table>");
  return text as string;
}

Deno.test("a model shows its kind and its size, and so does the classifier that is made of it", async () => {
  const model = createModel(SPEC, SHAPE);
  const text = [
    "Model",
    "Network               resnet50, stem imagenet, mean [0.5,0.4,0.3], std [1,1,1]",
    "Images                224 × 224 × 3",
    "Classes               1000",
    // As in describe_model_test.ts.
    "Parameters            25,557,032",
    "Multiply-accumulates  4,089,184,256 for an image",
  ].join("\n");
  assertEquals(await textOf(model), text);
  assertEquals(await textOf(freeze(model, { parameters: {}, buffers: {} })), text);
  const plain = freeze({ ...model }, { parameters: {}, buffers: {} });
  assert(!(DISPLAY in plain), "nothing is known of a model of another maker");
});

Deno.test("loaded weights show their card", async () => {
  await inTempFolder(async (folder) => {
    const model = { kind: "cnn", width: 2 } as const;
    const shape = { classes: 3, inputShape: [8, 8, 3] } as const;
    const path = `${folder}/kdiga.safetensors`;
    const { sha256 } = await saveWeights(path, createModel(model, shape).init(rng(1)), {
      model,
      classes: ["circle", "square", "<star>"],
      inputShape: shape.inputShape,
      provenance: { method: "kdiga", data: { kind: "shapes", seed: 1 } },
    });
    const lines = (await textOf(await loadWeights(path))).split("\n");
    assertEquals([lines[0], lines[1], lines[3]], [
      path,
      "Network               cnn, width 2",
      "Classes               3: circle, square, <star>",
    ]);
    assertEquals(lines.slice(-3), [
      'data                  {"kind":"shapes","seed":1}',
      "method                kdiga",
      `SHA-256               ${sha256}`,
    ]);
  });
});
