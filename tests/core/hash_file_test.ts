import { assertEquals } from "@std/assert";
import { hashFile } from "../../lib/core/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";

Deno.test("hashFile() gives the published SHA-256 of known texts", async () => {
  await inTempFolder(async (folder) => {
    // FIPS 180-4, examples: "abc", and a million times "a".
    await Deno.writeTextFile(`${folder}/abc`, "abc");
    assertEquals(
      await hashFile(`${folder}/abc`),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    await Deno.writeTextFile(`${folder}/a`, "a".repeat(1_000_000));
    assertEquals(await hashFile(`${folder}/a`), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });
});
