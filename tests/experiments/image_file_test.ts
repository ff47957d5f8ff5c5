import { assertEquals, assertRejects } from "@std/assert";
import { CheckpointError, DataError, float32, int32 } from "../../lib/core/mod.ts";
import { type ImageFile, imageFileName, loadImages, saveImages } from "../../lib/experiments/mod.ts";
import { decodeSafetensors, encodeSafetensors } from "../../lib/models/mod.ts";
import { inTempFolder } from "./_tiny.ts";

const FILE: ImageFile = {
  method: "kd",
  attack: "pgd-20-step-2/255",
  eps: "8/255",
  norm: "Linf",
  seed: 3,
  weights: "ab".repeat(32),
  ids: Int32Array.of(7, 9),
  x: float32([2, 1, 2, 1], [0, 0.25, 1, 0.5]),
  xAdv: float32([2, 1, 2, 1], [0.1, 0.2, 1, 0.6]),
  y: int32([2], [1, 0]),
  margin: Float32Array.of(-0.5, 1.25),
};

Deno.test("loadImages() gives what saveImages() was given", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/${imageFileName(FILE)}`;
    await saveImages(path, FILE);
    assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), [
      "kd_pgd-20-step-2-255_8-255.safetensors",
    ]);
    assertEquals(await loadImages(path), FILE);
    const known: ImageFile = { ...FILE, data: { kind: "cifar10", seed: 2, testCount: 5 }, split: "validation" };
    await saveImages(path, known);
    assertEquals(await loadImages(path), known);
  });
});

Deno.test("loadImages() refuses files that are cut, of something else, or of other shapes", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const refuses = async (type: typeof DataError | typeof CheckpointError, message: string) => {
      const error = await assertRejects(() => loadImages(path), type) as Error;
      assertEquals(error.message.includes(message), true, error.message);
    };
    await refuses(DataError, `Cannot read "${path}" as there is no such file: check the path`);
    await saveImages(path, FILE);
    const bytes = await Deno.readFile(path);
    for (let length = 0; length < bytes.length; length++) {
      await Deno.writeFile(path, bytes.subarray(0, length));
      await refuses(CheckpointError, `Cannot read "${path}" as safetensors as `);
    }
    const { tensors, metadata = {} } = decodeSafetensors(bytes);
    const change = async (content: Parameters<typeof encodeSafetensors>[0]) =>
      await Deno.writeFile(path, encodeSafetensors(content));
    await change({ tensors });
    await refuses(DataError, 'as its format is undefined where "kdiga adversarial images 1" was expected: use a file');
    await change({ tensors: { ...tensors, xAdv: float32([2, 1, 1, 1]) }, metadata });
    await refuses(DataError, "as its xAdv is float32[2,1,1,1] where float32[2,1,2,1] was expected");
    await change({ tensors: { ...tensors, y: int32([1]) }, metadata });
    await refuses(DataError, "as its y is int32[1] where int32[2] was expected");
    await change({ tensors: { ...tensors, x: float32([2, 2]) }, metadata });
    await refuses(DataError, "as its x is [2,2] where [N, H, W, C] was expected");
    await change({ tensors: { ...tensors, x: float32([2, 1, 2, 1], [0, 2, 0, 0]) }, metadata });
    await refuses(DataError, "as a pixel of an original is 2 where pixels are in [0, 1]");
    await change({ tensors, metadata: { ...metadata, norm: "L7" } });
    await refuses(DataError, 'as its norm is "L7"');
    await change({ tensors, metadata: { ...metadata, split: "train" } });
    await refuses(DataError, 'as its split is "train"');
    await change({ tensors, metadata: { ...metadata, data: "{" } });
    await refuses(DataError, "as its data are not JSON");
    await change({ tensors, metadata: { ...metadata, data: '{"kind":"mnist"}' } });
    await refuses(DataError, 'as its data are of the kind "mnist" where one of shapes, cifar10, ');
    const { weights: _, ...rest } = metadata;
    await change({ tensors, metadata: rest });
    await refuses(DataError, "as it has no weights");
  });
});
