import { assertEquals } from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import { drawNoise } from "../../lib/attacks/mod.ts";

Deno.test("drawNoise() draws for each image by its id, whatever its batch, and nothing where nothing is random", () => {
  const noise = (draws: ReturnType<typeof rng>) => [float32([2], draws.normal(2)), int32([], draws.integers(1, 9))];
  const [a, b] = drawNoise({ noise }, Int32Array.of(7, 3, 7), rng(1, "pass")).noise!;
  assertEquals([a!.shape, b!.shape, a!.dtype, b!.dtype], [[3, 2], [3], "float32", "int32"]);
  const own = (id: number) => noise(rng(1, "pass", id));
  assertEquals(Array.from(a!.data), [7, 3, 7].flatMap((id) => Array.from(own(id)[0]!.data)));
  assertEquals(Array.from(b!.data), [7, 3, 7].flatMap((id) => Array.from(own(id)[1]!.data)));
  assertEquals(drawNoise({}, Int32Array.of(1), rng(1)), {});
});
