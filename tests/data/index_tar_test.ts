import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { indexTar } from "../../lib/data/mod.ts";
import { inTempFolder, tar } from "./_tiny_cifar10.ts";

const text = (value: string) => new TextEncoder().encode(value) as Uint8Array<ArrayBuffer>;

Deno.test("indexTar() says where the files of an archive lie, and of one inside it", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    const inner = tar([["x", text("first")], ["y", new Uint8Array(600).fill(7)]]);
    const outer = tar([["d", new Uint8Array(0), "5"], ["d/small", text("small")], ["d/inner.tar", inner]]);
    await Deno.writeFile(path, outer);
    const found = await indexTar(path);
    assertEquals(found.map(({ name, size }) => [name, size]), [["d/small", 5], ["d/inner.tar", inner.length]]);
    const [small, archive] = found;
    assertEquals(outer.slice(small!.offset, small!.offset + 5), text("small"));
    const inside = await indexTar(path, archive);
    assertEquals(inside.map(({ name, size }) => [name, size]), [["x", 5], ["y", 600]]);
    assertEquals(outer.slice(inside[1]!.offset, inside[1]!.offset + 600), new Uint8Array(600).fill(7));
  });
});

Deno.test("indexTar() says where an archive is cut or none", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    const message = async (bytes: Uint8Array) => {
      await Deno.writeFile(path, bytes);
      return (await assertRejects(() => indexTar(path), DataError)).message;
    };
    assertEquals(
      await message(tar([["large", new Uint8Array(2000)]]).slice(0, 1000)),
      `Cannot read "${path}" as it ends 1512 bytes before the end of "large": it is cut short; download or copy it again`,
    );
    for (const bytes of [new Uint8Array(0), text("no archive"), new Uint8Array(600).fill(65)]) {
      assertEquals(
        await message(bytes),
        `Cannot read "${path}" as a tar archive: it is damaged or of another format`,
      );
    }
  });
});
