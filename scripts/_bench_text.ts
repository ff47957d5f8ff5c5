import { tableText } from "../mod.ts";
import type { BenchMachine } from "./_bench_machine.ts";
import type { BenchRow } from "./_bench_measure.ts";

/** Writes the rows of one case as a table. */
export function caseText(rows: readonly BenchRow[]): string {
  const { width, batch, runs } = rows[0]!;
  return tableText({
    caption: `ResNet-18 of width ${width}, batches of ${batch} images of 32x32; ${runs} calls of each, in turn.`,
    columns: [
      "Step",
      "median ms",
      "min ms",
      "GFLOP",
      "GFLOP/s",
      "limit ms",
      "of limit",
      "trace ms",
      "session ms",
      "MiB so far",
    ],
    rows: rows.map((row) => [
      row.step === "matmul" ? `matmul ${row.model}` : row.step,
      digits(row.medianMs),
      digits(row.minMs),
      digits(row.flops === null ? null : row.flops / 1e9),
      digits(row.gflops),
      digits(row.limitMs),
      row.limitShare === null ? "-" : `${(100 * row.limitShare).toFixed(0)} %`,
      digits(row.traceMs),
      digits(row.sessionMs),
      String(row.memoryMiB),
    ]),
  });
}

/** Writes where the numbers were taken and what the columns mean. */
export function machineText(machine: BenchMachine): string {
  const { cpu, cores, os, arch, deno, engine, version, device, startUpMs, loadBefore, loadAfter } = machine;
  const load = (averages: readonly number[]) => averages.map((average) => average.toFixed(2)).join(" ");
  return [
    `${engine} (${version}) on ${device}; start-up ${digits(startUpMs)} ms`,
    `${cpu ?? "unknown processor"}, ${cores} cores, ${os} ${arch}, Deno ${deno}`,
    `load average (1, 5, 15 min) ${load(loadBefore)} before, ${load(loadAfter)} after`,
    `${machine.memoryKind} ${machine.memoryMiB} MiB; of a row: after its warm-up calls, earlier rows included`,
    "GFLOP: counted from the graph's convolutions and matrix products; limit: the same work at the matmul's speed.",
    "KDIGA step: the teacher's forward pass and input gradient are in it, of a teacher as wide as the student. A",
    "linear teacher's cost next to nothing: with it, the step is that of a teacher gradient that is given.",
    "",
  ].join("\n");
}

/** About three significant digits; "-" for what is not known. */
export function digits(value: number | null): string {
  if (value === null) return "-";
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}
