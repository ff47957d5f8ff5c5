import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DataError } from "../../../lib/core/mod.ts";
import { libraryFile } from "../../../lib/engine/libtensorflow/find_library.ts";
import { installLibrary } from "../../../lib/engine/libtensorflow/install_library.ts";
import { zip } from "./_tiny_zip.ts";

Deno.test("installLibrary() leaves nothing behind where the library does not work", async () => {
  const root = await Deno.makeTempDir({ prefix: "kdiga-" });
  try {
    const wheel = join(root, "a.whl");
    const noLibrary = new TextEncoder().encode("no library");
    const names = [libraryFile(Deno.build.os, "cc"), libraryFile(Deno.build.os, "framework")];
    await Deno.writeFile(wheel, zip(names.map((name) => [`tensorflow/${name}`, noLibrary, "stored"])));
    const folder = join(root, "cache", "kdiga", "tensorflow");
    await assertRejects(
      () => installLibrary({ wheel, folder }),
      DataError,
      names[0] === undefined ? "Cannot use TensorFlow's library on" : "Cannot use the unpacked TensorFlow library: ",
    );
    assertEquals(Array.from(Deno.readDirSync(join(root, "cache", "kdiga"))), []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
