import { cpus } from "node:os";
import { resourceUsage } from "node:process";
import type { Engine } from "../mod.ts";
import type { PeerInfo, ProcessMemory } from "./_bench_peer.ts";

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
  /** Threads of the engine, and of the peer. */
  readonly threads: number;
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
  /** What the engine was compared with; null where it was not. */
  readonly peer: PeerInfo | null;
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

/** Threads that an engine takes where it is told nothing. */
export const THREADS = navigator.hardwareConcurrency;

/** Describes the machine at the end of the measurements. */
export function benchMachine(
  { name, version, device }: Pick<Engine, "name" | "version" | "device">,
  { startUpMs, loadBefore, peer }: Pick<BenchMachine, "startUpMs" | "loadBefore" | "peer">,
): BenchMachine {
  const { bytes, kind } = peakMemory();
  return {
    cpu: cpuModel(),
    cores: navigator.hardwareConcurrency,
    threads: THREADS,
    os: Deno.build.os,
    arch: Deno.build.arch,
    deno: Deno.version.deno,
    engine: name,
    version,
    device,
    peer,
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

/**
 * Memory of this process as the kernel counts it, all threads together; null on other systems than Linux.
 *
 * Differs from {@linkcode peakMemory}, whose peak also counts what the process was before it became this program. It
 * needs the permission for everything.
 */
export function processMemory(): ProcessMemory {
  return Deno.build.os === "linux"
    ? parseStatus(Deno.readTextFileSync("/proc/self/status"))
    : { residentBytes: null, peakBytes: null };
}

/** Reads VmRSS and VmHWM of Linux's /proc/self/status. */
export function parseStatus(text: string): ProcessMemory {
  const field = (name: string) => {
    const found = text.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m"));
    return found ? Number(found[1]) * 1024 : null;
  };
  return { residentBytes: field("VmRSS"), peakBytes: field("VmHWM") };
}

function cpuModel(): string | null {
  try {
    return cpus()[0]?.model?.trim() || null;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}
