import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { readCifar10 } from "../../lib/data/mod.ts";
import { byteAt, cifarFile, cifarFiles, gzip, inTempFolder, tar } from "./_tiny_cifar10.ts";

const THREE = { expectedRecords: 3 };
const ADVICE = 'point it at the "binary version" of CIFAR-10, or run `deno task fetch cifar10`';
const inFolder = (files: [string, Uint8Array][]) =>
  files.map(([name, bytes]): [string, Uint8Array] => [`cifar-10-batches-bin/${name}`, bytes]);

async function writeFolder(folder: string, files: readonly [string, Uint8Array][]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await Deno.writeFile(`${folder}/${name}`, bytes);
}

/** The message with which reading fails. */
async function failure(path: string, options = THREE): Promise<string> {
  return (await assertRejects(() => readCifar10(path, options), DataError)).message;
}

Deno.test("readCifar10() puts channels last and numbers the images", async () => {
  await inTempFolder(async (folder) => {
    await writeFolder(folder, cifarFiles(3));
    const { train, test } = await readCifar10(folder, THREE);
    assertEquals([train.name, train.ids.length, test.name, test.ids.length], ["cifar10 train", 15, "cifar10 test", 3]);
    assertEquals(Array.from(train.ids), Array.from({ length: 15 }, (_, i) => i));
    assertEquals(Array.from(test.ids), [0, 1, 2]);
    assertEquals(Array.from(train.labels), [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6]);
    assertEquals(Array.from(test.labels), [5, 6, 7]);
    assertEquals([train.imageShape, train.classes[3]], [[32, 32, 3], "cat"]);
    const at = (file: number, i: number, row: number, column: number, channel: number) =>
      byteAt(file, i, channel * 1024 + row * 32 + column);
    for (const [row, column] of [[0, 0], [0, 31], [17, 5], [31, 31]] as const) {
      for (let c = 0; c < 3; c++) {
        const k = (row * 32 + column) * 3 + c;
        assertEquals(train.images[(2 * 3 + 1) * 3072 + k], at(2, 1, row, column, c));
        assertEquals(test.images[2 * 3072 + k], at(5, 2, row, column, c));
      }
    }
  });
});

Deno.test("readCifar10() reads folders, the folder above, .tar and .tar.gz alike, in any order", async () => {
  await inTempFolder(async (folder) => {
    const files = cifarFiles(3);
    await writeFolder(`${folder}/a/cifar-10-batches-bin`, files);
    const expected = await readCifar10(`${folder}/a`, THREE);
    assertEquals(await readCifar10(`${folder}/a/`, THREE), expected);
    assertEquals(await readCifar10(`${folder}/a/cifar-10-batches-bin`, THREE), expected);
    const archive = tar([
      ["cifar-10-batches-bin/", new Uint8Array(0), "5"],
      ["cifar-10-batches-bin/batches.meta.txt", new TextEncoder().encode("airplane\n")],
      ...inFolder(files).reverse(),
      ["cifar-10-batches-bin/readme.html", new Uint8Array(700)],
    ]);
    await Deno.writeFile(`${folder}/c.tar`, archive);
    assertEquals(await readCifar10(`${folder}/c.tar`, THREE), expected);
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeFile(`${folder}/b/cifar-10-binary.tar.gz`, await gzip(archive));
    assertEquals(await readCifar10(`${folder}/b/cifar-10-binary.tar.gz`, THREE), expected);
    assertEquals(await readCifar10(`${folder}/b`, THREE), expected);
  });
});

Deno.test("readCifar10() says what is missing", async () => {
  await inTempFolder(async (folder) => {
    assertEquals(await failure(`${folder}/no`), `Cannot read CIFAR-10 as there is no "${folder}/no": ${ADVICE}`);
    await writeFolder(folder, cifarFiles(3).slice(1, 5));
    const missing = (path: string) =>
      `Cannot read CIFAR-10 from "${path}" as data_batch_1.bin, test_batch.bin is missing: ${ADVICE}`;
    assertEquals(await failure(folder), missing(folder));
    await Deno.writeFile(`${folder}/c.tar`, tar(inFolder(cifarFiles(3).slice(1, 5))));
    assertEquals(await failure(`${folder}/c.tar`), missing(`${folder}/c.tar`));
  });
});

Deno.test("readCifar10() refuses files of another size and labels above 9", async () => {
  await inTempFolder(async (folder) => {
    await writeFolder(folder, cifarFiles(3));
    await Deno.writeFile(`${folder}/data_batch_2.bin`, cifarFile(1, 3).subarray(0, 9000));
    assertEquals(
      await failure(folder),
      `Cannot read "${folder}/data_batch_2.bin" as it has 9000 bytes where 3 images of 3073 bytes were expected ` +
        `(9219): it is cut short or of another format; ${ADVICE}`,
    );
    const bad = cifarFile(1, 3);
    bad[2 * 3073] = 10;
    await Deno.writeFile(`${folder}/data_batch_2.bin`, bad);
    assertEquals(
      await failure(folder),
      `Cannot read "${folder}/data_batch_2.bin" as image 2 has the label 10 where 0 to 9 was expected: ` +
        `it is damaged or of another format; ${ADVICE}`,
    );
    await Deno.writeFile(`${folder}/data_batch_2.bin`, cifarFile(1, 3));
    assertStringIncludes(
      (await assertRejects(() => readCifar10(folder), DataError)).message,
      'data_batch_1.bin" as it has 9219 bytes where 10000 images of 3073 bytes were expected',
    );
  });
});

Deno.test("readCifar10() refuses archives that are cut short or none", async () => {
  await inTempFolder(async (folder) => {
    const archive = tar(inFolder(cifarFiles(3)));
    const path = `${folder}/c.tar`;
    await Deno.writeFile(path, archive.subarray(0, 512 + 9000));
    assertEquals(
      await failure(path),
      `Cannot read "${path}" as it ends 219 bytes before the end of "cifar-10-batches-bin/data_batch_1.bin": ` +
        "it is cut short; download or copy it again",
    );
    await Deno.writeFile(path, archive.subarray(0, 300));
    const damaged = `Cannot read "${path}" as a tar archive: it is damaged or of another format`;
    assertEquals(await failure(path), damaged);
    await Deno.writeFile(path, new Uint8Array(0));
    assertEquals(await failure(path), damaged);
    await Deno.writeFile(path, new TextEncoder().encode("<html>".repeat(200)));
    assertEquals(await failure(path), damaged);
    const flipped = archive.slice();
    flipped[3]! ^= 1;
    await Deno.writeFile(path, flipped);
    assertEquals(await failure(path), damaged);

    const zipped = await gzip(archive);
    const gz = `${folder}/c.tar.gz`;
    await Deno.writeFile(gz, zipped.subarray(0, zipped.length >> 1));
    const cut = await failure(gz);
    assertStringIncludes(cut, `"${gz}"`);
    assertStringIncludes(cut, "download or copy it again");
    await Deno.writeFile(gz, archive);
    assertStringIncludes(await failure(gz), `Cannot unpack "${gz}" as gzip (`);
  });
});
