import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ChecksumError, DataError } from "../../../lib/core/mod.ts";
import { fetchArchive } from "../../../lib/engine/libtensorflow/fetch_archive.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";
import { sendBytes, withServer } from "../../testing/servers.ts";
import { sourceContext, WHEEL, WHEEL_SHA256 } from "./_source_context.ts";

const archives = (sha256: string) => ({ "linux-x86_64": { file: "1.0/lib.tar.gz", sha256, kept: 5 } });

Deno.test("fetchArchive() fetches the archive of the system and checks it", async () => {
  await withServer(() => sendBytes(WHEEL, 0), ({ url, asked }) =>
    inTempFolder(async (root) => {
      const context = sourceContext(root);
      assertEquals(await fetchArchive(context, archives(WHEEL_SHA256), url), {
        kind: "archives",
        paths: [`${root}/downloads/1.0-lib.tar.gz`],
      });
      assertEquals(asked, ["/1.0/lib.tar.gz"]);
      assertEquals(context.announced, [[`1.0-lib.tar.gz from ${new URL(url).host}`, WHEEL.length, 5]]);
      const other = sourceContext(`${root}/other`);
      await assertRejects(() => fetchArchive(other, archives("0".repeat(64)), url), ChecksumError);
    }));
});

Deno.test("fetchArchive() says where there is none, or it cannot be reached", async () => {
  const message = async (...args: Parameters<typeof fetchArchive>) =>
    (await assertRejects(() => fetchArchive(...args), DataError)).message;
  assertEquals(
    await message(sourceContext("", { target: { os: "linux", arch: "aarch64" } })),
    "TensorFlow publishes no archive for linux on aarch64",
  );
  assertEquals(
    await message(sourceContext("", { gpu: true })),
    "TensorFlow publishes no archive with CUDA's libraries for linux on x86_64",
  );
  let closed = "";
  await withServer(() => new Response(), ({ url }) => Promise.resolve(void (closed = url)));
  await inTempFolder(async (root) => {
    assertMatch(
      await message(sourceContext(root), archives(WHEEL_SHA256), closed),
      /^Cannot reach "\S+\/1\.0\/lib\.tar\.gz" \(.*\): check the connection, or pass the file with --wheel FILE$/,
    );
  });
});
