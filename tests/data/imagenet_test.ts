import { assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { decodeDataset, loadData, openImageFolder, readImagenet } from "../../lib/data/mod.ts";
import { inTempFolder, tar } from "./_tiny_cifar10.ts";
import { fileOf } from "./_pillow.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

const SPEC = { kind: "imagenet", seed: 1, size: 7, classes: 2 } as const;

Deno.test("readImagenet() takes the middle of the images of val, resized by 256 / 224 of its side", async () => {
  await inTempFolder(async (path) => {
    await writeTinyFolder(`${path}/val`);
    const { train, test } = await readImagenet(`${path}/`, SPEC);
    const folder = await openImageFolder(`${path}/val`, { name: "imagenet test" });
    const view = { kind: "centre", size: 7, resize: 8 } as const;
    assertEquals(test, (await decodeDataset(folder, { view })).dataset);
    assertEquals([train.name, train.ids.length, train.imageShape], ["imagenet train", 0, [7, 7, 3]]);
  });
});

Deno.test("loadData() reads training images of ImageNet where they are asked for, and names its classes", async () => {
  await inTempFolder(async (path) => {
    await writeTinyFolder(`${path}/val`);
    const a = tar([["a_0.JPEG", fileOf("rgb.jpg")], ["a_1.JPEG", fileOf("grey.jpg")]]);
    await Deno.writeFile(`${path}/ILSVRC2012_img_train.tar`, tar([["a.tar", a]]));
    const spec = { ...SPEC, trainCount: 2, validation: 1, testCount: 3 } as const;
    assertEquals(
      (await assertRejects(() => loadData(spec, { path }), DataError)).message,
      `Cannot read ImageNet from "${path}/ILSVRC2012_img_train.tar" as it has 1 classes where 2 were expected: ` +
        `write "classes": 1 in the data's spec, or list all in "${path}/classes.txt", one per line`,
    );
    await Deno.writeTextFile(`${path}/classes.txt`, "b goldfish\na tench\n");
    const { train, validation, test } = await loadData(spec, { path });
    assertEquals([train.ids.length, validation.ids.length, test.ids.length], [1, 1, 3]);
    assertEquals([train.classes, train.labels[0]], [["goldfish", "tench"], 1]);
    assertEquals(test.ids, test.ids.slice().sort());
  });
});

Deno.test("readImagenet() tells of damaged files that it leaves out, and says what is wrong", async () => {
  await inTempFolder(async (path) => {
    assertEquals(
      (await assertRejects(() => loadData(SPEC), DataError)).message,
      "Cannot load ImageNet as no path was given: pass --data PATH, a folder with val (and train)",
    );
    assertEquals(
      (await assertRejects(() => readImagenet(path, SPEC), DataError)).message,
      `Cannot read ImageNet from "${path}" as there is no val, val.tar in it: ` +
        "pass --data with the folder that holds a folder per class in train and val",
    );
    await writeTinyFolder(`${path}/val`);
    assertEquals(
      (await assertRejects(() => readImagenet(path, { ...SPEC, testCount: 6 }), UsageError)).message,
      'Cannot take 6 images of "imagenet test": write an integer from 1 to 5',
    );
    await Deno.truncate(`${path}/val/b/1.JPEG`, 50);
    const ids: number[] = [];
    const { test } = await readImagenet(path, { ...SPEC, onCorrupt: "skip" }, { onSkipped: ({ id }) => ids.push(id) });
    assertEquals([ids, [...test.ids]], [[4], [0, 1, 2, 3]]);
  });
});
