import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { untarEntries } from "../../../lib/engine/libtensorflow/untar_entries.ts";
import { gzip, tar } from "../../data/_tiny_cifar10.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";

const LARGE = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * i) >> 7);
const SMALL = new TextEncoder().encode("small");
const ARCHIVE = await gzip(tar([["./a/large", LARGE], ["./other", SMALL], ["./link", SMALL.slice(5), "2"]]));

Deno.test("untarEntries() takes out the files that are asked for, and tells how far it has come", async () => {
  await inTempFolder(async (folder) => {
    const seen: [number, number][] = [];
    await Deno.writeFile(`${folder}/a.tar.gz`, ARCHIVE);
    const names: string[] = [];
    const to = (name: string) => {
      names.push(name);
      return name === "./other" ? undefined : `${folder}/${name.split("/").at(-1)}`;
    };
    const onProgress = (done: number, total: number) => seen.push([done, total]);
    assertEquals(await untarEntries(`${folder}/a.tar.gz`, { to, onProgress }), [`${folder}/large`]);
    assertEquals(await Deno.readFile(`${folder}/large`), LARGE);
    assertEquals(names, ["./a/large", "./other"]);
    assertEquals(seen.at(-1), [ARCHIVE.length, ARCHIVE.length]);
    assert(seen.every(([done], i) => i === 0 || done > seen[i - 1]![0]));
  });
});

Deno.test("untarEntries() refuses archives that are cut or none, and passes on what its listener throws", async () => {
  await inTempFolder(async (folder) => {
    const archive = `${folder}/a.tar.gz`;
    let count = 0;
    const unpack = (bytes: Uint8Array, onProgress = () => {}) => {
      Deno.writeFileSync(archive, bytes);
      return untarEntries(archive, { to: () => `${folder}/${count++}`, onProgress });
    };
    await assertRejects(() => unpack(ARCHIVE.slice(0, -5000)), DataError, `Cannot unpack "${archive}" as gzip (`);
    await assertRejects(() => unpack(SMALL), DataError, `Cannot unpack "${archive}" as gzip (`);
    const none = await gzip(SMALL);
    await assertRejects(() => unpack(none), DataError, `Cannot read "${archive}" as a tar archive`);
    const stop = new Error("stop");
    const error = await assertRejects(() =>
      unpack(ARCHIVE, () => {
        throw stop;
      })
    );
    assertEquals(error, stop);
  });
});
