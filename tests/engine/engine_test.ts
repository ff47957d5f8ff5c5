import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
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

testOnEngines("plain values in the input are part of the signature", async (engine) => {
  interface Inputs {
    readonly x: Tensor;
    readonly k: number;
    readonly options?: { readonly twice: boolean; readonly norm: string };
  }
  const program = engine.compile(({ x, k, options }: Inputs) => {
    const y = ops.mul(x, options?.norm === "negative" ? -k : k);
    return options?.twice ? ops.mul(y, 2) : y;
  });
  const run = async (inputs: Omit<Inputs, "x">) =>
    (await ops.takeTree(engine, await program({ x: float32([1], [3]), ...inputs }))).data[0];
  assertEquals(await run({ k: 1 }), 3);
  assertEquals(await run({ k: 2 }), 6);
  assertEquals(await run({ k: 2, options: { twice: true, norm: "" } }), 12);
  assertEquals(await run({ k: 2, options: { twice: false, norm: "negative" } }), -6);
  assertEquals(await run({ k: 1 }), 3);
  assertEquals(program.stats.map(({ signature }) => signature), [
    "x:float32[1] k:1",
    "x:float32[1] k:2",
    'x:float32[1] k:2 options:{twice:true,norm:""}',
    'x:float32[1] k:2 options:{twice:false,norm:"negative"}',
  ]);
});

testOnEngines("what a native program captured keeps its values", async (engine) => {
  const inside = float32([2], [1, 2]);
  const outside = tf.tensor([10, 20]);
  const program = engine.compile(({ x }: { x: Tensor }) => ops.add(ops.add(x, ops.constant(inside)), outside));
  const run = async () => [...(await ops.takeTree(engine, await program({ x: float32([2], [0, 0]) }))).data];
  assertEquals(await run(), [11, 22]);
  inside.data.fill(7);
  // The tensor is the caller's as before.
  assertEquals([...outside.dataSync(), ...tf.tidy(() => tf.neg(outside).dataSync())], [10, 20, -10, -20]);
  outside.dispose();
  assertEquals(await run(), [11, 22]);
}, NATIVE_ENGINES);

testOnEngines("a shape that depends on values is refused, and so is waiting for values", async (engine) => {
  const expected = `Cannot use the asynchronous function "select" as a program: a shape that depends on values ` +
    "(whereAsync, booleanMaskAsync) is not known beforehand; keep the shape, by where() or a factor of 0 and 1, or " +
    "select between calls";
  const functions: readonly ((inputs: { x: Tensor }) => unknown)[] = [
    ({ x }) => tf.booleanMaskAsync(x, ops.greater(x, 0)),
    ({ x }) => ({ rows: [tf.whereAsync(ops.greater(x, 0))], x }),
    ({ x }) => tf.setdiff1dAsync(x, ops.zeros([1])),
    async ({ x }) => ops.mul(x, (await x.data())[0]!),
  ];
  for (const fn of functions) {
    const program = engine.compile(fn, { name: "select" });
    await assertRejects(() => program({ x: float32([2], [1, -1]) }), TypeError, expected);
  }
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
  const wrong = { x: new Date(0) } as never;
  await assertRejects(() => program(wrong), TypeError, 'Cannot use a Date at "x" as a leaf');
});

testOnEngines("a native program names the operator that it does not cover, and who asked", async (engine) => {
  const program = engine.compile(({ x }: { x: Tensor }) => tf.cumsum(x), { name: "running total" });
  await assertRejects(
    () => program({ x: float32([3]) }),
    TypeError,
    `Cannot trace the kernel "Cumsum": the ${engine.name} engine does not cover it (asked for at engine_test.ts:`,
  );
  const unique = engine.compile(({ x }: { x: Tensor }) => tf.unique(x).values);
  await assertRejects(() => unique({ x: float32([3]) }), TypeError, 'Cannot trace the kernel "Unique": ');
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
}, ["onnxruntime", "onnxruntime on webgpu", "tensorflow"]);

testOnEngines("floating-point operations are counted from the graph", async (engine) => {
  const program = engine.compile(({ x, w }: { x: Tensor; w: Tensor }) => ops.conv2d(x, w, 1, 1));
  await ops.takeTree(engine, await program({ x: normal([2, 8, 8, 16], "x"), w: normal([3, 3, 16, 32], "w") }));
  assertEquals(program.stats[0]!.flops, 2 * 2 * 8 * 8 * 9 * 16 * 32);
}, NATIVE_ENGINES);

Deno.test("createReferenceEngine() says where there is no WebGL", () => {
  assertThrows(
    () => ops.createReferenceEngine("webgl"),
    UsageError,
    'Cannot compute on WebGL as there is none here: use a browser that has it, or the backend "cpu"',
  );
});
