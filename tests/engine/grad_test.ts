import { assertEquals, assertRejects } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import { add, hold, mul, square, sum, takeTree, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import { testOnEngines } from "../testing/engines.ts";

testOnEngines(
  "valueAndGrad() differentiates by a tree, with zeros where the value does not depend on it",
  async (engine) => {
    const program = engine.compile(({ x, y }: { x: Tensor; y: Tensor }) => {
      const { value, grad, aux } = valueAndGrad(
        ({ used: [a], unused }: { used: Tensor[]; unused: Tensor }) => ({
          value: sum(square(a!)),
          aux: { doubled: mul(unused, 2) },
        }),
        { used: [x], unused: y },
      );
      return { value, grad, aux };
    });
    const result = await takeTree(engine, await program({ x: float32([2], [1, -3]), y: float32([1], [5]) }));
    assertEquals([...result.value.data], [10]);
    assertEquals([...result.grad.used[0]!.data], [2, -6]);
    assertEquals([...result.grad.unused.data], [0]);
    assertEquals([...result.aux.doubled.data], [10]);
  },
);

testOnEngines("valueAndGrad() nests: the gradient of a squared gradient norm of sum(x^3)", async (engine) => {
  // f = sum x^3, f' = 3 x^2, |f'|^2 = 9 x^4, its gradient 36 x^3.
  const program = engine.compile(({ x }: { x: Tensor }) => {
    let seen: Tensor | undefined;
    const { grad } = valueAndGrad((x: Tensor) => {
      const inner = valueAndGrad((x: Tensor) => {
        const cubes = mul(square(x), x);
        seen = hold(cubes);
        return { value: sum(cubes) };
      }, x);
      return { value: sum(square(inner.grad)) };
    }, x);
    return { grad, held: add(seen!, 0) };
  });
  const { grad, held } = await takeTree(engine, await program({ x: float32([2], [1, -2]) }));
  assertEquals([...grad.data], [36, -288]);
  assertEquals([...held.data], [1, -8]);
});

testOnEngines("valueAndGrad() refuses a value that is not a scalar", async (engine) => {
  const program = engine.compile(({ x }: { x: Tensor }) => valueAndGrad((x: Tensor) => ({ value: square(x) }), x).grad);
  await assertRejects(
    () => program({ x: float32([2]) }),
    TypeError,
    "Cannot differentiate a value of shape [2]: it must be a scalar",
  );
});
