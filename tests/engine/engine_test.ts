import { assert, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, rng } from "../../lib/core/mod.ts";
import * as ops from "../../lib/engine/mod.ts";
import type { Tensor } from "../../lib/engine/mod.ts";
import { tf } from "../../lib/engine/tensorflow.ts";
import { NATIVE_ENGINES, testOnEngines } from "../testing/engines.ts";
import { normal } from "../testing/numbers.ts";

testOnEngines("a program maps trees of arrays and values to a tree of values", async (engine) => {
  const program = engine.compile(({ pair: [a, b], y }: { pair: Tensor[]; y: Tensor }) => ({
    sum: ops.add(a!, b!),
    hot: [ops.oneHot(y, 3)],
    same: a!,
  }));
  const a = engine.put(float32([2], [1, 2]));
  const outputs = await program({ pair: [a, float32([2], [10, 20])], y: int32([1], [2]) });
  assertEquals([...(await engine.read(outputs.sum)).data], [11, 22]);
  assertEquals([...(await engine.read(outputs.hot[0]!)).data], [0, 0, 1]);
  // Values go from program to program without being read.
  const again = await program({ pair: [outputs.sum, outputs.same], y: int32([1], [0]) });
  assertEquals((await engine.read(again.sum)).data, Float32Array.of(12, 24));
  ops.disposeTree([outputs, again, a]);
});

testOnEngines("a program is traced once per signature", async (engine) => {
  let traces = 0;
  const program = engine.compile(({ x }: { x: Tensor }) => {
    traces++;
    return ops.mul(x, 2);
  });
  for (const length of [2, 2, 3, 2]) {
    assertEquals((await ops.takeTree(engine, await program({ x: float32([length]) }))).shape, [length]);
  }
  assertEquals(program.stats.map(({ signature }) => signature), ["x:float32[2]", "x:float32[3]"]);
  if (engine.name !== "reference") assertEquals(traces, 2);
});

testOnEngines("large values survive being written to memory that another value gave back", async (engine) => {
  const program = engine.compile(({ x }: { x: Tensor }) => ({ y: ops.add(x, 1) }));
  const x = normal([64, 64], "x");
  const first = await program({ x });
  const second = await program({ x: first.y });
  first.y.dispose();
  const third = await program({ x: second.y });
  assertEquals(
    (await engine.read(second.y)).data,
    x.data.map((v) => Math.fround(v + 1)).map((v) => Math.fround(v + 1)),
  );
  assertEquals((await engine.read(third.y)).data[5], Math.fround(Math.fround(Math.fround(x.data[5]! + 1) + 1) + 1));
});

testOnEngines("random draws inside a traced program are refused", async (engine) => {
  const own = engine.compile(({ x }: { x: Tensor }) => ops.add(x, rng(1).uniform(1)[0]!), { name: "own stream" });
  await assertRejects(
    () => own({ x: float32([1]) }),
    TypeError,
    'Cannot draw random numbers inside the traced program "own stream": draw them before the call and pass them in',
  );
  const theirs = engine.compile(({ x }: { x: Tensor }) => ops.add(x, tf.randomUniform([1])));
  await assertRejects(() => theirs({ x: float32([1]) }), TypeError, "Cannot draw random numbers");
  assert(Math.random() < 1, "Math.random must work again after the refusal");
});

testOnEngines("misuse of arrays and values is named", async (engine) => {
  const program = engine.compile(({ x }: { x: Tensor }) => ops.mul(x, 2), { name: "double" });
  await assertRejects(
    () => program({ x: { dtype: "float32", shape: [3], data: new Float32Array(2) } }),
    TypeError,
    "Cannot use an array of 2 elements as shape [3]",
  );
  await assertRejects(() => program({ x: "no" } as never), TypeError, 'Cannot use string no at "x" as a leaf');
});

testOnEngines("a native program names the operator that it does not cover, and who asked", async (engine) => {
  const program = engine.compile(({ x }: { x: Tensor }) => tf.cumsum(x), { name: "running total" });
  await assertRejects(
    () => program({ x: float32([3]) }),
    TypeError,
    `Cannot trace the kernel "Cumsum": the ${engine.name} engine does not cover it (asked for at engine_test.ts:`,
  );
  const reading = engine.compile(({ x }: { x: Tensor }) => ops.mul(x, x.dataSync()[0]!), { name: "reader" });
  await assertRejects(() => reading({ x: float32([1]) }), TypeError, "Cannot read the value of a traced tensor");
}, NATIVE_ENGINES);

testOnEngines("a native value cannot be used after its disposal", async (engine) => {
  const value = engine.put(float32([1], [1]));
  value.dispose();
  value.dispose();
  const program = engine.compile(({ x }: { x: Tensor }) => ops.mul(x, 2), { name: "double" });
  await assertRejects(
    () => program({ x: value }),
    ReferenceError,
    'Cannot use a value after it was disposed of (in the program "double")',
  );
}, NATIVE_ENGINES);

testOnEngines("timers go on while a native program runs", async (engine) => {
  const product = engine.compile(({ x }: { x: Tensor }) => {
    let y = x;
    for (let i = 0; i < 30; i++) y = ops.mul(ops.matMul(y, x), 1e-3);
    return y;
  });
  const x = normal([512, 512], "x");
  await ops.takeTree(engine, await product({ x }));
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await ops.takeTree(engine, await product({ x }));
  clearInterval(timer);
  assert(ticks >= 3, `only ${ticks} ticks during a program of about 8 GFLOP`);
}, ["onnxruntime", "tensorflow"]);

testOnEngines("floating-point operations are counted from the graph", async (engine) => {
  const program = engine.compile(({ x, w }: { x: Tensor; w: Tensor }) => ops.conv2d(x, w, 1, 1));
  await ops.takeTree(engine, await program({ x: normal([2, 8, 8, 16], "x"), w: normal([3, 3, 16, 32], "w") }));
  assertEquals(program.stats[0]!.flops, 2 * 2 * 8 * 8 * 9 * 16 * 32);
}, NATIVE_ENGINES);
