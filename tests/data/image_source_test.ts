import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { decodeDataset, gather, imageSource, openImageFolder } from "../../lib/data/mod.ts";
import { inTempFolder } from "./_tiny_cifar10.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

Deno.test("imageSource() gives the batches that a data set in memory gives, and ends its threads", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const folder = await openImageFolder(root);
    const view = { kind: "centre", size: 4, resize: 5 } as const;
    const { dataset } = await decodeDataset(folder, { view, workers: 1 });
    const source = imageSource(folder, { view, workers: 2 });
    {
      using images = source;
      assertEquals(images.count, 5);
      const positions = [3, 0, 0, 4];
      assertEquals(await images.load(positions), gather(dataset, positions));
      await Deno.remove(folder.places[1]!.path);
      assertEquals(
        (await assertRejects(() => images.load([1]), DataError)).message,
        `Cannot read "${folder.places[1]!.name}" as it is no longer there: put it back or list the folder again`,
      );
    }
    await assertRejects(() => source.load([0]), ReferenceError, "Cannot decode after the threads were ended");
  });
});
