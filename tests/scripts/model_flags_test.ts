import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  createModel,
  encodeSafetensors,
  type EvaluationRow,
  float32,
  type LoadOptions,
  rng,
  saveWeights,
  toPyTorch,
  UsageError,
} from "../../mod.ts";
import { loadOptionsOf, type MODEL_FLAGS } from "../../scripts/_model.ts";
import { inTempFolder, runTask } from "./_task.ts";

type Flags = { readonly [K in keyof typeof MODEL_FLAGS]?: string };
const FLAGS: Flags = { "arch": "resnet18", "classes": "10", "image-size": "32" };
const optionsOf = async (flags: Flags): Promise<LoadOptions> =>
  (await loadOptionsOf(flags, ["no-card.safetensors"]))[0]!;

Deno.test("loadOptionsOf() makes of flags what loadWeights() takes", async () => {
  assertEquals(await optionsOf({}), {});
  assertEquals(await optionsOf(FLAGS), { model: { kind: "resnet18" }, classes: 10, inputShape: [32, 32, 3] });
  const flags = { ...FLAGS, "arch-args": '{"width":16}', "image-size": "28x30x1", "mean": "0.5", "std": "0.25" };
  assertEquals(await optionsOf(flags), {
    model: { kind: "resnet18", width: 16 },
    classes: 10,
    inputShape: [28, 30, 1],
    mean: [0.5],
    std: [0.25],
  });
});

Deno.test("loadOptionsOf() refuses flags that it cannot use, and says what to write", async () => {
  const refuses = (flags: Flags, message: string) => assertRejects(() => optionsOf(flags), UsageError, message);
  const { classes: _, ...without } = FLAGS;
  await refuses(without, "Cannot use --arch without --classes: write --classes N for weights without a card");
  await refuses({ mean: "0.5" }, "Cannot use --mean without --arch: write --arch KIND for weights without a card");
  await refuses({ ...FLAGS, classes: "ten" }, "Cannot use --classes ten: write an integer of at least 1");
  const args = "write a JSON object such as '{\"width\":64}'";
  for (const text of ["width=64", "[64]", "null", '{"kind":"mlp"}']) {
    await refuses({ ...FLAGS, "arch-args": text }, `Cannot use --arch-args ${text}: ${args}`);
  }
  for (const text of ["0", "32x", "32x32x3x1", "a"]) {
    const advice = "write 32, or 28x28x1 for height, width and channels";
    await refuses({ ...FLAGS, "image-size": text }, `Cannot use --image-size ${text}: ${advice}`);
  }
  const numbers = "write a number for each channel, such as 0.5,0.5,0.5";
  await refuses({ ...FLAGS, std: "0.5,,0.5" }, `Cannot use --std 0.5,,0.5: ${numbers}`);
});

Deno.test("evaluate and verify take weights without a model card by flags, and those of a card as they are", async () => {
  await inTempFolder(async (folder) => {
    const model = { kind: "mlp", hidden: [4] } as const;
    const shape = { classes: 10, inputShape: [12, 12, 3] } as const;
    const weights = createModel(model, shape).init(rng(1));
    const buffers = { mu: float32([1, 3, 1, 1], [0.5, 0.5, 0.5]), sigma: float32([1, 3, 1, 1], [0.25, 0.25, 0.25]) };
    await Deno.writeFile(
      `${folder}/foreign.safetensors`,
      encodeSafetensors({ tensors: { ...buffers, ...toPyTorch(weights) } }),
    );
    const classes = Array.from({ length: 10 }, (_, i) => `class ${i}`);
    await saveWeights(`${folder}/ours.safetensors`, weights, {
      model,
      classes,
      inputShape: shape.inputShape,
      provenance: {},
    });
    const flags = ["--arch", "mlp", "--arch-args", '{"hidden":[4]}', "--classes", "10", "--image-size", "12"];
    const asked = ["--dataset", "shapes", "--attack", "fgsm", "--eps", "2/255", "--n", "8", "--engine", "reference"];
    const both = ["--model", "foreign.safetensors", "--model", "ours.safetensors"];
    const { code, out, err } = await runTask(
      folder,
      "evaluate",
      ...both,
      ...flags,
      ...asked,
      "--skip-masking",
      "--save-images",
      "images",
      "--json",
    );
    assertEquals(code, 0, err);
    const { rows, folder: run } = JSON.parse(out) as { rows: EvaluationRow[]; folder: string };
    assertEquals([...new Set(rows.map(({ method }) => method))], ["foreign", "ours"]);
    const { models } = JSON.parse(await Deno.readTextFile(`${folder}/${run}/experiment.json`));
    assertEquals(models[0].load, { model, classes: 10, inputShape: [12, 12, 3] });
    assertEquals(models[1].load, undefined);

    const image = [...Deno.readDirSync(`${folder}/images`)].map(({ name }) => name).find((name) =>
      /^foreign.*\.safetensors$/.test(name)
    );
    assert(image !== undefined);
    const verified = await runTask(folder, "verify", `images/${image}`, "--model", "foreign.safetensors", ...flags);
    assertEquals(verified.code, 0, verified.err);

    const refused = await runTask(folder, "verify", `images/${image}`, "--model", "ours.safetensors", ...flags);
    assertEquals(refused.code, 2);
    assertMatch(refused.err, /UsageError: Cannot use --arch as "ours\.json" says it: leave it out\n$/);
    const bare = await runTask(folder, "verify", `images/${image}`, "--model", "foreign.safetensors");
    assertEquals(bare.code, 2);
    assertMatch(
      bare.err,
      /as there is no model card "foreign\.json" beside it: say the model, the classes and the image/,
    );
  });
});
