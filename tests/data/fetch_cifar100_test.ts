import { assertEquals, assertRejects } from "@std/assert";
import { ChecksumError, DataError, sha256Hex } from "../../lib/core/mod.ts";
import { CIFAR100_SHA256, fetchCifar100 } from "../../lib/data/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { sendBytes, withServer } from "../testing/servers.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i);

Deno.test("fetchCifar100() takes another copy where it is given, and the official checksum where none is", async () => {
  await withServer(() => sendBytes(BYTES, 0), async ({ url }) => {
    await inTempFolder(async (folder) => {
      const to = `${folder}/new/c`;
      assertEquals(await fetchCifar100({ to, url, sha256: await sha256Hex(BYTES) }), to);
      assertEquals(await Deno.readFile(to), BYTES);
      const error = await assertRejects(() => fetchCifar100({ to: `${folder}/d`, url }), ChecksumError);
      assertEquals(error.expected, CIFAR100_SHA256);
    });
  });
});

Deno.test("fetchCifar100() says what else can be done", async () => {
  await withServer(() => new Response("no", { status: 404, statusText: "Not Found" }), async ({ url }) => {
    await inTempFolder(async (folder) => {
      assertEquals(
        (await assertRejects(() => fetchCifar100({ to: `${folder}/c`, url }), DataError)).message,
        `Cannot fetch "${url}" as its server answers 404 Not Found: check the address, or download the file by hand ` +
          "and point at it with --data PATH",
      );
    });
  });
});
