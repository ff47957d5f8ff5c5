import { assertEquals, assertRejects } from "@std/assert";
import { CheckpointError, ChecksumError, float32, rng, UsageError } from "../../lib/core/mod.ts";
import { createModel, encodeSafetensors, loadWeights, saveWeights, toPyTorch } from "../../lib/models/mod.ts";
import { SHAPE, SMALL } from "./_small_models.ts";

const model = createModel(SMALL.cnn, SHAPE);
const weights = model.init(rng(1));
const content = {
  model: SMALL.cnn,
  classes: ["circle", "square", "star"],
  inputShape: SHAPE.inputShape,
  provenance: { method: "test", seed: 1 },
};

/** Runs a test in a folder of its own. */
function withFolder(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await test(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

withFolder("saveWeights() and loadWeights() keep every bit, and the card", async (folder) => {
  const path = `${folder}/student.safetensors`;
  const saved = await saveWeights(path, weights, content);
  const { model: network, weights: read, card } = await loadWeights(path);
  assertEquals(read, weights);
  assertEquals(card, saved);
  assertEquals(card.provenance, { method: "test", seed: 1 });
  assertEquals([network.classes, network.inputShape, network.shapes], [3, SHAPE.inputShape, model.shapes]);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["student.json", "student.safetensors"]);
});

withFolder("saveWeights() writes PyTorch's names and layouts", async (folder) => {
  await saveWeights(`${folder}/a.safetensors`, weights, content);
  const bytes = await Deno.readFile(`${folder}/a.safetensors`);
  const view = new DataView(bytes.buffer);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  assertEquals(header.__metadata__, { format: "pt" });
  assertEquals(header["conv2.weight"].shape, [4, 2, 3, 3]);
  assertEquals(header["fc.weight"], { dtype: "F32", shape: [3, 8], data_offsets: header["fc.weight"].data_offsets });
  assertEquals(header["bn1.running_var"].shape, [2]);
  assertEquals(Object.keys(header).length, 1 + 4 * 5 + 2);
  // Filter [O, I, KH, KW] at (3, 1, 2, 0) is filter [KH, KW, I, O] at (2, 0, 1, 3).
  const at = 8 + length + header["conv2.weight"].data_offsets[0] + 4 * (3 * 18 + 1 * 9 + 2 * 3 + 0);
  assertEquals(view.getFloat32(at, true), weights.parameters["conv2.weight"]!.data[2 * 24 + 0 * 8 + 1 * 4 + 3]);
});

withFolder("saveWeights() refuses another ending, and weights that are not the card's", async (folder) => {
  await assertRejects(
    () => saveWeights("student.pt", weights, content),
    UsageError,
    'Cannot save weights as "student.pt": use a name that ends in ".safetensors"',
  );
  await assertRejects(
    () => saveWeights(`${folder}/a.safetensors`, weights, { ...content, classes: ["a", "b"] }),
    CheckpointError,
    'Cannot use what is to be saved as weights of this model: "fc.weight" is [3,8] where [2,8] was expected; ' +
      '"fc.bias" is [3] where [2] was expected: use the model that they were made with, or rename them',
  );
  assertEquals([...Deno.readDirSync(folder)], []);
});

withFolder("loadWeights() refuses a file that is not the card's", async (folder) => {
  const path = `${folder}/a.safetensors`;
  const { sha256 } = await saveWeights(path, weights, content);
  const bytes = await Deno.readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(path, bytes);
  const error = await assertRejects(() => loadWeights(path), ChecksumError);
  assertEquals([error.path, error.expected], [path, sha256]);
  assertEquals(error.message.endsWith("copy it again together with its card, or download both anew"), true);
});

withFolder("loadWeights() takes a file without card where it is told what it is for", async (folder) => {
  const path = `${folder}/foreign.safetensors`;
  const tensors = Object.fromEntries(
    Object.entries(toPyTorch(weights)).map(([key, array]) => [`module.${key}`, array]),
  );
  await Deno.writeFile(path, encodeSafetensors({ tensors }));
  await assertRejects(
    () => loadWeights(path, { model: SMALL.cnn }),
    UsageError,
    `Cannot load "${path}" as there is no model card "${folder}/foreign.json" beside it: ` +
      "say the model, the classes and the image shape",
  );
  const { model: spec, classes, inputShape } = content;
  const { weights: read, card } = await loadWeights(path, { model: spec, classes, inputShape });
  assertEquals(read, weights);
  assertEquals([card.model, card.classes, card.provenance, card.sha256.length], [spec, classes, {}, 64]);
});

withFolder("loadWeights() tells missing files, other formats and other models apart", async (folder) => {
  const path = `${folder}/a.safetensors`;
  await assertRejects(
    () => loadWeights(path),
    CheckpointError,
    `Cannot load "${path}" as there is no such file: check the path`,
  );
  const { model, classes, inputShape } = content;
  await Deno.writeFile(path, new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 1]));
  await assertRejects(
    () => loadWeights(path, { model, classes, inputShape }),
    CheckpointError,
    `Cannot read "${path}" as safetensors as it says that its header has 67324752 bytes where 1 follow`,
  );
  await Deno.writeFile(path, encodeSafetensors({ tensors: { "fc.wieght": float32([1]) } }));
  const error = await assertRejects(() => loadWeights(path, { model, classes, inputShape }), CheckpointError);
  assertEquals(
    error.message.startsWith(`Cannot use "${path}" as weights of this model: "conv1.weight" [2,3,3,3] is missing`),
    true,
  );
  assertEquals(error.message.includes('"fc.weight" [3,8] is missing (nearest in the file: "fc.wieght")'), true);
  assertEquals(error.message.split("is missing").length - 1, 22);
});

for (const path of ["zoo/teacher.pt", "zoo/teacher.PTH"]) {
  Deno.test(`loadWeights() refuses "${path}" and says how to convert it`, async () => {
    await assertRejects(
      () => loadWeights(path),
      CheckpointError,
      `Cannot load "${path}" as it is a pickle, which can run code: convert it in Python with the two lines below ` +
        'and load "zoo/teacher.safetensors"\n' +
        `import torch, safetensors.torch as s; w = torch.load("${path}", map_location="cpu", weights_only=True)\n` +
        's.save_file({k: v.clone() for k, v in w.get("state_dict", w).items()}, "zoo/teacher.safetensors")',
    );
  });
}
