import { assertEquals, assertRejects } from "@std/assert";
import { DataError, rng, UsageError } from "../../lib/core/mod.ts";
import { loadData, readTinyImagenet } from "../../lib/data/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { zipFolder } from "./_zip.ts";

// Pillow 12.3: Image.new("RGB", (64, 64), (200, 40, 40)) and Image.new("L", (64, 64), 77), saved as JPEG of quality 90
// with optimize=True; Pillow reads back the same numbers.
const RED = Uint8Array.fromBase64(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYU" +
    "GBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCABA" +
    "AEADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFgEBAQEAAAAAAAAAAAAAAAAAAAcI/8QA" +
    "FBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AigCbtqgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP//Z",
);
const GREY = Uint8Array.fromBase64(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYU" +
    "GBIUFRT/wAALCABAAEABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAj/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AJ3AAAAAAAAAAAAA" +
    "AAAAAAAAf//Z",
);

/** Three classes, not sorted in wnids.txt, with two training images each, the second grey; three images of val. */
async function writeTiny(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/val/images`, { recursive: true });
  await Deno.writeTextFile(`${folder}/wnids.txt`, "n03\nn01\nn02\n");
  await Deno.writeTextFile(`${folder}/words.txt`, "n01\tgoldfish, Carassius auratus\nn02\tbull\nn09\tother\n");
  for (const wnid of ["n01", "n02", "n03"]) {
    await Deno.mkdir(`${folder}/train/${wnid}/images`, { recursive: true });
    await Deno.writeTextFile(`${folder}/train/${wnid}/${wnid}_boxes.txt`, `${wnid}_0.JPEG\t0\t0\t1\t1\n`);
    await Deno.writeFile(`${folder}/train/${wnid}/images/${wnid}_0.JPEG`, RED);
    await Deno.writeFile(`${folder}/train/${wnid}/images/${wnid}_1.JPEG`, GREY);
  }
  const rows = ["n03", "n01", "n03"].map((wnid, i) => `val_${i}.JPEG\t${wnid}\t0\t32\t44\t62\n`);
  await Deno.writeTextFile(`${folder}/val/val_annotations.txt`, rows.join(""));
  for (let i = 0; i < 3; i++) await Deno.writeFile(`${folder}/val/images/val_${i}.JPEG`, i === 1 ? GREY : RED);
}

const unit = (byte: number) => Math.fround(byte / 255);

Deno.test("readTinyImagenet() labels by the sorted ids, and takes the images of val as test images", async () => {
  await inTempFolder(async (folder) => {
    await writeTiny(`${folder}/tiny-imagenet-200`);
    const { train, test } = await readTinyImagenet(folder, { seed: 1 });
    assertEquals([train.name, test.name], ["tinyimagenet train", "tinyimagenet test"]);
    assertEquals([train.classes, test.classes], [["goldfish", "bull", "n03"], ["goldfish", "bull", "n03"]]);
    assertEquals([[...train.ids], [...train.folder.labels]], [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 2]]);
    assertEquals([[...test.ids], [...test.labels]], [[0, 1, 2], [2, 0, 2]]);
    assertEquals(train.imageShape, [64, 64, 3]);
    const pixel = (images: Uint8Array, i: number) => [...images.subarray(i * 12288 + 5001, i * 12288 + 5004)];
    for await (const { ids, x } of train.batches({ batchSize: 1, rng: rng(1), epoch: 0 })) {
      assertEquals([...x.data.subarray(5001, 5004)], (ids[0]! % 2 === 0 ? [200, 40, 40] : [77, 77, 77]).map(unit));
    }
    assertEquals([pixel(test.images, 0), pixel(test.images, 1)], [[200, 40, 40], [77, 77, 77]]);
    const path = `${folder}/tiny-imagenet-200/`;
    const again = await readTinyImagenet(path, { seed: 1 });
    assertEquals([again.train.folder.labels, again.test], [train.folder.labels, test]);
    const some = await loadData({ kind: "tinyimagenet", seed: 1, trainCount: 4, validation: 1, testCount: 2 }, {
      path,
    });
    assertEquals([some.train.ids.length, some.validation.ids.length, some.test.ids.length], [3, 1, 2]);
    assertEquals((await readTinyImagenet(path, { seed: 1, trainCount: 0 })).train.ids.length, 0);
    // The archive as it is, by its path or that of its folder.
    await Deno.mkdir(`${folder}/packed`);
    await Deno.writeFile(`${folder}/packed/tiny-imagenet-200.zip`, await zipFolder(folder, 6));
    for (const packed of [`${folder}/packed`, `${folder}/packed/tiny-imagenet-200.zip`]) {
      const read = await readTinyImagenet(packed, { seed: 1 });
      assertEquals([read.test, read.train.folder.labels], [test, train.folder.labels]);
      const options = { batchSize: 3, rng: rng(1), epoch: 0 };
      assertEquals(
        await Array.fromAsync(read.train.batches(options)),
        await Array.fromAsync(train.batches(options)),
      );
    }
    assertEquals(
      (await assertRejects(() => readTinyImagenet(path, { seed: 1, testCount: 4 }), UsageError)).message,
      'Cannot take 4 images of "tinyimagenet test": write an integer from 1 to 3',
    );
  });
});

Deno.test("readTinyImagenet() refuses what is missing, damaged, or does not fit together", async () => {
  await inTempFolder(async (folder) => {
    const advice = "point it at tiny-imagenet-200.zip or the folder tiny-imagenet-200";
    const failure = async () => (await assertRejects(() => readTinyImagenet(folder, { seed: 1 }), DataError)).message;
    assertEquals(await failure(), `Cannot read Tiny ImageNet from "${folder}" as wnids.txt is missing: ${advice}`);
    await writeTiny(folder);
    await Deno.writeFile(`${folder}/val/images/val_1.JPEG`, GREY.subarray(0, 120));
    assertEquals((await failure()).startsWith(`Cannot decode "${folder}/val/images/val_1.JPEG" as JPEG (`), true);
    const annotations = `${folder}/val/val_annotations.txt`;
    await Deno.writeTextFile(annotations, "val_0.JPEG\tn01\t0\nval_1.JPEG\tn09\t0\n");
    assertEquals(
      await failure(),
      `Cannot read "${annotations}" as line 2 names "val_1.JPEG" and "n09" where a file and a class of wnids.txt were ` +
        `expected: ${advice}`,
    );
    await Deno.writeTextFile(annotations, "../../a.JPEG\tn01\t0\n");
    assertEquals((await failure()).includes('line 1 names "../../a.JPEG" and "n01"'), true);
    await Deno.writeTextFile(annotations, "val_0.JPEG\tn01\t0\n");
    await Deno.writeTextFile(`${folder}/wnids.txt`, "n01\nn02\n");
    assertEquals(
      await failure(),
      `Cannot read Tiny ImageNet from "${folder}" as train has 3 folders of classes which are not the 2 of wnids.txt: ` +
        advice,
    );
  });
});
