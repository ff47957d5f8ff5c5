import { tableText } from "../mod.ts";
import { ATTACK_TOLERANCE, KINK_TOLERANCE, TOLERANCE } from "./_bench_compare.ts";
import type { GrowthRow } from "./_bench_growth.ts";
import type { BenchMachine } from "./_bench_machine.ts";
import type { BenchRow } from "./_bench_measure.ts";
import { MEMORY_CALLS, type MemoryRow } from "./_bench_memory.ts";

/** A column of a table: its heading and what it says of a row. */
type Column<R> = readonly [heading: string, text: (row: R) => string];

const TIMES: readonly Column<BenchRow>[] = [
  ["Step", ({ step, model }) => step === "matmul" ? `matmul ${model}` : step],
  ["median ms", ({ medianMs }) => digits(medianMs)],
  ["min ms", ({ minMs }) => digits(minMs)],
];
const PEER: readonly Column<BenchRow>[] = [
  ["PyTorch ms", ({ peerMs }) => digits(peerMs)],
  ["min ms", ({ peerMinMs }) => digits(peerMinMs)],
  ["format", ({ peerFormat }) => peerFormat ?? "-"],
  ["ratio", ({ ratio }) => digits(ratio)],
];
const LIMIT: readonly Column<BenchRow>[] = [
  ["GFLOP", ({ flops }) => digits(flops === null ? null : flops / 1e9)],
  ["GFLOP/s", ({ gflops }) => digits(gflops)],
  ["limit ms", ({ limitMs }) => digits(limitMs)],
  ["of limit", ({ limitShare }) => limitShare === null ? "-" : `${(100 * limitShare).toFixed(0)} %`],
];
const COST: readonly Column<BenchRow>[] = [
  ["trace ms", ({ traceMs }) => digits(traceMs)],
  ["session ms", ({ sessionMs }) => digits(sessionMs)],
  ["MiB so far", ({ memoryMiB }) => String(memoryMiB)],
];

/** Writes the rows of one case as a table; a peer takes the place of what programs cost to make. */
export function caseText(rows: readonly BenchRow[]): string {
  const { width, batch, runs, peerMs } = rows[0]!;
  const isCompared = peerMs !== null;
  const network = rows.some(({ model }) => model === "vit")
    ? `Vision transformer of width ${width}, patches of 4x4`
    : `ResNet-18 of width ${width}`;
  const turn = isCompared ? "in turn with PyTorch's" : "in turn";
  return table(
    `${network}, batches of ${batch} images of 32x32; ${runs} times two calls of each, ${turn}, the second timed.`,
    [...TIMES, ...(isCompared ? PEER : []), ...LIMIT, ...(isCompared ? [] : COST)],
    rows,
  ) + (isCompared ? agreementText(rows) : "");
}

/** Writes what the checks of the peer's numbers found. */
function agreementText(rows: readonly BenchRow[]): string {
  const largest = (of: "difference" | "reluDifference" | "attackDifference") =>
    rows.toSorted((a, b) => (b.peerAgreement?.[of] ?? 0) - (a.peerAgreement?.[of] ?? 0))[0]!;
  const [smooth, relu, attack] = [largest("difference"), largest("reluDifference"), largest("attackDifference")];
  const share = (value: number | null | undefined) => (value ?? 0).toExponential(1);
  return [
    `Checked before: largest difference ${share(smooth.peerAgreement?.difference)} of an array's largest entry ` +
    `(${smooth.step}, ${smooth.peerAgreement?.differenceIn}), ${TOLERANCE} let pass,`,
    `with tanh for ReLU, whose kink makes percents of rounding. With ReLU: ${
      share(relu.peerAgreement?.reluDifference)
    } ` +
    `of logits and loss terms; all gradients within ${KINK_TOLERANCE}`,
    `(Euclidean); loss after the attack ${
      share(attack.peerAgreement?.attackDifference)
    }, ${ATTACK_TOLERANCE} let pass.`,
    "",
  ].join("\n");
}

