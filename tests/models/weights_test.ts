import { assertEquals, assertRejects } from "@std/assert";
import { CheckpointError, ChecksumError, float32, int32, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import {
  createModel,
  encodeSafetensors,
  type LoadOptions,
  loadWeights,
  type Network,
  saveWeights,
  toPyTorch,
  type Weights,
} from "../../lib/models/mod.ts";
import { SHAPE, SMALL } from "./_small_models.ts";

const model = createModel(SMALL.cnn, SHAPE);
const weights = model.init(rng(1));
const content = {
  model: SMALL.cnn,
  classes: ["circle", "square", "star"],
  inputShape: SHAPE.inputShape,
  provenance: { method: "test", seed: 1 },
};

const { model: spec, classes, inputShape } = content;

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
  await Deno.writeFile(path, new Uint8Array([0x51, 0x4b, 3, 4, 0, 0, 0, 0, 1]));
  await assertRejects(
    () => loadWeights(path, { model: spec, classes, inputShape }),
    CheckpointError,
    `Cannot read "${path}" as safetensors as it says that its header has 67324753 bytes where 1 follow`,
  );
  await Deno.writeFile(path, encodeSafetensors({ tensors: { "fc.wieght": float32([1]) } }));
  const error = await assertRejects(() => loadWeights(path, { model: spec, classes, inputShape }), CheckpointError);
  assertEquals(
    error.message.startsWith(`Cannot use "${path}" as weights of this model: "conv1.weight" [2,3,3,3] is missing`),
    true,
  );
  assertEquals(error.message.includes('"fc.weight" [3,8] is missing (nearest in the file: "fc.wieght")'), true);
  assertEquals(error.message.split(" is missing").length - 1, 22);
});

for (
  const [file, bytes, to] of [
    ["teacher.pt", [0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0], "teacher.safetensors"],
    ["teacher.pth.tar", [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20], "teacher.safetensors"],
    ["pytorch_model.bin", [0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0], "pytorch_model.safetensors"],
    ["renamed.safetensors", [0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0], "renamed-converted.safetensors"],
  ] as const
) {
  withFolder(
    `loadWeights() knows the pickle "${file}" by its first bytes and says how to convert it`,
    async (folder) => {
      const path = `${folder}/${file}`;
      await Deno.writeFile(path, new Uint8Array(bytes));
      await assertRejects(
        () => loadWeights(path, { model: spec, classes, inputShape }),
        CheckpointError,
        `Cannot load "${path}" as it is a pickle, which can run code: convert it in Python with the two lines below ` +
          `and load "${folder}/${to}"\n` +
          `import torch, safetensors.torch as s; w = torch.load("${path}", map_location="cpu", weights_only=True); ` +
          'w = next((w[k] for k in ("state_dict", "model_state_dict", "model", "net") if k in w), w)\n' +
          `s.save_file({k: v.contiguous().clone() for k, v in w.items() if torch.is_tensor(v)}, "${folder}/${to}")`,
      );
    },
  );
}

withFolder("loadWeights() does not take the length of a header for a pickle", async (folder) => {
  // A header of 0x0280 bytes: the file begins with 0x80 and 2.
  const path = `${folder}/a.safetensors`;
  const small = encodeSafetensors({ tensors: { a: float32([1]) }, metadata: { pad: " ".repeat(558) } });
  assertEquals([small[0], small[1]], [0x80, 2]);
  await Deno.writeFile(path, small);
  const error = await assertRejects(() => loadWeights(path, { model: spec, classes, inputShape }), CheckpointError);
  assertEquals(error.message.includes("is missing"), true);
});

/** Writes the weights of the model as another code base would have them, and loads them. */
async function loadForeign(
  folder: string,
  extra: Record<string, NdArray>,
  { rename = (key: string) => key, ...options }: LoadOptions & { rename?: (key: string) => string } = {},
) {
  const path = `${folder}/foreign.safetensors`;
  const renamed = Object.entries(toPyTorch(weights)).map(([key, array]) => [rename(key), array]);
  await Deno.writeFile(path, encodeSafetensors({ tensors: { ...extra, ...Object.fromEntries(renamed) } }));
  const { mean: _mean, std: _std, ...plain } = SMALL.cnn;
  return await loadWeights(path, { model: plain, classes, inputShape, ...options });
}
const MU = float32([1, 3, 1, 1], [0.4914, 0.4822, 0.4465]);
const SIGMA = float32([1, 3, 1, 1], [0.2471, 0.2435, 0.2616]);

