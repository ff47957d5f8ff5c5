import { DataError } from "../../core/mod.ts";
import type { LibraryTarget } from "./library_source.ts";

/** A wheel of TensorFlow that holds its C library. */
export interface TensorflowWheel {
  /** Name of the package. */
  readonly name: string;
  /** What it is required as, "tensorflow[and-cuda]"; else `name`. */
  readonly requirement: string;
  /** The platforms in its file name. */
  readonly platform: RegExp;
  /** Bytes to fetch, about. */
  readonly bytes: number;
  /** Bytes of the libraries in it, about. */
  readonly kept: number;
}

type Key = `${LibraryTarget["os"]}-${LibraryTarget["arch"]}`;

/**
 * Wheels of {@linkcode TENSORFLOW_VERSION}. The sizes of the first are exact, the others are near those that were
 * published. Windows' wheels hold no library with the C API.
 */
const WHEELS: Partial<Readonly<Record<Key | "linux-x86_64-gpu", TensorflowWheel>>> = {
  "linux-x86_64": {
    name: "tensorflow-cpu",
    requirement: "tensorflow-cpu",
    platform: /^(manylinux\w*|linux)_x86_64$/,
    bytes: 273_829_956,
    kept: 853_308_936,
  },
  "linux-aarch64": {
    name: "tensorflow",
    requirement: "tensorflow",
    platform: /^(manylinux\w*|linux)_aarch64$/,
    bytes: 282_000_000,
    kept: 900_000_000,
  },
  "darwin-aarch64": {
    name: "tensorflow",
    requirement: "tensorflow",
    platform: /^macosx_\d+_\d+_(arm64|universal2)$/,
    bytes: 250_000_000,
    kept: 800_000_000,
  },
  "linux-x86_64-gpu": {
    name: "tensorflow",
    requirement: "tensorflow[and-cuda]",
    platform: /^(manylinux\w*|linux)_x86_64$/,
    bytes: 3_200_000_000,
    kept: 6_500_000_000,
  },
};

/**
 * Finds the wheel for a system.
 *
 * @param target The system.
 * @param gpu Whether CUDA's libraries are wanted.
 * @returns The wheel.
 * @throws {DataError} If there is none.
 */
export function tensorflowWheel({ os, arch }: LibraryTarget, gpu = false): TensorflowWheel {
  const wheel = gpu ? WHEELS[`${os}-${arch}-gpu` as "linux-x86_64-gpu"] : WHEELS[`${os}-${arch}`];
  if (wheel !== undefined) return wheel;
  throw new DataError(
    `there is no wheel with TensorFlow's library${gpu ? " and CUDA's" : ""} for ${os} on ${arch}`,
  );
}
