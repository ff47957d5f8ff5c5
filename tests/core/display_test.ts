import { assertEquals, assertStrictEquals } from "@std/assert";
import { DISPLAY, withDisplay } from "../../lib/core/mod.ts";

Deno.test("withDisplay() lets an object show itself, and nothing else sees it", async () => {
  assertEquals(DISPLAY as symbol, Symbol.for("Jupyter.display"));
  let made = 0;
  const plain = { name: "kdiga", rows: [1, 2] };
  const value = withDisplay({ name: "kdiga", rows: [1, 2] }, () => {
    made++;
    return { "text/plain": "shown" };
  });
  assertEquals(value as object, plain);
  assertEquals(JSON.stringify(value), JSON.stringify(plain));
  assertEquals(Reflect.ownKeys(structuredClone(value)), ["name", "rows"]);
  assertEquals(Reflect.ownKeys({ ...value }), ["name", "rows"]);
  assertEquals(Object.entries(value), Object.entries(plain));
  assertEquals(Deno.inspect(value), Deno.inspect(plain));
  assertEquals(made, 0);
  assertEquals(await value[DISPLAY](), { "text/plain": "shown" });
  assertEquals(made, 1);
});

Deno.test("withDisplay() gives the same object, which can be given another display", async () => {
  const value = {};
  const first = withDisplay(value, () => ({ "text/plain": "first" }));
  const second = withDisplay(first, () => Promise.resolve({ "text/plain": "second" }));
  assertStrictEquals(second, value);
  assertEquals(await second[DISPLAY](), { "text/plain": "second" });
});
