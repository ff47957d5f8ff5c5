import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { DataError } from "../../../lib/core/mod.ts";
import { unzipEntries } from "../../../lib/engine/libtensorflow/unzip_entries.ts";
import { zip } from "./_tiny_zip.ts";

const LARGE = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * i) >> 7);
const SMALL = new TextEncoder().encode("small");
const ARCHIVE = zip([["a/large", LARGE, "deflated"], ["other", SMALL, "stored"], ["a/small", SMALL, "stored"]]);

async function withArchive(bytes: Uint8Array, body: (archive: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "kdiga-" });
  try {
    await Deno.writeFile(join(folder, "a.zip"), bytes);
    await body(join(folder, "a.zip"), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("unzipEntries() takes out what is asked for, and tells how far it has come", () =>
  withArchive(ARCHIVE, async (archive, folder) => {
    const seen: [number, number][] = [];
    const places: Record<string, string> = { "a/small": join(folder, "small"), "a/large": join(folder, "large") };
    const to = (name: string) => places[name];
    const made = await unzipEntries(archive, { to, onProgress: (done, total) => seen.push([done, total]) });
    assertEquals(made, [places["a/large"], places["a/small"]]);
    assertEquals(await Deno.readFile(places["a/small"]!), SMALL);
    assertEquals(await Deno.readFile(places["a/large"]!), LARGE);
    assert(seen.every(([done, total], i) => total === 3_000_005 && done > (seen[i - 1]?.[0] ?? 0)));
    assertEquals(seen.at(-1), [3_000_005, 3_000_005]);
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name).sort(), ["a.zip", "large", "small"]);
  }));

Deno.test("unzipEntries() refuses archives that are cut or damaged", async () => {
  const damaged = ARCHIVE.slice();
  damaged.fill(0xff, 1000, 1100);
  for (const bytes of [ARCHIVE.slice(0, -60), damaged, SMALL, new Uint8Array(0)]) {
    await withArchive(bytes, async (archive, folder) => {
      await assertRejects(
        () => unzipEntries(archive, { to: (name) => name === "a/large" ? join(folder, "large") : undefined }),
        DataError,
        `Cannot unpack "${archive}" as it is no whole ZIP archive: fetch it again`,
      );
    });
  }
});
