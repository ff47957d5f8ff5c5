import { assert, assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { createEngine, disposeTree, type Leaf, type ProgramStats, readTree, UsageError } from "../../mod.ts";
import { parseCase } from "../../scripts/_bench_case.ts";
import { peakMemory } from "../../scripts/_bench_machine.ts";
import { type BenchRow, benchRows, measure, quantile } from "../../scripts/_bench_measure.ts";
import { type BenchStep, benchSteps, type StepName } from "../../scripts/_bench_steps.ts";
import { caseText, digits } from "../../scripts/_bench_text.ts";

/** Those of the task. */
const PERMISSIONS = ["--no-prompt", "--allow-read", "--allow-ffi", "--allow-sys=loadavg,cpus"];
const SCRIPT = fileURLToPath(new URL("../../scripts/bench.ts", import.meta.url));

/** A clock, and steps that take known times on it and log what happens. */
function fakes() {
  let clock = 0;
  const log: string[] = [];
  const step = (name: StepName, flops: number, times: number[]): BenchStep => ({
    name,
    model: "fake",
    call: () => {
      clock += times.shift()!;
      log.push(name);
      return Promise.resolve({ out: { dtype: "float32", shape: [], dispose: () => log.push(`free ${name}`) } });
    },
    settle: () => {
      clock += 1000;
      return Promise.resolve();
    },
    stats: (): ProgramStats => ({ signature: "", traceMs: 3, sessionMs: 4, nodes: 5, flops }),
  });
  return { log, step, now: () => clock };
}

Deno.test("quantile() interpolates as numpy.percentile does", () => {
  const values = [40, 7, 36, 15, 41, 39];
  assertEquals([0, 0.25, 0.5, 0.75, 1].map((p) => quantile(values, p)), [7, 20.25, 37.5, 39.75, 41]);
  assertEquals(quantile([3], 0.5), 3);
});

Deno.test("measure() warms up, then times one call of each step in turn, without the freeing of outputs", async () => {
  const { log, step, now } = fakes();
  const steps = [step("forward", 1, [50, 1, 2, 3]), step("matmul", 1, [70, 4, 5, 6])];
  let calls = 0;
  const measured = await measure(steps, { runs: 3, warmUps: 1, now, onCall: () => calls++ });
  assertEquals(measured.map(({ times }) => times), [[1, 2, 3], [4, 5, 6]]);
  const turn = ["forward", "free forward", "matmul", "free matmul"];
  assertEquals(log, [...turn, ...turn, ...turn, ...turn]);
  assertEquals(calls, 8);
});

Deno.test("benchRows() holds each step against the matmul of its own rounds", () => {
  const { step } = fakes();
  const peak = { bytes: 3 * 2 ** 20, kind: "resident memory" } as const;
  const measured = [
    { step: step("forward", 2e9, []), times: [30, 20, 100], peak },
    { step: step("matmul", 1e9, []), times: [5, 9, 4], peak },
  ];
  const [forward, matmul] = benchRows(measured, { width: 16, batch: 64 }, "onnxruntime");
  assertEquals(forward, {
    step: "forward",
    model: "fake",
    width: 16,
    batch: 64,
    engine: "onnxruntime",
    runs: 3,
    medianMs: 30,
    minMs: 20,
    firstQuartileMs: 25,
    thirdQuartileMs: 65,
    flops: 2e9,
    gflops: 66.667,
    limitMs: 10,
    limitShare: 0.33333,
    traceMs: 3,
    sessionMs: 4,
    nodes: 5,
    memoryMiB: 3,
  });
  assertEquals([matmul!.gflops, matmul!.limitMs, matmul!.limitShare], [200, 5, 1]);
});

Deno.test("benchRows() has no speed and no limit where the engine counts no operations", () => {
  const { step } = fakes();
  const peak = { bytes: 0, kind: "resident memory" } as const;
  const measured = (["forward", "matmul"] as const).map((name) => ({ step: step(name, 0, []), times: [1], peak }));
  const rows = benchRows(measured, { width: 4, batch: 4 }, "reference");
  for (const row of rows) {
    assertEquals([row.flops, row.gflops, row.limitMs, row.limitShare], [null, null, null, null]);
  }
  assertEquals(caseText(rows).split("\n")[2]!.split(/ {2,}/).slice(0, 7), [
    "forward",
    "1.00",
    "1.00",
    "-",
    "-",
    "-",
    "-",
  ]);
});

Deno.test("digits() writes about three significant digits", () => {
  assertEquals([0.004, 9.994, 9.996, 99.94, 99.96, 1234.5, null].map(digits), [
    "0.00",
    "9.99",
    "10.0",
    "99.9",
    "100",
    "1235",
    "-",
  ]);
});

Deno.test("peakMemory() is in bytes and does not fall short of what is resident", () => {
  const held = new Uint8Array(64 * 2 ** 20).fill(1);
  const resident = Deno.memoryUsage().rss;
  const { bytes } = peakMemory();
  assert(bytes >= 0.9 * resident && bytes < 20 * resident, `${bytes} bytes where ${resident} are resident`);
  assertEquals(held[12345], 1);
});

Deno.test("parseCase() refuses what is none", () => {
  assertEquals(parseCase("16x64"), { width: 16, batch: 64 });
  for (const text of ["16", "0x64", "16x", "16x64x2", "-1x2"]) {
    assertThrows(
      () => parseCase(text),
      UsageError,
      `Cannot measure the case "${text}": write WIDTHxBATCH, such as 16x64`,
    );
  }
});

Deno.test("benchSteps() runs whole training steps: finite terms, and a velocity", async () => {
  await using engine = await createEngine("onnxruntime");
  const { steps, dispose } = benchSteps(engine, { width: 2, batch: 3 });
  const terms = async (name: StepName): Promise<Record<string, number>> => {
    const outputs = await steps.find((step) => step.name === name)!.call() as {
      readonly terms: Record<string, Leaf>;
      readonly velocity: Record<string, Leaf>;
    };
    const { data } = await engine.read(outputs.velocity["conv1.weight"]!);
    assertGreater(Math.max(...data), 0, `${name} does not move the first convolution`);
    const read = await readTree(engine, outputs.terms);
    disposeTree(outputs);
    return Object.fromEntries(Object.entries(read).map(([term, { data }]) => [term, data[0]!]));
  };
  const natural = await terms("cross-entropy step");
  const kdiga = await terms("KDIGA step");
  const linear = await terms("KDIGA step, linear teacher");
  dispose();

  assertEquals([natural, kdiga, linear].map(Object.keys), [["ce"], ["ce", "kl", "iga"], ["ce", "kl", "iga"]]);
  for (const value of [natural, kdiga, linear].flatMap(Object.values)) {
    assert(Number.isFinite(value) && value > 0, `a term is ${value}`);
  }
  assertAlmostEquals(kdiga["ce"]!, natural["ce"]! / 2, 1e-5); // alpha = 1/2, the same student
  assert(kdiga["iga"] !== linear["iga"], "both teachers have one gradient");
});

/** Operations of a ResNet-18's forward pass on images of 32x32, from its table of layers; two per multiply-add. */
function forwardFlops(width: number, batch: number): { readonly all: number; readonly stem: number } {
  const conv = (pixels: number, kernel: number, inputs: number, outputs: number) =>
    2 * batch * pixels ** 2 * kernel ** 2 * inputs * outputs;
  const stem = conv(32, 3, 3, width);
  let all = stem + 4 * conv(32, 3, width, width) + 2 * batch * 8 * width * 10;
  for (const [pixels, factor] of [[16, 2], [8, 4], [4, 8]] as const) {
    const [inputs, outputs] = [factor / 2 * width, factor * width];
    all += conv(pixels, 3, inputs, outputs) + 3 * conv(pixels, 3, outputs, outputs) + conv(pixels, 1, inputs, outputs);
  }
  return { all, stem };
}

Deno.test("bench.ts --small --json measures every step and counts its operations", async () => {
  const args = ["--small", "--json", "--engine", "onnxruntime"];
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", ...PERMISSIONS, SCRIPT, ...args],
  });
  const { code, stdout, stderr } = await command.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const { rows, machine, ...others } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(others, {});

  assertEquals(rows.map((row: BenchRow) => [row.step, row.model, row.width, row.batch, row.engine, row.runs]), [
    ["forward", "resnet18", 4, 4, "onnxruntime", 2],
    ["input gradient", "resnet18", 4, 4, "onnxruntime", 2],
    ["cross-entropy step", "resnet18", 4, 4, "onnxruntime", 2],
    ["KDIGA step", "resnet18", 4, 4, "onnxruntime", 2],
    ["KDIGA step, linear teacher", "resnet18", 4, 4, "onnxruntime", 2],
    ["matmul", "8 x 1024x1024", 4, 4, "onnxruntime", 2],
  ]);
  const { all, stem } = forwardFlops(4, 4);
  const [forward, gradient, natural, kdiga, linear, matmul] = rows.map((row: BenchRow) => row.flops);
  // No step asks for the gradient of the cross-entropy step's pixels: the stem has two products, not three.
  assertEquals([forward, gradient, natural, matmul], [all, 2 * all, 3 * all - stem, 8 * 2 * 1024 ** 3]);
  // Six forwards for the student, two for a teacher of its size.
  assertAlmostEquals(kdiga / all, 8, 0.1);
  assertAlmostEquals(linear / all, 6, 0.1);
  for (const row of rows) {
    assert(0 < row.minMs && row.minMs <= row.firstQuartileMs, row.step);
    assert(row.firstQuartileMs <= row.medianMs && row.medianMs <= row.thirdQuartileMs, row.step);
    assertAlmostEquals(row.gflops * row.medianMs, row.flops / 1e6, row.flops / 1e10);
    assertAlmostEquals(row.limitShare * row.medianMs, row.limitMs, row.limitMs / 1e4);
    assert(row.traceMs > 0 && row.sessionMs > 0 && row.nodes > 0 && row.memoryMiB > 10, row.step);
  }
  assertEquals(machine.engine, "onnxruntime");
  assertEquals(machine.cores, navigator.hardwareConcurrency);
  assertEquals([machine.loadBefore.length, machine.loadAfter.length], [3, 3]);
  assertGreater(machine.startUpMs, 0);
  if (machine.memoryKind === "peak resident memory so far") {
    const memory = [...rows, machine].map((one) => one.memoryMiB);
    assertEquals(memory, memory.toSorted((a, b) => a - b));
  } else assertEquals(machine.memoryKind, "resident memory");
});
