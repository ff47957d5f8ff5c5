import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import { cachedProgram, mul, takeTree, type Tensor } from "../../lib/engine/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

testOnEngines("cachedProgram() compiles once per engine, owner and key", async (engine) => {
  const owner = {};
  let made = 0;
  const get = (key: string, of: object = owner) =>
    cachedProgram(engine, of, key, () => {
      made++;
      return ({ x }: { x: Tensor }) => mul(x, Number(key));
    });
  const twice = get("2");
  assertStrictEquals(get("2"), twice);
  assertNotEquals(Object.is(get("3"), twice), true);
  assertNotEquals(Object.is(get("2", {}), twice), true);
  assertEquals(made, 3);
  assertEquals([...(await takeTree(engine, await twice({ x: float32([1], [4]) }))).data], [8]);
});
