import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { readCifar100 } from "../../lib/data/mod.ts";
import { cifar100File, cifar100Files } from "./_tiny_cifar100.ts";
import { byteAt, gzip, inTempFolder, tar } from "./_tiny_cifar10.ts";

const TWO = { expectedRecords: 2 };
const ADVICE = 'point it at the "binary version" of CIFAR-100, or run `deno task fetch cifar100`';

async function writeFolder(folder: string, files: readonly [string, Uint8Array][]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await Deno.writeFile(`${folder}/${name}`, bytes);
}

/** The message with which reading fails. */
async function failure(path: string): Promise<string> {
  return (await assertRejects(() => readCifar100(path, TWO), DataError)).message;
}

Deno.test("readCifar100() reads fine labels, or coarse ones, and puts channels last", async () => {
  await inTempFolder(async (folder) => {
    await writeFolder(folder, cifar100Files(2));
    const { train, test } = await readCifar100(folder, TWO);
    assertEquals([train.name, train.ids.length, test.name, test.ids.length], [
      "cifar100 train",
      10,
      "cifar100 test",
      2,
    ]);
    assertEquals([...train.ids], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assertEquals([...train.labels], [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]);
    assertEquals([...test.labels], [1, 12]);
    assertEquals([train.classes.length, train.classes[42], test.classes[99]], [100, "fine 42", "fine 99"]);
    for (const [row, column, c] of [[0, 0, 0], [0, 31, 1], [17, 5, 2], [31, 31, 2]] as const) {
      const k = (row * 32 + column) * 3 + c;
      assertEquals(train.images[7 * 3072 + k], byteAt(0, 7, c * 1024 + row * 32 + column));
      assertEquals(test.images[1 * 3072 + k], byteAt(1, 1, c * 1024 + row * 32 + column));
    }
    const coarse = await readCifar100(folder, { ...TWO, labels: "coarse" });
    assertEquals([...coarse.train.labels], [0, 3, 6, 9, 12, 15, 18, 1, 4, 7]);
    assertEquals([coarse.test.classes.length, coarse.test.classes[19]], [20, "coarse 19"]);
    assertEquals(coarse.train.images, train.images);
  });
});

Deno.test("readCifar100() reads folders, the folder above, .tar and .tar.gz alike, in any order", async () => {
  await inTempFolder(async (folder) => {
    const files = cifar100Files(2);
    await writeFolder(`${folder}/a/cifar-100-binary`, files);
    const expected = await readCifar100(`${folder}/a`, TWO);
    const archive = tar([
      ["cifar-100-binary/", new Uint8Array(0), "5"],
      ...files.map(([name, bytes]): [string, Uint8Array] => [`cifar-100-binary/${name}`, bytes]).reverse(),
    ]);
    await Deno.writeFile(`${folder}/c.tar`, archive);
    assertEquals(await readCifar100(`${folder}/c.tar`, TWO), expected);
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeFile(`${folder}/b/cifar-100-binary.tar.gz`, await gzip(archive));
    assertEquals(await readCifar100(`${folder}/b`, TWO), expected);
  });
});

Deno.test("readCifar100() refuses what is missing, of another size, or out of range", async () => {
  await inTempFolder(async (folder) => {
    assertEquals(await failure(`${folder}/no`), `Cannot read CIFAR-100 as there is no "${folder}/no": ${ADVICE}`);
    await writeFolder(folder, cifar100Files(2).slice(0, 3));
    assertEquals(
      await failure(folder),
      `Cannot read CIFAR-100 from "${folder}" as fine_label_names.txt is missing: ${ADVICE}`,
    );
    await writeFolder(folder, cifar100Files(2));
    await Deno.writeFile(`${folder}/test.bin`, new Uint8Array(2 * 3073));
    assertEquals(
      await failure(folder),
      `Cannot read "${folder}/test.bin" as it has 6146 bytes where 2 images of 3074 bytes were expected (6148): ` +
        `it is cut short or of another format; ${ADVICE}`,
    );
    for (
      const [at, label, what] of [[0, 20, "coarse label 20 where 0 to 19"], [1, 100, "fine label 100 where 0 to 99"]]
    ) {
      const bytes = cifar100File(1, 2);
      bytes[3074 + (at as number)] = label as number;
      await Deno.writeFile(`${folder}/test.bin`, bytes);
      assertEquals(
        await failure(folder),
        `Cannot read "${folder}/test.bin" as image 1 has the ${what} was expected: ` +
          `it is damaged or of another format; ${ADVICE}`,
      );
    }
    await Deno.writeFile(`${folder}/test.bin`, cifar100File(1, 2));
    await Deno.writeTextFile(`${folder}/coarse_label_names.txt`, "fish\nflowers\nfish\n\n");
    assertEquals(
      await failure(folder),
      `Cannot read "${folder}/coarse_label_names.txt" as it has 2 names of classes where 20 were expected: ` +
        `it is damaged or of another format; ${ADVICE}`,
    );
  });
});
