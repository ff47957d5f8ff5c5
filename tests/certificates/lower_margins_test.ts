import { assert } from "@std/assert";
import { float32, int32, rng, sizeOf } from "../../lib/core/mod.ts";
import { lowerMargins } from "../../lib/certificates/mod.ts";
import { createEngine, mul, sum, type Tensor, valueAndGrad } from "../../lib/engine/mod.ts";
import type { Weights } from "../../lib/models/mod.ts";
import { randomConvolutions } from "./_networks.ts";

Deno.test("bounds can be differentiated by the weights: finite differences agree, so a network can be trained on them", async () => {
  await using engine = await createEngine("reference");
  const { classifier } = randomConvolutions(3, "mean", "softplus");
  const { classes, logits, weights } = classifier;
  const images = {
    x: float32([2, 5, 5, 2], rng(1, "x").uniform(100, 0.2, 0.8)),
    y: int32([2], [0, 2]),
    eps: float32([2], [0.01, 0.02]),
  };
  const factors = float32([2, 3], rng(2, "factors").normal(6, 0, 1));
  for (const norm of ["Linf", "L2"] as const) {
    for (const method of ["ibp", "crown-ibp"] as const) {
      type Inputs = { weights: Weights<Tensor>; x: Tensor; y: Tensor; eps: Tensor; factors: Tensor };
      const program = engine.compile(({ weights, x, y, eps, factors }: Inputs) => {
        const { value, grad } = valueAndGrad((parameters: Weights<Tensor>["parameters"]) => {
          const at = (x: Tensor) => logits({ ...weights, parameters }, x);
          return { value: sum(mul(lowerMargins(at, classes, { x, y, eps, norm }, method), factors)) };
        }, weights.parameters);
        return { value, grad };
      });
      const valueAt = async (parameters: typeof weights.parameters) => {
        const { value, grad } = await program({ weights: { ...weights, parameters }, ...images, factors });
        return { value: (await engine.read(value)).data[0]!, grad };
      };
      const { grad } = await valueAt(weights.parameters);
      for (const name of ["stem", "depthwise", "w"]) {
        const array = weights.parameters[name] as ReturnType<typeof float32>;
        const direction = rng(3, name).normal(sizeOf(array.shape), 0, 1);
        const step = 1e-3;
        const moved = async (sign: number) => {
          const data = array.data.map((value, i) => value + sign * step * direction[i]!);
          return (await valueAt({ ...weights.parameters, [name]: float32(array.shape, data) })).value;
        };
        const difference = (await moved(1) - await moved(-1)) / (2 * step);
        const own = (await engine.read(grad[name]!)).data as Float32Array;
        const slope = own.reduce((sum, value, i) => sum + value * direction[i]!, 0);
        const allowed = 0.02 * Math.abs(difference) + 0.02;
        assert(
          Math.abs(slope - difference) <= allowed,
          `${norm}, ${method}, ${name}: ${slope} where differences give ${difference}`,
        );
      }
    }
  }
});
