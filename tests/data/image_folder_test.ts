import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { decodeDataset, openImageFolder, type OpenImageFolderOptions } from "../../lib/data/mod.ts";
import { fileOf } from "./_pillow.ts";
import { inTempFolder, tar } from "./_tiny_cifar10.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

const FILES = ["a/10.png", "a/2.png", "a/more/0.png", "b/0.jpg", "b/1.JPEG"];

Deno.test("openImageFolder() orders classes and images as torchvision does, and counts other files", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const { name, classes, ids, labels, places, ignored } = await openImageFolder(`${root}/`);
    assertEquals([name, classes, ignored], [root, ["a", "b"], 1]);
    assertEquals([[...ids], [...labels]], [[0, 1, 2, 3, 4], [0, 0, 0, 1, 1]]);
    assertEquals(places.map(({ path }) => path), FILES.map((file) => `${root}/${file}`));
  });
});

Deno.test("openImageFolder() takes labels and names of classes from a list", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(`${root}/val`);
    const classList = `${root}/classes.txt`;
    await Deno.writeTextFile(classList, "b\tgreat white shark\nnone\n\na  tench\r\n");
    const { classes, labels, places } = await openImageFolder(`${root}/val`, { classList, name: "tiny" });
    assertEquals([classes, [...labels]], [["great white shark", "none", "tench"], [0, 0, 2, 2, 2]]);
    assertEquals(places[0]!.name, `${root}/val/b/0.jpg`);
  });
});

Deno.test("openImageFolder() reads class archives, archives of them, and archives of folders", async () => {
  await inTempFolder(async (root) => {
    const b = tar([["b_1.JPEG", fileOf("rgb.jpg")], ["b_0.JPEG", fileOf("grey.jpg")]]);
    const a = tar([["a_0.JPEG", fileOf("rgb.png")], ["read.me", new Uint8Array(3)]]);
    await Deno.writeFile(`${root}/all.tar`, tar([["b.tar", b], ["a.tar", a]]));
    await Deno.mkdir(`${root}/classes`);
    await Deno.writeFile(`${root}/classes/a.tar`, a);
    await Deno.writeFile(`${root}/classes/b.tar`, b);
    await Deno.writeFile(
      `${root}/folders.tar`,
      tar([
        ["val/b/1.jpg", fileOf("rgb.jpg")],
        ["val/b/0.jpg", fileOf("grey.jpg")],
        ["val/a/0.png", fileOf("rgb.png")],
        [
          "val/read.me",
          new Uint8Array(3),
        ],
      ]),
    );
    const view = { kind: "centre", size: 5, resize: 6 } as const;
    const expected = await (async () => {
      await Deno.mkdir(`${root}/plain/a`, { recursive: true });
      await Deno.mkdir(`${root}/plain/b`);
      await Deno.writeFile(`${root}/plain/a/0.png`, fileOf("rgb.png"));
      await Deno.writeFile(`${root}/plain/b/0.jpg`, fileOf("grey.jpg"));
      await Deno.writeFile(`${root}/plain/b/1.jpg`, fileOf("rgb.jpg"));
      return (await decodeDataset(await openImageFolder(`${root}/plain`), { view, workers: 1 })).dataset;
    })();
    for (const path of ["all.tar", "classes", "folders.tar"]) {
      const folder = await openImageFolder(`${root}/${path}`, { name: `${root}/plain` });
      assertEquals(folder.ignored, 1);
      assertEquals((await decodeDataset(folder, { view, workers: 1 })).dataset, expected);
    }
    const { places } = await openImageFolder(`${root}/all.tar`);
    assertEquals(places[1]!.name, `${root}/all.tar/b.tar/b_0.JPEG`);
  });
});

Deno.test("openImageFolder() says what is missing", async () => {
  const layout = "a folder (or .tar) per class was expected, with .jpg, .jpeg or .png files";
  await inTempFolder(async (root) => {
    const message = async (path: string, options: OpenImageFolderOptions = {}) =>
      (await assertRejects(() => openImageFolder(path, options), DataError)).message;
    assertEquals(
      await message(`${root}/none`),
      `Cannot read images from "${root}/none" as there is no such file or folder: ${layout}`,
    );
    await Deno.writeTextFile(`${root}/file.rar`, "");
    assertEquals(
      await message(`${root}/file.rar`),
      `Cannot read images from "${root}/file.rar" as it is neither a folder nor a .tar or .zip file: unpack it first`,
    );
    assertEquals(
      await message(root),
      `Cannot read images from "${root}" as none was found (1 other files, 0 folders): ${layout}`,
    );
    await writeTinyFolder(`${root}/val`);
    const classList = `${root}/classes.txt`;
    const listed = async (text: string) => {
      await Deno.writeTextFile(classList, text);
      return await message(`${root}/val`, { classList });
    };
    assertEquals(
      await listed("a\n"),
      `Cannot label the images of "${root}/val/b" as "${classList}" has no line for "b": add it, or take another class list`,
    );
    assertEquals(
      await listed("a\nb\na\n"),
      `Cannot read the classes from "${classList}" as "a" is there twice: remove one line`,
    );
    await Deno.writeTextFile(`${root}/val/c`, "");
    assertEquals(
      await listed("a\nb\nc\n"),
      `Cannot read the class "c" as "${root}/val/c" is no folder: ${layout}`,
    );
    assertEquals(
      await message(`${root}/val`, { classList: `${root}/other` }),
      `Cannot read the classes from "${root}/other" as there is no such file: write a folder's name per line`,
    );
  });
});
