import { assertEquals } from "@std/assert";
import { createEngine, createModel } from "../../mod.ts";
import { type BoundsPeer, boundsTable, boundsVerdict, CASES, checkBounds } from "../../scripts/_bounds_peer.ts";
import golden from "../golden/bounds.json" with { type: "json" };
import { inTempFolder, runTask } from "./_task.ts";

/** A Python with torch and auto_LiRPA; without it what needs it is ignored. */
const PYTHON = Deno.env.get("KDIGA_BOUNDS_PYTHON");

Deno.test("boundsVerdict() lets pass rounding's slack and tighter intervals, and nothing else", () => {
  assertEquals(boundsVerdict({ below: 4e-3, above: 5e-5, tighter: 0 }), "ok");
  assertEquals(boundsVerdict({ below: 0, above: 0.05, tighter: 0.06 }), "ok");
  assertEquals(boundsVerdict({ below: 6e-3, above: 0, tighter: 0.1 }), "broken");
  assertEquals(boundsVerdict({ below: 0, above: 2e-4, tighter: 0 }), "broken");
  assertEquals(boundsVerdict({ below: NaN, above: 0, tighter: 0 }), "broken");
});

Deno.test("boundsTable() gives a row for each case", () => {
  const { columns, rows } = boundsTable([{
    name: "net",
    ours: [-1.1],
    theirs: [-1],
    below: 5e-5,
    above: 0,
    tighter: 0,
  }]);
  assertEquals(columns.length, rows[0]!.length);
  assertEquals(rows, [["net", "-1.000", "5.0e-5", "0.0e+0", "ok"]]);
});

Deno.test("bounds-peer has networks that can be made", () => {
  for (const { model, side } of Object.values(CASES)) createModel(model, { classes: 5, inputShape: [side, side, 3] });
});

Deno.test("bounds are those of auto_LiRPA, whose stored answers stand in for it, and another bound is seen", async () => {
  await using engine = await createEngine("reference");
  const stored: Readonly<Record<string, readonly number[]>> = golden.lower;
  assertEquals(Object.keys(stored), Object.keys(CASES));
  await inTempFolder(async (folder) => {
    for (const [name, lower] of Object.entries(stored)) {
      const peer = (factor: number): BoundsPeer => ({
        hello: { version: "", lirpa: "" },
        ask: <T>() => Promise.resolve({ lower: lower.map((bound) => bound * factor) } as T),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
      const row = await checkBounds(engine, peer(1), name, folder);
      assertEquals(boundsVerdict(row), "ok", `${name}: ${row.below}, ${row.above}`);
      const other = await checkBounds(engine, peer(row.tighter > 0 ? 0.9 : 0.97), name, folder);
      assertEquals(boundsVerdict(other), "broken", name);
    }
  });
});

Deno.test("deno task bounds-peer says what it needs", async () => {
  await inTempFolder(async (folder) => {
    const without = await runTask(folder, "bounds-peer");
    assertEquals([without.code, without.out], [2, ""]);
    assertEquals(
      without.err,
      "UsageError: Cannot check without --python: give --python a Python with torch 2, and --auto-lirpa a folder with " +
        "auto_LiRPA if it lacks that\n",
    );
  });
});

Deno.test({
  name: "deno task bounds-peer keeps all bounds",
  ignore: PYTHON === undefined,
  fn: () =>
    inTempFolder(async (folder) => {
      const { code, out, err } = await runTask(folder, "bounds-peer", "--python", PYTHON!, "--json");
      assertEquals(code, 0, err);
      assertEquals(JSON.parse(out).rows.length, Object.keys(CASES).length);
    }),
});
