import { assertMatch, assertThrows } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { requireSpace } from "../../../lib/engine/libtensorflow/require_space.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";

Deno.test("requireSpace() refuses what no disk has room for, and nothing else", async () => {
  await inTempFolder((folder) => {
    requireSpace(folder, 0);
    const { message } = assertThrows(() => requireSpace(folder, 1e21), DataError);
    assertMatch(
      message,
      /^1000000000000\.0 GB are needed in \S+, where \d+\.\d GB are free \(XDG_CACHE_HOME chooses another disk\)$/,
    );
    return Promise.resolve();
  });
});
