import { assertEquals } from "@std/assert";
import { decodePool } from "../../lib/data/_decode_pool.ts";
import { openImageFolder } from "../../lib/data/mod.ts";
import { inTempFolder } from "./_tiny_cifar10.ts";
import { writeTinyFolder } from "./_tiny_folder.ts";

Deno.test("decodePool() can be ended while its threads start: once in a few, the whole process went with them", async () => {
  await inTempFolder(async (root) => {
    await writeTinyFolder(root);
    const { places } = await openImageFolder(root);
    const view = { kind: "centre", size: 4, resize: 5 } as const;
    for (let k = 0; k < 40; k++) {
      const pool = decodePool(4);
      const decoded = [0, 1, 2, 3].map((i) => pool.decode({ place: places[i]!, view }).catch(() => undefined));
      await new Promise((resolve) => setTimeout(resolve, 3 * k));
      pool[Symbol.dispose]();
      await Promise.all(decoded);
    }
    using pool = decodePool(4);
    for (const place of places) assertEquals((await pool.decode({ place, view })).length, 48);
  });
});