for (
  const [what, mean, std] of [
    ["mu and sigma", "mu", "sigma"],
    ["a layer that normalises", "normalize.mean", "normalize.std"],
    ["the first of a Sequential", "module.0.mean", "module.0.std"],
    ["the normalizer of MadryLab/robustness", "module.normalizer.new_mean", "module.normalizer.new_std"],
  ] as const
) {
  withFolder(`loadWeights() makes ${what} the model's normalisation`, async (folder) => {
    const { card, model: network, weights: read } = await loadForeign(folder, { [mean]: MU, [std]: SIGMA });
    assertEquals([card.model.mean, card.model.std], [[...MU.data], [...SIGMA.data]]);
    assertEquals(read, weights);
    // They count: another network with other logits.
    await using engine = await createEngine("reference");
    const x = float32([1, ...SHAPE.inputShape], rng(5).uniform(240));
    const asked = createModel({ ...SMALL.cnn, mean: [...MU.data], std: [...SIGMA.data] }, SHAPE);
    const logits = async ({ logits }: Network) =>
      await engine.read(
        await engine.compile((at: { w: Weights<Tensor>; x: Tensor }) => logits(at.w, at.x))({ w: weights, x }),
      );
    assertEquals(await logits(network), await logits(asked));
  });
}

withFolder("loadWeights() keeps a normalisation that is said and the same, and refuses another", async (folder) => {
  const mean = [0.4914, 0.4822, 0.4465];
  const { card } = await loadForeign(folder, { mu: MU, sigma: SIGMA }, { mean });
  assertEquals(card.model.mean, mean);
  await assertRejects(
    () => loadForeign(folder, { mu: MU, sigma: SIGMA }, { mean: [0.5, 0.5, 0.5] }),
    CheckpointError,
    `Cannot use "${folder}/foreign.safetensors" as its normalisation has mean [0.4914, 0.4822, 0.4465] ("mu") where ` +
      "the model has [0.5, 0.5, 0.5]: leave mean out, and that of the file is used",
  );
  await assertRejects(
    () => loadForeign(folder, { mu: MU, sigma: SIGMA, "normalize.mean": SIGMA }),
    CheckpointError,
    'as its "mu" and "normalize.mean" differ: keep one of them in the file',
  );
  // Of one channel, or alone, it is none.
  await assertRejects(() => loadForeign(folder, { mu: MU }), CheckpointError, '"mu" [1,3,1,1] is unexpected');
  await assertRejects(
    () => loadForeign(folder, { mu: float32([1]), sigma: float32([1]) }),
    CheckpointError,
    '"mu" [1] is unexpected; "sigma" [1] is unexpected',
  );
});

withFolder("loadWeights() takes mean and std, and a number of classes, from its options", async (folder) => {
  const { card } = await loadForeign(folder, {}, { mean: [0.5, 0.5, 0.5], std: [1, 2, 3], classes: 3 });
  assertEquals([card.model.mean, card.model.std, card.classes], [[0.5, 0.5, 0.5], [1, 2, 3], ["0", "1", "2"]]);
});

withFolder("loadWeights() takes what wrappers and other code bases make of the names", async (folder) => {
  const rename = (key: string) => `_orig_mod.module.1.${key.replace(/^fc/, "linear")}`;
  const extra = {
    "module.conv1.num_batches_tracked": int32([]),
    "module.sub_block1.layer.0.bn1.weight": float32([2]),
    "module.attacker.model.conv1.weight": float32([7]),
  };
  assertEquals((await loadForeign(folder, extra, { rename })).weights, weights);
});

withFolder("a changed weights file never ends in anything but a CheckpointError", async (folder) => {
  const path = `${folder}/a.safetensors`;
  const whole = encodeSafetensors({ tensors: toPyTorch(weights) });
  const header = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
  const draw = rng(20240517, "fuzz").uniform([600 * 4]);
  let refused = 0;
  for (let i = 0; i < 600; i++) {
    const [a, b, c, d] = draw.slice(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const bytes = whole.slice(0, a < 0.2 ? Math.floor(b * whole.length) : undefined);
    // Most flips hit the header, where they matter.
    for (let k = 0; k < 1 + 3 * d && bytes.length > 0; k++) {
      const at = Math.floor(((b * (k + 1) * 997) % 1) * (c < 0.9 ? Math.min(header, bytes.length) : bytes.length));
      bytes[at]! ^= 1 << Math.floor(8 * ((c * (k + 1) * 991) % 1));
    }
    await Deno.writeFile(path, bytes);
    try {
      await loadWeights(path, { model: spec, classes, inputShape });
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw new Error(`change ${i} ended in ${error}`);
      refused++;
    }
  }
  assertEquals(refused > 400, true);
});
