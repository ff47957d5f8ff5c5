import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { tryLibrary } from "../../../lib/engine/libtensorflow/try_library.ts";
import { TENSORFLOW_LIBRARY } from "../../testing/engines.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";

Deno.test("tryLibrary() says in one line why a library does not work", async () => {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/no_library`, "no library");
    const { message } = await assertRejects(() => tryLibrary(`${folder}/no_library`), DataError);
    assertMatch(message, /^Could not open library: .+$/);
  });
});

Deno.test("tryLibrary() ends at its signal", async () => {
  const stop = new AbortController();
  const trying = tryLibrary("nowhere", stop.signal);
  stop.abort();
  assertEquals(await assertRejects(() => trying), stop.signal.reason);
});

Deno.test({
  name: "tryLibrary() gives the device of a library that works",
  ignore: TENSORFLOW_LIBRARY === undefined,
  fn: async () => assertMatch(await tryLibrary(TENSORFLOW_LIBRARY!), /^(cpu \(\d+ threads\)|gpu)/),
});
