import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { decodeDataset, indexZip, openImageFolder, type ZipPlace } from "../../lib/data/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { fileOf } from "./_pillow.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";
import { zip, zipFolder } from "./_zip.ts";

Deno.test("indexZip() lists files, packed or not, and openImageFolder() reads them as it reads a folder", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(`${root}/below/images`);
    const view = { kind: "centre", size: 4, resize: 5 } as const;
    const plain = await openImageFolder(`${root}/below/images`, { name: "tiny" });
    const expected = (await decodeDataset(plain, { view, workers: 1 })).dataset;
    for (const [level, way] of [[0, "stored"], [6, "deflated"]] as const) {
      const path = `${root}/${way}.zip`;
      await Deno.writeFile(path, await zipFolder(`${root}/below`, level));
      const files = await indexZip(path);
      assertEquals(files.length, 6);
      assert(files.every(({ name, inside, zip }) => name === `${path}/${inside}` && zip === way));
      const folder = await openImageFolder(path, { name: "tiny", inside: "images" });
      assertEquals([folder.classes, folder.ignored], [["a", "b"], 1]);
      assertEquals((await decodeDataset(folder, { view, workers: 1 })).dataset, expected);
    }
  });
});

Deno.test("indexZip() refuses what is missing, no archive, cut short, or encrypted; a damaged file is told by its name", async () => {
  await inTempFolder(async (root) => {
    const path = `${root}/a.zip`;
    const failure = async () => (await assertRejects(() => indexZip(path), DataError)).message;
    assertEquals(await failure(), `Cannot read "${path}" as there is no such file: check the path`);
    const bytes = await zip([["a/", new Uint8Array(0)], ["a/1.jpg", fileOf("rgb.jpg")]]);
    for (const wrong of [bytes.subarray(0, bytes.length - 30), new Uint8Array(100)]) {
      await Deno.writeFile(path, wrong);
      const message = await failure();
      assert(/^Cannot read ".*a\.zip" as a \.zip archive \(.+\): download or copy it again$/.test(message), message);
    }
    await Deno.writeFile(path, await zip([["a/1.jpg", fileOf("rgb.jpg")]], { password: "secret" }));
    assert((await failure()).endsWith('as "a/1.jpg" in it is encrypted: unpack it, and give the folder'));

    await Deno.writeFile(path, bytes);
    const [{ offset }] = await indexZip(path) as [ZipPlace];
    await Deno.writeFile(path, bytes.map((byte, i) => i >= offset + 30 && i < offset + 190 ? 255 : byte));
    const folder = await openImageFolder(path);
    const view = { kind: "centre", size: 4, resize: 5 } as const;
    const { message } = await assertRejects(() => decodeDataset(folder, { view, workers: 1 }), DataError);
    assertEquals(message, `Cannot read "${path}/a/1.jpg" as it cannot be decompressed: copy "${path}" again`);
  });
});
