import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  add,
  conv2d,
  disposeKept,
  type KernelRecord,
  matMul,
  mul,
  pullBack,
  recordKernels,
  relu,
  reshape,
  runRecorded,
  split,
  sum,
  type Tensor,
  zeros,
  zerosLike,
} from "../../lib/engine/mod.ts";
import { tf } from "../../lib/engine/tensorflow.ts";
import { assertClose } from "../testing/assert_close.ts";
import { testOnEngines } from "../testing/engines.ts";
import { normal } from "../testing/numbers.ts";

const NATIVE = ["reference", "onnxruntime", "tensorflow"];

Deno.test("a record has the kernels that depend on the input, in order, and no others", () => {
  tf.tidy(() => {
    const w = zeros([3, 2]);
    const { calls, output } = recordKernels((x) => {
      sum(x); // leads nowhere
      const scaled = mul(w, 2);
      return add(
        relu(matMul(reshape(x, [2, 3]), scaled)),
        zerosLike(reshape(x, [3, 2])).reshape([2, 3]).slice([0, 0], [2, 2]),
      );
    }, zeros([2, 3, 1]));
    assertEquals(calls.map(({ kernel }) => kernel), ["Reshape", "BatchMatMul", "Relu", "Add"]);
    assertEquals(calls.map(({ outputs }) => outputs[0]!.shape), [[2, 3], [2, 2], [2, 2], [2, 2]]);
    assertEquals(output.id, calls.at(-1)!.outputs[0]!.id);
    assert("value" in calls[1]!.operands.a! && "constant" in calls[1]!.operands.b!);
    assertEquals(Object.hasOwn(tf.engine(), "runKernel"), false, "the engine is as it was");
  });
  disposeKept();
});

Deno.test("a function that ignores its input has no record, and the engine is as it was", () => {
  assertThrows(
    () => void recordKernels(() => zeros([1]), zeros([1])),
    TypeError,
    "Cannot record the function as its result does not depend on its input",
  );
  assertEquals(Object.hasOwn(tf.engine(), "runKernel"), false);
});

/** Applies the calls of a record to another input. */
function replay({ calls, output }: KernelRecord, x: Tensor): Tensor {
  const values = new Map([[0, x]]);
  for (const call of calls) {
    const operands = Object.entries(call.operands).map(([key, operand]) =>
      [key, "value" in operand ? values.get(operand.value.id)! : operand.constant] as const
    );
    runRecorded(call, Object.fromEntries(operands)).forEach((tensor, i) => values.set(call.outputs[i]!.id, tensor));
  }
  return values.get(output.id)!;
}

const linear = (x: Tensor, w: Tensor): Tensor => {
  const [a, b] = split(conv2d(x, mul(w, 0.5), 2, 1), 2, 3) as [Tensor, Tensor];
  return sum(add(a, b), [1]);
};

testOnEngines("a record applied to another input, and pulled back, is the function and its adjoint", async (engine) => {
  const program = engine.compile(({ x, w, weights }: { x: Tensor; w: Tensor; weights: Tensor }) => {
    const record = recordKernels((x) => linear(x, w), zeros([2, 5, 5, 3]));
    const factors = new Map([[record.output.id, weights]]);
    for (const call of record.calls.toReversed()) {
      const given = call.outputs.map(({ id, shape }) => factors.get(id) ?? zeros([...shape]));
      for (const [key, operand] of Object.entries(call.operands)) {
        if (!("value" in operand)) continue;
        const before = factors.get(operand.value.id);
        const more = pullBack(call, given, key);
        factors.set(operand.value.id, before ? add(before, more) : more);
      }
    }
    const own = linear(x, w);
    return { own, again: replay(record, x), forward: sum(mul(own, weights)), back: sum(mul(x, factors.get(0)!)) };
  });
  const result = await program({
    x: normal([2, 5, 5, 3], "x"),
    w: normal([3, 3, 3, 4], "w"),
    weights: normal([2, 3, 2], "weights"),
  });
  const [own, again, forward, back] = await Promise.all(
    [result.own, result.again, result.forward, result.back].map((value) => engine.read(value)),
  );
  assertClose(again!, own!, { absolute: 0, relative: 1e-6 }, "replayed");
  assertClose(back!, forward!, { absolute: 1e-4, relative: 1e-4 }, "<A x, w> = <x, A' w>");
}, NATIVE);
