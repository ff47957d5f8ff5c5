import { assertEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { decodeDataset, decodeImage, openImageFolder, viewImage } from "../../lib/data/mod.ts";
import { fileOf } from "./_pillow.ts";
import { inTempFolder } from "./_tiny_cifar10.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

const VIEW = { kind: "centre", size: 6, resize: 7, filter: "bicubic" } as const;

Deno.test("decodeDataset() holds the middle of images, without those that are damaged where asked", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root, { name: "tiny" });
    const { dataset, skipped } = await decodeDataset(folder, { view: VIEW, positions: [4, 1] });
    assertEquals([dataset.name, dataset.classes, dataset.imageShape, skipped], ["tiny", ["a", "b"], [6, 6, 3], []]);
    assertEquals([[...dataset.ids], [...dataset.labels]], [[4, 1], [1, 0]]);
    const expected = viewImage(await decodeImage(fileOf("rgb.jpg"), ""), VIEW);
    assertEquals(dataset.images.slice(0, 108), expected);

    await Deno.truncate(`${root}/a/2.png`, 60);
    const reason = `Cannot decode "${root}/a/2.png" as PNG (it is damaged): download it again or leave it out`;
    assertEquals((await assertRejects(() => decodeDataset(folder, { view: VIEW }), DataError)).message, reason);
    const rest = await decodeDataset(folder, { view: VIEW, onCorrupt: "skip" });
    assertEquals(rest.skipped, [{ id: 1, reason }]);
    assertEquals([[...rest.dataset.ids], rest.dataset.images.length], [[0, 2, 3, 4], 4 * 108]);
  });
});

Deno.test("decodeDataset() refuses what does not fit into memory", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root, { name: "tiny" });
    assertEquals(
      (await assertRejects(() => decodeDataset(folder, { view: { ...VIEW, size: 40_000 } }), UsageError)).message,
      'Cannot hold 5 images of "tiny" at 40000x40000 in memory (23 GiB where 8 are the most): take fewer',
    );
  });
});
