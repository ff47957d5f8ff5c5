import { cpus } from "node:os";
import { resourceUsage } from "node:process";
import type { Engine } from "../mod.ts";

/** Memory of this process. */
export interface PeakMemory {
  /** Bytes. */
  readonly bytes: number;
  /** What they are: the most that was resident so far, or what is now where the system does not tell. */
  readonly kind: "peak resident memory so far" | "resident memory";
}

/** Where the numbers were taken. */
export interface BenchMachine {
  /** Name of the processor; null where it is not known. */
  readonly cpu: string | null;
  /** Logical cores. */
  readonly cores: number;
  /** Operating system. */
  readonly os: string;
  /** Architecture. */
  readonly arch: string;
  /** Version of Deno. */
  readonly deno: string;
  /** Name of the engine. */
  readonly engine: string;
  /** Version of the library underneath. */
  readonly version: string;
  /** What it runs on. */
  readonly device: string;
  /** Time to make the engine, ms. */
  readonly startUpMs: number;
  /** Load averages over 1, 5 and 15 minutes before; zeros on Windows. */
  readonly loadBefore: readonly number[];
  /** The same after; this program's own work is in it. */
  readonly loadAfter: readonly number[];
  /** Memory of the process at the end, MiB. */
  readonly memoryMiB: number;
  /** What the memory is, here and in the rows. */
  readonly memoryKind: PeakMemory["kind"];
}

/** Describes the machine at the end of the measurements. */
export function benchMachine(
  engine: Engine,
  { startUpMs, loadBefore }: Pick<BenchMachine, "startUpMs" | "loadBefore">,
): BenchMachine {
  const { bytes, kind } = peakMemory();
  const { name, version, device } = engine;
  return {
    cpu: cpuModel(),
    cores: navigator.hardwareConcurrency,
    os: Deno.build.os,
    arch: Deno.build.arch,
    deno: Deno.version.deno,
    engine: name,
    version,
    device,
    startUpMs: Math.round(startUpMs),
    loadBefore,
    loadAfter: Deno.loadavg(),
    memoryMiB: Math.round(bytes / 2 ** 20),
    memoryKind: kind,
  };
}

/**
 * The memory that this process took; on Linux its peak, as the kernel counts it (VmHWM, which Deno shows only to
 * programs that may do everything). Elsewhere the unit of the peak differs between systems.
 */
export function peakMemory(): PeakMemory {
  return Deno.build.os === "linux"
    ? { bytes: resourceUsage().maxRSS * 1024, kind: "peak resident memory so far" }
    : { bytes: Deno.memoryUsage().rss, kind: "resident memory" };
}

function cpuModel(): string | null {
  try {
    return cpus()[0]?.model?.trim() || null;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}
