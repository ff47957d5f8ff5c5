import { assertEquals } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import type { Tensor } from "../../lib/engine/mod.ts";
import { whereSlot } from "../../lib/attacks/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

testOnEngines("whereSlot() chooses slot by slot, and nothing of what is not chosen comes through", async (engine) => {
  const program = engine.compile(({ flag, a, b }: { flag: Tensor; a: Tensor; b: Tensor }) => ({
    images: whereSlot(flag, a, b),
    numbers: whereSlot(flag, flag, flag),
  }));
  const a = float32([3, 2, 1], [1, 2, NaN, 4, 5, 6]);
  const b = float32([3, 2, 1], [NaN, -2, -3, -4, Infinity, NaN]);
  const { images, numbers } = await program({ flag: float32([3], [1, 0, 1]), a, b });
  assertEquals(Array.from((await engine.read(images)).data), [1, 2, -3, -4, 5, 6]);
  assertEquals(Array.from((await engine.read(numbers)).data), [1, 0, 1]);
});
