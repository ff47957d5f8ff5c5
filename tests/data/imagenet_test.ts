import { assertEquals, assertRejects } from "@std/assert";
import { DataError, rng, UsageError } from "../../lib/core/mod.ts";
import {
  decodeDataset,
  type ImagenetSpec,
  lazyDataset,
  loadData,
  openImageFolder,
  readImagenet,
} from "../../lib/data/mod.ts";
import { inTempFolder, tar } from "./_tiny_cifar10.ts";
import { fileOf } from "./_pillow.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

const SPEC = { kind: "imagenet", seed: 1, size: 7, classes: 2 } as const;
const CENTRE = { kind: "centre", size: 7, resize: 8 } as const;

Deno.test("readImagenet() takes the middle of the images of val, resized by 256 / 224 of its side", async () => {
  await inTempFolder(async (path) => {
    await writeTinyFolder(`${path}/val`);
    const { train, test } = await readImagenet(`${path}/`, { ...SPEC, trainCount: 0 });
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
    const { train, validation, test } = await readImagenet(path, spec);
    assertEquals([train.ids.length, validation.ids.length, test.ids.length], [1, 1, 3]);
    assertEquals([train.classes, train.folder.labels[0]], [["goldfish", "tench"], 1]);
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
      `Cannot read ImageNet from "${path}" as there is no val, val.tar, ILSVRC2012_img_val.tar in it: ` +
        "pass --data with the folder that holds a folder per class in train and val",
    );
    await writeTinyFolder(`${path}/val`);
    assertEquals(
      (await assertRejects(() => readImagenet(path, { ...SPEC, testCount: 6 }), UsageError)).message,
      'Cannot take 6 images of "imagenet test": write an integer from 1 to 5',
    );
    await Deno.truncate(`${path}/val/b/1.JPEG`, 50);
    const ids: number[] = [];
    const { test } = await readImagenet(path, { ...SPEC, trainCount: 0, onCorrupt: "skip" }, {
      onSkipped: ({ id }) => ids.push(id),
    });
    assertEquals([ids, [...test.ids]], [[4], [0, 1, 2, 3]]);
    // Of some, another one makes up for it.
    const made = await readImagenet(path, { ...SPEC, seed: 3, trainCount: 0, testCount: 4, onCorrupt: "skip" });
    assertEquals([...made.test.ids].sort(), [0, 1, 2, 3]);
  });
});

Deno.test("readImagenet() cuts training images at random or in the middle, and reads no more than is used", async () => {
  await inTempFolder(async (path) => {
    await writeTinyFolder(`${path}/val`);
    await writeTinyFolder(`${path}/train`);
    const choice = { batchSize: 5, rng: rng(1), epoch: 0 };
    const first = async (spec: Partial<ImagenetSpec>) => {
      const { train } = await readImagenet(path, { ...SPEC, ...spec });
      return (await Array.fromAsync(train.batches(choice)))[0]!;
    };
    const folder = await openImageFolder(`${path}/train`, { name: "imagenet train" });
    for (const [crops, view] of [["random", { kind: "random", size: 7 }], ["centre", CENTRE]] as const) {
      assertEquals(await first({ crops }), (await Array.fromAsync(lazyDataset(folder, { view }).batches(choice)))[0]);
    }
    assertEquals((await first({})).x, (await first({ crops: "random" })).x);

    const told: string[] = [];
    await Deno.truncate(`${path}/val/a/2.png`, 50);
    const { validation, test } = await readImagenet(path, { ...SPEC, validation: 2, onCorrupt: "skip" }, {
      uses: { train: false, validation: 1, test: 2 },
      onProgress: (done, total, name) => told.push(`${name} ${done}/${total}`),
      onSkipped: ({ id }, name) => told.push(`${name} skipped ${id}`),
    });
    // The damaged one is made up for by a further image.
    assertEquals([[...test.ids], validation.ids.length], [[0, 2], 1]);
    assertEquals(told, [
      "imagenet test 1/2",
      "imagenet test 2/2",
      "imagenet test skipped 1",
      "imagenet validation 1/1",
    ]);
    await Deno.remove(`${path}/train`, { recursive: true });
    const only = await readImagenet(path, { ...SPEC, validation: 2 }, {
      uses: { train: false, validation: 0, test: 1 },
    });
    assertEquals([[...only.test.ids], only.train.ids.length, only.validation.ids.length], [[0], 0, 0]);
    await assertRejects(() => readImagenet(path, { ...SPEC, testCount: 1 }), DataError);
  });
});
