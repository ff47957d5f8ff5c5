import { assert, assertEquals, assertMatch } from "@std/assert";
import { loadData } from "../../lib/data/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { type Manifest, openManifest, openRunFolder } from "../../lib/experiments/mod.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

Deno.test("openManifest() says what made the results, and adds up over sessions", async () => {
  await using engine = await createEngine("reference");
  const data = await loadData(TINY.data);
  await inTempFolder(async (path) => {
    const folder = await openRunFolder(TINY, path);
    const read = async (): Promise<Manifest> => JSON.parse(await Deno.readTextFile(`${path}/manifest.json`));
    const first = await openManifest(folder, engine, data, TINY.seed);
    const begun = await read();
    assertEquals([begun.version, begun.experiment, begun.seed, begun.finished], [1, folder.hash, 3, null]);
    assertMatch(begun.lock!, /^[0-9a-f]{64}$/);
    assertEquals([begun.versions.deno, begun.versions.engine], [Deno.version.deno, engine.version]);
    assertEquals(begun.engines, [`${engine.name}: ${engine.device}`]);
    assertEquals(Object.keys(begun.data), ["train", "validation", "test"]);
    assertEquals(new Set(Object.values(begun.data)).size, 3);
    assert(begun.commit === null || /^[0-9a-f]{40}$/.test(begun.commit.id));

    await first.spent("train teacher", 1.04);
    await first.spent("train teacher", 2);
    await first.waited("teacher", 1.52);
    await first.trained("teacher", "abc");
    const damaged = (...ids: number[]) => ids.map((id) => ({ id, reason: `image ${id}` }));
    assertEquals(await first.skipped("tiny train", damaged(7, 3)), damaged(7, 3));
    assertEquals(await first.skipped("tiny train", damaged(3)), []);
    assertEquals([first.seconds("train teacher"), first.seconds("train kd")], [3, undefined]);
    const second = await openManifest(folder, engine, data, TINY.seed);
    await second.spent("train teacher", 0.5);
    await second.waited("teacher", 0.23);
    assertEquals(await second.skipped("tiny train", damaged(3, 1, 9, 8, 6, 3)), damaged(3, 1, 9, 8, 6));
    await second.trained("kd", "def");
    await second.finish();
    const ended = await read();
    assertEquals(ended.seconds, { "train teacher": 3.5 });
    assertEquals(ended.waiting, { teacher: { seconds: 1.75, share: 0.5 } });
    assertEquals(ended.skipped, {
      "tiny train": { count: 6, ids: [1, 3, 6, 7, 8, 9], first: [7, 3, 1, 9, 8].map((id) => `image ${id}`) },
    });
    assertEquals(ended.weights, { teacher: "abc", kd: "def" });
    assertEquals([ended.started.length, ended.started[0], ended.engines.length], [2, begun.started[0], 1]);
    assertMatch(ended.finished!, /^\d{4}-\d\d-\d\dT/);
  });
});

Deno.test("openManifest() gives data of other bytes another checksum, and the same ones the same", async () => {
  await using engine = await createEngine("reference");
  const checksums = async (change: object): Promise<Manifest["data"]> => {
    let data: Manifest["data"] = {};
    await inTempFolder(async (path) => {
      const folder = await openRunFolder(TINY, path);
      await openManifest(folder, engine, await loadData({ ...TINY.data, ...change }), 1);
      data = JSON.parse(await Deno.readTextFile(`${path}/manifest.json`)).data;
    });
    return data;
  };
  const plain = await checksums({});
  assertEquals(await checksums({}), plain);
  assertEquals((await checksums({ validation: 13 })).test, plain.test);
  assert((await checksums({ validation: 13 })).train !== plain.train);
  assert((await checksums({ seed: 2 })).test !== plain.test);
});

Deno.test("openManifest() begins anew where the file is damaged: no result depends on it", async () => {
  await using engine = await createEngine("reference");
  await inTempFolder(async (path) => {
    const folder = await openRunFolder(TINY, path);
    await Deno.writeTextFile(`${path}/manifest.json`, "{");
    await openManifest(folder, engine, await loadData(TINY.data), 1);
    assertEquals(JSON.parse(await Deno.readTextFile(`${path}/manifest.json`)).started.length, 1);
  });
});
