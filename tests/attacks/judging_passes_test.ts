import { assertEquals } from "@std/assert";
import { judgingPasses } from "../../lib/attacks/mod.ts";

Deno.test("judgingPasses() is one, or the draws where something is drawn: 64 where nothing is said", () => {
  const noise = () => [];
  assertEquals([{}, { draws: 9 }, { noise }, { noise, draws: 9 }].map(judgingPasses), [1, 1, 64, 9]);
});
