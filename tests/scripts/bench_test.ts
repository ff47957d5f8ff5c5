import { assert, assertAlmostEquals, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  createEngine,
  createModel,
  DataError,
  decodeSafetensors,
  disposeTree,
  float32,
  type Leaf,
  mul,
  type NdArray,
  type ProgramStats,
  readTree,
  scalar,
  type Tensor,
  UsageError,
  type Value,
} from "../../mod.ts";
import { encodeCase } from "../../scripts/_bench_arrays.ts";
import { parseCase } from "../../scripts/_bench_case.ts";
import {
  type Agreement,
  checkDistances,
  euclideanDistances,
  fasterFormat,
  maximumDistances,
} from "../../scripts/_bench_compare.ts";
import { countingEngine } from "../../scripts/_bench_counting.ts";
import { growthPlan, type GrowthRow, msPerImage, partsOf } from "../../scripts/_bench_growth.ts";
import { parseStatus, peakMemory, processMemory } from "../../scripts/_bench_machine.ts";
import { type BenchRow, benchRows, measure, quantile } from "../../scripts/_bench_measure.ts";
import type { MemoryRow } from "../../scripts/_bench_memory.ts";
import { MODEL_CASES, type ModelRow } from "../../scripts/_bench_models.ts";
import { type Peer, startPeer } from "../../scripts/_bench_peer.ts";
import { type BenchStep, benchSteps, STEP_NAMES, type StepName } from "../../scripts/_bench_steps.ts";
import { caseText, digits, growthText, memoryText } from "../../scripts/_bench_text.ts";

/** A Python with torch, to compare with; without it the tests of the peer are ignored. */
const PEER_PYTHON = Deno.env.get("KDIGA_PEER_PYTHON");
/** What timing needs without a peer. */
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
    stats: () => ({ traceMs: 3, sessionMs: 4, nodes: 5, flops }),
    numbers: () => Promise.resolve({}),
  });
  const peer = (times: number[]) => (name: StepName) => {
    clock += 1000;
    log.push(`peer's ${name}`);
    return Promise.resolve(times.shift()!);
  };
  return { log, step, peer, now: () => clock };
}

Deno.test("quantile() interpolates as numpy.percentile does", () => {
  const values = [40, 7, 36, 15, 41, 39];
  assertEquals([0, 0.25, 0.5, 0.75, 1].map((p) => quantile(values, p)), [7, 20.25, 37.5, 39.75, 41]);
  assertEquals(quantile([3], 0.5), 3);
});

Deno.test("measure() warms up, then times every second call of each step in turn, without the freeing of outputs", async () => {
  const { log, step, now } = fakes();
  const steps = [step("forward", 1, [50, 91, 1, 92, 2, 93, 3]), step("matmul", 1, [70, 94, 4, 95, 5, 96, 6])];
  let calls = 0;
  const measured = await measure(steps, { runs: 3, warmUps: 1, now, onCall: () => calls++ });
  assertEquals(measured.map(({ times }) => times), [[1, 2, 3], [4, 5, 6]]);
  const call = (name: string) => [name, `free ${name}`];
  const turn = [...call("forward"), ...call("forward"), ...call("matmul"), ...call("matmul")];
  assertEquals(log, [...call("forward"), ...call("matmul"), ...turn, ...turn, ...turn]);
  assertEquals(calls, 8);
});

Deno.test("measure() follows each timed call by one of the peer", async () => {
  const { log, step, peer, now } = fakes();
  const steps = [step("forward", 1, [50, 91, 1, 92, 2]), step("matmul", 1, [70, 93, 4, 94, 5])];
  const measured = await measure(steps, { runs: 2, warmUps: 1, now, peer: peer([10, 20, 30, 40]) });
  assertEquals(measured.map(({ times }) => times), [[1, 2], [4, 5]]);
  assertEquals(measured.map(({ peerTimes }) => peerTimes), [[10, 30], [20, 40]]);
  const ours = log.filter((line) => !line.startsWith("free"));
  const turn = ["forward", "forward", "peer's forward", "matmul", "matmul", "peer's matmul"];
  assertEquals(ours, ["forward", "matmul", ...turn, ...turn]);
});