const MEMORY: readonly Column<MemoryRow>[] = [
  ["Step", ({ step }) => step],
  ["width", ({ width }) => String(width)],
  ["batch", ({ batch }) => String(batch)],
  ["peak MiB", ({ peakMiB }) => String(peakMiB ?? "-")],
  ["base MiB", ({ baseMiB }) => String(baseMiB ?? "-")],
];
const PEER_MEMORY: readonly Column<MemoryRow>[] = [
  ["PyTorch peak", ({ peerPeakMiB }) => String(peerPeakMiB ?? "-")],
  ["base", ({ peerBaseMiB }) => String(peerBaseMiB ?? "-")],
  ["format", ({ peerFormat }) => peerFormat ?? "-"],
  ["ratio", ({ peakMiB, peerPeakMiB }) => peakMiB && peerPeakMiB ? digits(peakMiB / peerPeakMiB) : "-"],
];

/** Writes what memory steps need. */
export function memoryText(rows: readonly MemoryRow[]): string {
  const isCompared = rows.some(({ peerFormat }) => peerFormat !== null);
  const caption =
    `Resident memory of a process that does this step alone, ${MEMORY_CALLS} times: the peak, and before ` +
    `the first call (runtime, library, weights).`;
  return table(caption, [...MEMORY, ...(isCompared ? PEER_MEMORY : [])], rows);
}

const GROWTH: readonly Column<GrowthRow>[] = [
  ["Grows", ({ over }) => over],
  ["to", ({ value }) => String(value)],
  ["step", ({ step }) => step],
  ["median ms", ({ medianMs }) => digits(medianMs)],
  ["ms per image", ({ msPerImage }) => msPerImage.toPrecision(3)],
  ["GFLOP/s", ({ gflops }) => digits(gflops)],
];

/** Writes how cost grows. */
export function growthText(rows: readonly GrowthRow[]): string {
  return table(
    "ResNet-18: widths at batch 32, batches at width 16, image sizes at width 16 and batch 16. Images: a small network " +
      "and images of 16x16.",
    GROWTH,
    rows,
  );
}

/** Writes where the numbers were taken. */
export function machineText(machine: BenchMachine): string {
  const { cpu, cores, os, arch, deno, engine, version, device, peer, threads, startUpMs, loadBefore, loadAfter } =
    machine;
  const load = (averages: readonly number[]) => averages.map((average) => average.toFixed(2)).join(" ");
  return [
    `${engine} (${version}) on ${device}; start-up ${digits(startUpMs)} ms`,
    ...(peer ? [`PyTorch ${peer.version} (Python ${peer.python}), eager, ${peer.threads} threads`] : []),
    `${cpu ?? "unknown processor"}, ${cores} cores, ${threads} threads, ${os} ${arch}, Deno ${deno}`,
    `load average (1, 5, 15 min) ${load(loadBefore)} before, ${load(loadAfter)} after`,
    "",
  ].join("\n");
}

/** Writes what the columns and steps of the times are. */
export function notesText(machine: BenchMachine): string {
  return [
    `${machine.memoryKind} ${machine.memoryMiB} MiB; of a row: after its warm-up calls, earlier rows included`,
    "GFLOP: counted from the graphs' convolutions and matrix products; limit: the same work at the matmul's speed.",
    "Forward, gradient and attack in evaluation mode. A step is all of it: terms, gradients, batch norm, SGD update.",
    "KDIGA step: the teacher's forward pass and input gradient are in it, of a teacher as wide as the student. A",
    "linear teacher's cost next to nothing: with it, the step is that of a teacher gradient that is given, as PyTorch's",
    "is. Ratio: our median over PyTorch's, in its faster memory format.",
    "",
  ].join("\n");
}

/** About three significant digits; "-" for what is not known. */
export function digits(value: number | null): string {
  if (value === null) return "-";
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

function table<R>(caption: string, columns: readonly Column<R>[], rows: readonly R[]): string {
  return tableText({
    caption,
    columns: columns.map(([heading]) => heading),
    rows: rows.map((row) => columns.map(([, text]) => text(row))),
  });
}
