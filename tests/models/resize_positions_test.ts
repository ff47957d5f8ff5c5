import { assertEquals, assertThrows } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import { type ResizePositions, resizePositions } from "../../lib/models/mod.ts";
import golden from "../golden/pytorch_vit.json" with { type: "json" };
import { assertClose } from "./_small_models.ts";

type Case = Required<ResizePositions> & { readonly values: readonly number[] };

for (const { values, ...options } of golden.positions as unknown as Case[]) {
  const { from, to, prefix, antialias } = options;
  Deno.test(`resizePositions() gives timm's numbers: ${from.join("x")} to ${to.join("x")}, antialias ${antialias}`, () => {
    const tokens = prefix + from[0] * from[1];
    // The formula of the script in the golden file.
    const positions = float32(
      [1, tokens, 2],
      Float32Array.from({ length: 2 * tokens }, (_, i) => 0.5 * Math.sin(1.3 * i ** 1.1)),
    );
    const resized = resizePositions(positions, options);
    assertEquals(resized.shape, [1, prefix + to[0] * to[1], 2]);
    assertClose(resized.data, values, 1e-5, 1e-6, "positions");
  });
}

Deno.test("resizePositions() to the same grid changes nothing without antialias, and a constant nowhere", () => {
  const one = float32([1, 5, 1], [9, 1, 2, 3, 4]);
  const same = { from: [2, 2], to: [2, 2], prefix: 1 } as const;
  assertEquals([...resizePositions(one, { ...same, antialias: false }).data], [9, 1, 2, 3, 4]);
  const constant = float32([1, 4, 1], [2, 2, 2, 2]);
  assertClose(resizePositions(constant, { from: [2, 2], to: [3, 5], prefix: 0 }).data, Array(15).fill(2), 1e-6, 0);
});

Deno.test("resizePositions() refuses positions of another grid", () => {
  assertThrows(
    () => resizePositions(float32([1, 5, 2]), { from: [2, 3], to: [2, 2], prefix: 1 }),
    TypeError,
    "Cannot resize positions of shape [1,5,2] as 1 and a grid of 2x3: it needs [1, 7, dim]",
  );
});
