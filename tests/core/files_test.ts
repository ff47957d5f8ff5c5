import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { DataError, namesIn, readTextIfExists, writeError, writeFileAtomic } from "../../lib/core/mod.ts";

async function inTempFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name);

Deno.test("writeFileAtomic() writes texts and bytes, replaces a file, and leaves nothing else", async () => {
  await inTempFolder(async (folder) => {
    await writeFileAtomic(`${folder}/a`, "é");
    assertEquals(await readTextIfExists(`${folder}/a`), "é");
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i);
    await writeFileAtomic(`${folder}/a`, bytes);
    assertEquals(await Deno.readFile(`${folder}/a`), bytes);
    assertEquals(names(folder), ["a"]);
  });
});

Deno.test("writeFileAtomic() removes its temporary file and keeps the old one where it fails", async () => {
  await inTempFolder(async (folder) => {
    await Deno.mkdir(`${folder}/taken/full`, { recursive: true });
    await assertRejects(() => writeFileAtomic(`${folder}/taken`, "x"));
    assertEquals(names(folder), ["taken"]);
    assertEquals(names(`${folder}/taken`), ["full"]);
    await assertRejects(() => writeFileAtomic(`${folder}/absent/a`, "x"), Deno.errors.NotFound);
  });
});

Deno.test({
  name: "writeFileAtomic() says where no space is left",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const error = await assertRejects(() => Deno.writeTextFile("/dev/full", "x", { create: false }));
    const told = writeError(error, "runs/x/steps.csv");
    assertInstanceOf(told, DataError);
    assertEquals(
      told.message,
      'Cannot write "runs/x/steps.csv" as no space is left on its disk: free some, or choose another folder',
    );
    const other = new Error("other");
    assertStrictEquals(writeError(other, "a"), other);
  },
});

Deno.test("readTextIfExists() gives undefined for an absent file and fails for a folder", async () => {
  await inTempFolder(async (folder) => {
    assertEquals(await readTextIfExists(`${folder}/absent`), undefined);
    await assertRejects(() => readTextIfExists(folder));
  });
});

Deno.test("namesIn() lists what ends as asked, in order, and nothing of a folder that is not there", async () => {
  await inTempFolder(async (folder) => {
    for (const name of ["b.json", "a.json", "a.csv"]) await Deno.writeTextFile(`${folder}/${name}`, "");
    assertEquals(await namesIn(folder), ["a.csv", "a.json", "b.json"]);
    assertEquals(await namesIn(folder, ".json"), ["a.json", "b.json"]);
    assertEquals(await namesIn(`${folder}/none`, ".json"), []);
    await assertRejects(() => namesIn(`${folder}/a.csv`), Deno.errors.NotADirectory);
  });
});
