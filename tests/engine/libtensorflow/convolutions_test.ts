import { float32 } from "../../../lib/core/mod.ts";
import {
  conv2d,
  createEngine,
  disposeTree,
  mul,
  readTree,
  sum,
  type Tensor,
  valueAndGrad,
} from "../../../lib/engine/mod.ts";
import { assertClose } from "../../testing/assert_close.ts";
import { testOnEngines } from "../../testing/engines.ts";

interface Inputs {
  readonly x: Tensor;
  readonly w: Tensor;
}
const gradient = ({ x, w }: Inputs) =>
  valueAndGrad((w: Tensor) => {
    const y = conv2d(x, w, 2, 0);
    return { value: sum(mul(y, y)) };
  }, w).grad;

// TensorFlow 2's own kernel wrote behind the gradient here, and the process ended in "free(): invalid size".
testOnEngines(
  "the gradient of a 1x1 filter of stride 2 stays within its memory where pixels are left over",
  async (engine) => {
    await using reference = await createEngine("reference");
    for (const [inputs, outputs] of [[4, 8], [8, 16], [3, 3], [16, 32]] as const) {
      const x = float32([3, 16, 16, inputs], Float32Array.from({ length: 768 * inputs }, (_, i) => Math.sin(i)));
      const w = float32(
        [1, 1, inputs, outputs],
        Float32Array.from({ length: inputs * outputs }, (_, i) => Math.cos(i)),
      );
      const [expected, program] = [reference.compile(gradient), engine.compile(gradient)];
      for (let i = 0; i < 20; i++) disposeTree(await program({ x, w }));
      const actual = await readTree(engine, await program({ x, w }));
      assertClose(actual, await readTree(reference, await expected({ x, w })), { relative: 1e-4, absolute: 1e-3 });
    }
  },
  ["tensorflow"],
);