Deno.test("benchRows() holds each step against the matmul of its own rounds", () => {
  const { step } = fakes();
  const peak = { bytes: 3 * 2 ** 20, kind: "resident memory" } as const;
  const measured = [
    { step: step("forward", 2e9, []), times: [30, 20, 100], peerTimes: [], peak },
    { step: step("matmul", 1e9, []), times: [5, 9, 4], peerTimes: [], peak },
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
    peerMs: null,
    peerMinMs: null,
    ratio: null,
    peerFormat: null,
    peerAgreement: null,
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

const AGREEMENT: Agreement = {
  difference: 2e-5,
  differenceIn: "velocity.conv1.weight",
  reluDifference: 3e-6,
  attackDifference: null,
};

Deno.test("benchRows() divides our median by the peer's", () => {
  const { step } = fakes();
  const peak = { bytes: 0, kind: "resident memory" } as const;
  const measured = [{ step: step("forward", 2e9, []), times: [30, 20, 100], peerTimes: [80, 40, 60], peak }];
  const peer = new Map([["forward", { format: "channels_last", ...AGREEMENT }]] as const);
  const rows = benchRows(measured, { width: 16, batch: 64 }, "onnxruntime", peer);
  const [{ medianMs, peerMs, peerMinMs, ratio, peerFormat, peerAgreement }] = rows as [BenchRow];
  assertEquals([medianMs, peerMs, peerMinMs, ratio, peerFormat], [30, 60, 40, 0.5, "channels_last"]);
  assertEquals(peerAgreement, AGREEMENT);

  const text = caseText(rows);
  assertEquals(text.split("\n")[2]!.split(/ {2,}/).slice(0, 7), [
    "forward",
    "30.0",
    "20.0",
    "60.0",
    "40.0",
    "channels_last",
    "0.50",
  ]);
  assert(text.includes("largest difference 2.0e-5 of an array's largest entry (forward, velocity.conv1.weight)"), text);
});

Deno.test("benchRows() has no speed and no limit where the engine counts no operations", () => {
  const { step } = fakes();
  const peak = { bytes: 0, kind: "resident memory" } as const;
  const measured = (["forward", "matmul"] as const).map((name) => ({
    step: step(name, 0, []),
    times: [1],
    peerTimes: [],
    peak,
  }));
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

Deno.test("parseStatus() reads what Linux says of a process, in kilobytes", () => {
  const text = "Name:\tdeno\nVmPeak:\t 9000 kB\nVmHWM:\t    5000 kB\nVmRSS:\t    4000 kB\nRssAnon:\t 3000 kB\n";
  assertEquals(parseStatus(text), { residentBytes: 4_096_000, peakBytes: 5_120_000 });
  assertEquals(parseStatus("VmData: 1 kB"), { residentBytes: null, peakBytes: null });
});

Deno.test({
  name: "processMemory() counts what is held, and remembers what was",
  ignore: Deno.build.os !== "linux",
  fn() {
    const before = processMemory().residentBytes!;
    const { buffer } = new Uint8Array(200 * 2 ** 20).fill(1);
    const { residentBytes, peakBytes } = processMemory();
    assertGreater(residentBytes!, before + 150 * 2 ** 20);
    structuredClone(buffer, { transfer: [buffer] });
    assertGreater(peakBytes!, residentBytes! - 2 ** 20);
  },
});

Deno.test("maximumDistances() are relative to the largest entry; what cannot be compared is not a number", () => {
  const ours = { a: float32([3], [1, -4, 2]), same: scalar(0), shape: float32([2, 1], [1, 2]), missing: scalar(1) };
  const theirs = { a: float32([3], [1, -4, 2.5]), same: scalar(0), shape: float32([2], [1, 2]), more: scalar(1) };
  assertEquals(maximumDistances(ours, theirs), { a: 0.125, same: 0, shape: NaN, missing: NaN, more: NaN });
  assertEquals(maximumDistances({ a: scalar(NaN) }, { a: scalar(1) }), { a: NaN });
});

Deno.test("euclideanDistances() take the arrays of one group as one vector", () => {
  const theirs = { "velocity.a": float32([2], [3, 0]), "velocity.b": scalar(4), "logits": scalar(2) };
  const ours = { "velocity.a": float32([2], [3, 0.3]), "velocity.b": scalar(4.4), "logits": scalar(2) };
  const distances = euclideanDistances(ours, theirs);
  assertAlmostEquals(distances["velocity"]!, 0.1, 1e-6);
  assertEquals(distances["logits"], 0);
  assertEquals(euclideanDistances({}, { logits: scalar(2) }), { logits: NaN });
});

Deno.test("checkDistances() tells the largest, and refuses what is too large", () => {
  assertEquals(checkDistances("forward", { a: 1e-4, b: 9e-4, attackLoss: 9e-3 }), {
    difference: 9e-4,
    differenceIn: "b",
    attackDifference: 9e-3,
  });
  assertEquals(checkDistances("forward", { a: 4e-2 }, 5e-2).difference, 4e-2);
  const message = (name: string, value: string, most: string) =>
    `Cannot compare the times of "forward" as its "${name}" is ${value} of its size away from the peer's ` +
    `where ${most} is let pass: find out which of both is wrong`;
  const refuses = (distances: Readonly<Record<string, number>>, text: string) =>
    assertThrows(() => checkDistances("forward", distances), DataError, text);
  refuses({ a: 2e-3, b: 1.5e-3 }, message("a", "2.0e-3", "0.001"));
  refuses({ a: 1e-4, attackLoss: 2e-2 }, message("attackLoss", "2.0e-2", "0.01"));
  refuses({ a: 2e-3, b: NaN }, message("b", "NaN", "0.001"));
});

Deno.test("fasterFormat() takes the format of the shortest run, the first of each left out", async () => {
  const times = { contiguous: [1, 30, 20], "channels_last": [99, 25, 19] };
  const peer = { run: (_: StepName, format: keyof typeof times) => Promise.resolve(times[format].shift()!) };
  assertEquals(await fasterFormat(peer as unknown as Peer, "forward"), "channels_last");
  assertEquals(times, { contiguous: [], "channels_last": [] });
});

Deno.test("countingEngine() adds up the operations of all calls, and what all programs cost", async () => {
  await using engine = await createEngine("reference");
  const given: ProgramStats = { signature: "", traceMs: 1, sessionMs: 2, nodes: 3, flops: 5 };
  let disposed = 0;
  const compile =
    ((...args: Parameters<typeof engine.compile>) =>
      Object.assign(engine.compile(...args).bind(null), { stats: [given], dispose: () => disposed++ })) as (
        typeof engine.compile
      );
  const counting = countingEngine({ ...engine, compile });
  const double = counting.engine.compile(({ x }: { readonly x: Tensor }) => mul(x, 2));
  const triple = counting.engine.compile(({ x }: { readonly x: Tensor }) => mul(x, 3));
  const x = await double({ x: scalar(7) });
  assertEquals((await engine.read(await triple({ x }))).data[0], 42);
  assertEquals(counting.stats(), { flops: 10, traceMs: 2, sessionMs: 4, nodes: 6 });
  counting.reset();
  await double({ x });
  assertEquals(counting.stats(), { flops: 5, traceMs: 2, sessionMs: 4, nodes: 6 });
  counting.dispose();
  assertEquals(disposed, 2);
});

Deno.test("encodeCase() writes weights in PyTorch's layouts, the start of the attack, and the settings", () => {
  const { tensors, metadata } = decodeSafetensors(encodeCase({ width: 2, batch: 3 }, new Set(["linear"])));
  const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
  assertEquals(shapes["student.layer2.0.downsample.0.weight"], [4, 2, 1, 1]);
  assertEquals(shapes["student.fc.weight"], [10, 16]);
  assertEquals(shapes["linear.fc1.weight"], [10, 3072]);
  assertEquals([shapes["x"], shapes["unit"]], [[3, 32, 32, 3], [3, 32, 32, 3]]);
  assert(!Object.keys(tensors).some((name) => name.startsWith("teacher.") || name === "a"), "no more than asked for");
  const { data } = tensors["unit"]!;
  assert(data.every((value) => Math.abs(value) <= 1) && Math.min(...data) < -0.9, "not in the unit ball");
  const variances = tensors["student.bn1.running_var"]!.data;
  assert(variances[0] !== variances[1] && Math.min(...variances) > 0.5, "batch norm as at the start shows no mistake");
  const settings = JSON.parse(metadata!["settings"]!);
  const spec = { kind: "resnet18", width: 2, activation: "relu" };
  assertEquals(settings.models.student, { spec, inputShape: [32, 32, 3], classes: 10 });
  assertEquals(settings.attack, { eps: 8 / 255, stepSize: 2 / 255, steps: 10 });
  assertEquals(settings.optimizer.learningRate, 0.1);
});

Deno.test("msPerImage() and partsOf() tell how a run went", () => {
  const marks = [0, 10, 30, 35, 60, 70, 90, 95, 125].map((ms, i) => ({ images: 50 * (i + 1), ms }));
  assertEquals(msPerImage(marks), 125 / 400);
  assertEquals(partsOf(marks).map(msPerImage), [30 / 100, 30 / 100, 30 / 100, 35 / 100]);
  assertEquals(partsOf(marks).map((part) => part.at(-1)!.images), [150, 250, 350, 450]);
  assertEquals(partsOf(marks.slice(0, 3)).map((part) => part.length), [2, 2]);
  assertEquals([partsOf(marks.slice(0, 1)), partsOf([])], [[], []]);
});

Deno.test("parseCase() refuses what is none", () => {
  assertEquals(parseCase("16x64"), { width: 16, batch: 64 });
  assertEquals(parseCase("vit-192x64"), { kind: "vit", width: 192, batch: 64 });
  for (const text of ["resnet-16x64", "16", "0x64", "16x", "16x64x2", "-1x2"]) {
    assertThrows(
      () => parseCase(text),
      UsageError,
      `Cannot measure the case "${text}": write WIDTHxBATCH, such as 16x64, or vit-192x64`,
    );
  }
});

Deno.test("benchSteps() runs whole training steps: finite terms, and a velocity", async () => {
  await using engine = await createEngine("onnxruntime");
  const { steps, dispose } = benchSteps(engine, { width: 2, batch: 3 });
  const terms = async (name: StepName): Promise<Record<string, number>> => {
    const outputs = await steps.find((step) => step.name === name)!.call() as {
      readonly terms: Record<string, Leaf>;
      readonly optimizerState: Record<string, Record<string, Leaf>>;
    };
    const { data } = await engine.read(outputs.optimizerState["velocity"]!["conv1.weight"]!);
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

Deno.test("benchSteps() attacks within the ball, and trains on what the attack made", async () => {
  await using engine = await createEngine("onnxruntime");
  const names = ["input gradient", "PGD-10 attack", "cross-entropy step", "adversarial step"] as const;
  const { steps, dispose } = benchSteps(engine, { width: 2, batch: 3 }, names);
  const [gradient, attack, natural, adversarial] = steps as [BenchStep, BenchStep, BenchStep, BenchStep];
  const x = decodeSafetensors(encodeCase({ width: 2, batch: 3 }, new Set())).tensors["x"]!;
  const value = await attack.call() as Value;
  const xAdv = await engine.read(value);
  value.dispose();
  assertAlmostEquals(Math.max(...xAdv.data.map((pixel, i) => Math.abs(pixel - x.data[i]!))), 8 / 255, 1e-6);

  const mean = ({ data }: NdArray) => Array.from(data).reduce((sum, value) => sum + value, 0) / data.length;
  const clean = await gradient.numbers(undefined);
  const attacked = await attack.numbers(xAdv);
  assertEquals(Object.keys(attacked), ["attackLoss", "gradient", "crossEntropy"]);
  assertAlmostEquals(attacked["attackLoss"]!.data[0]!, mean(attacked["crossEntropy"]!), 1e-5);
  assertGreater(attacked["attackLoss"]!.data[0]!, mean(clean["crossEntropy"]!));

  const on = await natural.numbers(undefined);
  const trained = await adversarial.numbers(xAdv);
  assertAlmostEquals(trained["attackLoss"]!.data[0]!, trained["term.ce"]!.data[0]!, 1e-5);
  assert(trained["term.ce"]!.data[0]! !== on["term.ce"]!.data[0]!, "the attack does not reach the step");
  assertEquals(Object.keys(trained).slice(1), Object.keys(on));
  dispose();
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

/** Runs the command, which must end well, and reads what it prints. */
async function bench<R>(
  permissions: readonly string[],
  ...args: readonly string[]
): Promise<{ readonly rows: readonly R[]; readonly machine: Readonly<Record<string, unknown>> }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, SCRIPT, "--small", "--json", "--engine", "onnxruntime", ...args],
  });
  const { code, stdout, stderr } = await command.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const { rows, machine, ...others } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(others, {});
  assertEquals(machine.engine, "onnxruntime");
  return { rows, machine };
}

Deno.test("bench.ts --small --json measures every step and counts its operations", async () => {
  const { rows, machine } = await bench<BenchRow>(PERMISSIONS);
  assertEquals(
    rows.map(({ step, model, width, batch, engine, runs }) => [step, model, width, batch, engine, runs]),
    STEP_NAMES.map((step) => [step, step === "matmul" ? "8 x 1024x1024" : "resnet18", 4, 4, "onnxruntime", 2]),
  );
  const { all, stem } = forwardFlops(4, 4);
  const flops = Object.fromEntries(rows.map(({ step, flops }) => [step, flops!])) as Record<StepName, number>;
  // No step asks for the gradient of the cross-entropy step's pixels: the stem has two products, not three.
  const natural = 3 * all - stem;
  assertEquals([flops.forward, flops["input gradient"], flops["cross-entropy step"]], [all, 2 * all, natural]);
  assertEquals([flops["PGD-10 attack"], flops["adversarial step"]], [10 * 2 * all, 10 * 2 * all + natural]);
  assertEquals([flops["KD step"], flops.matmul], [natural + all, 8 * 2 * 1024 ** 3]);
  // Six forwards for the student, two for a teacher of its size.
  assertAlmostEquals(flops["KDIGA step"] / all, 8, 0.1);
  assertAlmostEquals(flops["KDIGA step, linear teacher"] / all, 6, 0.1);
  for (const row of rows) {
    assert(0 < row.minMs && row.minMs <= row.firstQuartileMs, row.step);
    assert(row.firstQuartileMs <= row.medianMs && row.medianMs <= row.thirdQuartileMs, row.step);
    assertAlmostEquals(row.gflops! * row.medianMs, row.flops! / 1e6, row.flops! / 1e10);
    assertAlmostEquals(row.limitShare! * row.medianMs, row.limitMs!, row.limitMs! / 1e4);
    assert(row.traceMs > 0 && row.sessionMs > 0 && row.nodes > 0 && row.memoryMiB > 10, row.step);
    assertEquals([row.peerMs, row.ratio, row.peerFormat, row.peerAgreement], [null, null, null, null]);
  }
  assertEquals([machine["cores"], machine["threads"]], [navigator.hardwareConcurrency, navigator.hardwareConcurrency]);
  assertEquals([machine["loadBefore"], machine["loadAfter"]].map((load) => (load as number[]).length), [3, 3]);
  assertGreater(machine["startUpMs"] as number, 0);
  assertEquals(machine["peer"], null);
  if (machine["memoryKind"] === "peak resident memory so far") {
    const memory = [...rows.map(({ memoryMiB }) => memoryMiB), machine["memoryMiB"] as number];
    assertEquals(memory, memory.toSorted((a, b) => a - b));
  } else assertEquals(machine["memoryKind"], "resident memory");
});

Deno.test("bench.ts --step measures those alone, and the matmul", async () => {
  const { rows } = await bench<BenchRow>(PERMISSIONS, "--step", "forward", "--runs", "1");
  assertEquals(rows.map(({ step, runs }) => [step, runs]), [["forward", 1], ["matmul", 1]]);
});

Deno.test("bench.ts --memory runs each step in a process of its own", async () => {
  const steps = ["--step", "forward", "--step", "KDIGA step"];
  const { rows } = await bench<MemoryRow>([...PERMISSIONS, "--allow-run"], "--memory", ...steps);
  assertEquals(rows.map(({ step, width, batch, engine }) => [step, width, batch, engine]), [
    ["forward", 4, 4, "onnxruntime"],
    ["KDIGA step", 4, 4, "onnxruntime"],
  ]);
  const [forward, kdiga] = rows as [MemoryRow, MemoryRow];
  for (const { peakMiB, baseMiB, peerPeakMiB, peerBaseMiB, peerFormat } of rows) {
    if (Deno.build.os === "linux") assert(50 < baseMiB! && baseMiB! <= peakMiB!, `${baseMiB} of ${peakMiB}`);
    else assertEquals([peakMiB, baseMiB], [null, null]);
    assertEquals([peerPeakMiB, peerBaseMiB, peerFormat], [null, null, null]);
  }
  if (Deno.build.os === "linux") assertGreater(kdiga.peakMiB!, forward.peakMiB!);
  assertEquals(memoryText(rows).split("\n")[2]!.split(/ {2,}/).slice(0, 3), ["forward", "4", "4"]);
});

Deno.test("bench.ts --growth varies one quantity at a time", async () => {
  const { rows } = await bench<GrowthRow>(PERMISSIONS, "--growth");
  const steps = ["cross-entropy step", "KDIGA step, linear teacher"];
  const { cases, lengths } = growthPlan(true);
  assertEquals(
    rows.filter(({ over }) => over !== "images so far").map(({ over, value, step }) => [over, value, step]),
    [
      ...cases.flatMap(({ over, value }) => steps.map((step) => [over, value, step])),
      ...["training", "evaluation"].flatMap((step) => lengths.map((length) => ["images", length, step])),
    ],
  );
  const parts = rows.filter(({ over, step }) => over === "images so far" && step === "training");
  assertEquals(parts.length, 4);
  assertEquals(parts.at(-1)!.value, Math.max(...lengths));
  for (const { msPerImage, medianMs, gflops, over } of rows) {
    assertGreater(msPerImage, 0);
    assertEquals([medianMs === null, gflops === null], Array(2).fill(over.startsWith("images")));
  }
  assertEquals(growthText(rows).split("\n")[2]!.split(/ {2,}/).slice(0, 3), ["width", "2", "cross-entropy step"]);
});

Deno.test("growthPlan() asks for each length of a whole share of the longest", () => {
  for (const small of [true, false]) {
    const { lengths, batch } = growthPlan(small);
    for (const length of lengths) assertEquals([Math.max(...lengths) % length, length % batch], [0, 0]);
  }
});

Deno.test("bench.ts refuses --growth with what it does not look at", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", ...PERMISSIONS, SCRIPT, "--growth", "--case", "4x4"],
  });
  const { code, stderr } = await command.output();
  assertEquals(code, 2);
  assertEquals(
    new TextDecoder().decode(stderr),
    "UsageError: Cannot measure --growth with --case: run them one after the other\n",
  );
});

Deno.test("bench.ts --models measures every family, whose networks can be made", async () => {
  const { rows } = await bench<ModelRow>(PERMISSIONS, "--models");
  assertEquals(rows.map(({ name }) => name), ["ResNet-18", "ViT"]);
  for (const { forwardMs, kdigaMs, parameters, macs } of rows) {
    assert(forwardMs > 0 && kdigaMs > 0 && parameters > 1000 && macs > 1000);
  }
  for (const { spec, size } of MODEL_CASES) createModel(spec, { classes: 10, inputShape: [size, size, 3] });
  assertEquals(new Set(MODEL_CASES.map(({ name }) => name)).size, MODEL_CASES.length);
});

Deno.test("startPeer() says what is missing", async () => {
  await assertRejects(
    () => startPeer("/no/such/python", 1),
    UsageError,
    'Cannot start the peer "/no/such/python": write the path of a Python with torch',
  );
  // A program that ends without a word that could be an answer.
  await assertRejects(
    () => startPeer(Deno.execPath(), 1),
    DataError,
    `Cannot compare with "${Deno.execPath()}" as it ended (`,
  );
});

const withPeer = (name: string, fn: (python: string) => Promise<void>) =>
  Deno.test({ name, ignore: PEER_PYTHON === undefined, fn: () => fn(PEER_PYTHON!) });

withPeer("the peer answers, says what it cannot do, and goes on", async (python) => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/case.safetensors`;
  await Deno.writeFile(path, encodeCase({ width: 2, batch: 2 }, new Set()));
  await using peer = await startPeer(python, 1);
  assertEquals(peer.info.threads, 1);
  await assertRejects(() => peer.run("forward", "contiguous"), DataError, "KeyError");
  await peer.open(path, ["contiguous"]);
  assertGreater(await peer.run("forward", "contiguous"), 0);
  await assertRejects(() => peer.run("KD step", "contiguous"), DataError, "TypeError");
  const first = await peer.check(path, "cross-entropy step", "channels_last", `${path}.numbers`);
  assertEquals(first["updated.layer1.0.conv1.weight"]!.shape, [2, 2, 3, 3]);
  // Runs do not move the weights of a check.
  await peer.run("cross-entropy step", "contiguous");
  const again = await peer.check(path, "cross-entropy step", "channels_last", `${path}.numbers`);
  assertEquals(again["term.ce"], first["term.ce"]);
  await Deno.remove(folder, { recursive: true });
});

withPeer("bench.ts --peer computes the same as PyTorch and says how long that takes", async (python) => {
  const { rows, machine } = await bench<BenchRow>(["--allow-all"], "--peer", python);
  assertEquals(rows.map(({ step }) => step), STEP_NAMES);
  for (const { step, medianMs, peerMs, peerMinMs, ratio, peerFormat, peerAgreement } of rows) {
    assert(0 < peerMinMs! && peerMinMs! <= peerMs!, step);
    assertAlmostEquals(ratio!, medianMs / peerMs!, 1e-3 * ratio!);
    assert(peerFormat === "contiguous" || peerFormat === "channels_last", step);
    const { difference, reluDifference, attackDifference } = peerAgreement!;
    assert(0 < difference && difference < 1e-3 && reluDifference < 1e-3, `${step}: ${difference} ${reluDifference}`);
    assertEquals(attackDifference !== null, step === "PGD-10 attack" || step === "adversarial step");
  }
  assertEquals(Object.keys(machine["peer"] as object), ["version", "python", "threads"]);
});

withPeer("bench.ts --memory --peer measures PyTorch in the same way", async (python) => {
  const { rows } = await bench<MemoryRow>(["--allow-all"], "--memory", "--peer", python, "--step", "KDIGA step");
  const [{ peerPeakMiB, peerBaseMiB, peerFormat }] = rows as [MemoryRow];
  if (Deno.build.os === "linux") assert(50 < peerBaseMiB! && peerBaseMiB! <= peerPeakMiB!);
  assert(peerFormat !== null);
});
