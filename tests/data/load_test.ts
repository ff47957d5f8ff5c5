import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { type DataSpec, loadData, shapes } from "../../lib/data/mod.ts";
import { cifarFiles, inTempFolder } from "./_tiny_cifar10.ts";

Deno.test("loadData() draws shapes and cuts the validation set from their training images", async () => {
  const spec: DataSpec = { kind: "shapes", seed: 1, train: 30, validation: 10, test: 5, size: 12 };
  const { train, validation, test } = await loadData(spec);
  assertEquals([train.ids.length, validation.ids.length, test.ids.length], [20, 10, 5]);
  assertEquals(new Set([...train.ids, ...validation.ids]).size, 30);
  assertEquals(validation.name, "shapes-12 validation");
  assertEquals(test, shapes({ seed: 1, train: 0, test: 5, size: 12 }).test);
  assertEquals((await loadData({ kind: "shapes", seed: 1, train: 3, test: 0, size: 12 })).validation.ids.length, 0);
});

Deno.test("loadData() takes some of CIFAR-10 by the keys of their ids", async () => {
  await inTempFolder(async (path) => {
    for (const [name, bytes] of cifarFiles(3)) await Deno.writeFile(`${path}/${name}`, bytes);
    const load = (spec: Partial<DataSpec>) =>
      loadData({ kind: "cifar10", seed: 1, ...spec } as DataSpec, { path, expectedRecords: 3 });
    const all = await load({});
    assertEquals([all.train.ids.length, all.validation.ids.length, all.test.ids.length], [15, 0, 3]);
    const some = await load({ trainCount: 8, testCount: 2, validation: 0.25 });
    assertEquals([some.train.ids.length, some.validation.ids.length, some.test.ids.length], [6, 2, 2]);
    const used = [...some.train.ids, ...some.validation.ids];
    assertEquals(some.train.ids, some.train.ids.slice().sort());
    const more = await load({ trainCount: 11 });
    assert(used.every((id) => more.train.ids.includes(id)));
    const other = await load({ trainCount: 8, seed: 2 });
    assertNotEquals(used.sort((a, b) => a - b), Array.from(other.train.ids));
    assertEquals(
      (await assertRejects(() => load({ trainCount: 16 }), UsageError)).message,
      'Cannot take 16 images of "cifar10 train": write an integer from 1 to 15',
    );
  });
});

Deno.test("loadData() says how to get CIFAR-10", async () => {
  assertEquals(
    (await assertRejects(() => loadData({ kind: "cifar10", seed: 1 }), DataError)).message,
    "Cannot load CIFAR-10 as no path was given: pass --data PATH, or run `deno task fetch cifar10` first",
  );
});
