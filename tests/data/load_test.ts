import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { DATA_KINDS, type DataSpec, loadData, shapes } from "../../lib/data/mod.ts";
import { cifar100Files } from "./_tiny_cifar100.ts";
import { writeCifarC } from "./_tiny_cifar_c.ts";
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

Deno.test("loadData() takes CIFAR-100 with fine or coarse labels", async () => {
  await inTempFolder(async (path) => {
    for (const [name, bytes] of cifar100Files(2)) await Deno.writeFile(`${path}/${name}`, bytes);
    const load = (spec: Partial<DataSpec>) =>
      loadData({ kind: "cifar100", seed: 1, ...spec } as DataSpec, { path, expectedRecords: 2 });
    const { train, validation, test } = await load({ trainCount: 8, validation: 0.25 });
    assertEquals([train.ids.length, validation.ids.length, test.ids.length], [6, 2, 2]);
    assertEquals(train.classes.length, 100);
    assertEquals((await load({ labels: "coarse" })).test.classes.length, 20);
  });
});

Deno.test("loadData() takes corrupted images to evaluate on, and none to train on", async () => {
  await inTempFolder(async (path) => {
    await writeCifarC(path, 3);
    const spec = { kind: "cifar10c", seed: 1, corruption: "fog", severity: 2 } as const;
    const { train, validation, test } = await loadData(spec, { path, expectedRecords: 3 });
    assertEquals([train.ids.length, validation.ids.length, [...test.ids]], [0, 0, [0, 1, 2]]);
    assertEquals((await loadData({ ...spec, testCount: 2 }, { path, expectedRecords: 3 })).test.ids.length, 2);
    const hundred = (await loadData({ ...spec, kind: "cifar100c" }, { path, expectedRecords: 3 })).test;
    assertEquals([hundred.name, hundred.images], ["cifar100c fog 2 test", test.images]);
    assertEquals([hundred.classes.length, hundred.classes[0], hundred.classes[99]], [100, "apple", "worm"]);
    assertEquals(hundred.classes, [...new Set(hundred.classes)].sort());
  });
});

Deno.test("DATA_KINDS are the kinds that loadData() knows", () => {
  for (const kind of ["shapes", "cifar10", "cifar100", "cifar10c", "tinyimagenet"] as const) {
    assert(DATA_KINDS.includes(kind));
  }
});

Deno.test("loadData() says how to get what is not there", async () => {
  const failure = async (spec: DataSpec) => (await assertRejects(() => loadData(spec), DataError)).message;
  for (const [kind, name] of [["cifar10", "CIFAR-10"], ["cifar100", "CIFAR-100"]] as const) {
    assertEquals(
      await failure({ kind, seed: 1 }),
      `Cannot load ${name} as no path was given: pass --data PATH, or run \`deno task fetch ${kind}\` first`,
    );
  }
  assertEquals(
    await failure({ kind: "cifar10c", seed: 1, corruption: "fog", severity: 1 }),
    "Cannot load CIFAR-10-C as no path was given: pass --data PATH, a folder of <corruption>.npy and labels.npy",
  );
});
