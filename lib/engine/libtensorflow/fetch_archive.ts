import { DataError } from "../../core/mod.ts";
import { fetchAnnounced } from "./_fetch_announced.ts";
import type { LibraryTarget, Obtained, SourceContext } from "./library_source.ts";

/** An archive with TensorFlow's C library. */
export interface LibraryArchive {
  /** Path below the address of the archives. */
  readonly file: string;
  /** SHA-256, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Bytes of the libraries in it, about. */
  readonly kept: number;
}

/** Archives, by system and processor. */
export type LibraryArchives = Partial<
  Readonly<Record<`${LibraryTarget["os"]}-${LibraryTarget["arch"]}`, LibraryArchive>>
>;

const ADDRESS = "https://storage.googleapis.com/tensorflow/versions";

/**
 * TensorFlow's own archives for C. They end with 2.18 (release notes of 2.19); there never was one for Linux on arm64.
 *
 * Their maker publishes no checksums, and no archive was at hand when this was written. These are the checksums that
 * unrelated projects verify their downloads with: a Nix flake, a Bazel module and a container file (2.18.0); CMake,
 * PowerShell and Python builds (2.18.1).
 */
const ARCHIVES: LibraryArchives = {
  "linux-x86_64": {
    file: "2.18.0/libtensorflow-cpu-linux-x86_64.tar.gz",
    sha256: "605bfcb370c7e7ec981eabada880f60784e3de018395be95c95c3e5592c3d9a2",
    kept: 700_000_000,
  },
  "darwin-aarch64": {
    file: "2.18.0/libtensorflow-cpu-darwin-arm64.tar.gz",
    sha256: "462257d2792730dcb131fcf21bc826192ae5a2c418535f6347d051f10fc8be8a",
    kept: 500_000_000,
  },
  "windows-x86_64": {
    file: "2.18.1/libtensorflow-cpu-windows-x86_64.zip",
    sha256: "28acdcea6c6b34828cf0e95e67802b0f3577d51bc2e8915de811b7aa0b04452d",
    kept: 960_000_000,
  },
};

/**
 * Fetches TensorFlow's archive for C.
 *
 * @param context Where to.
 * @param archives What there is.
 * @param address Where it is.
 * @returns The archive.
 * @throws {DataError} If there is none for the system, or it cannot be reached.
 * @throws {ChecksumError} If it is not the one that was promised.
 */
export async function fetchArchive(
  context: SourceContext,
  archives: LibraryArchives = ARCHIVES,
  address: string = ADDRESS,
): Promise<Obtained> {
  const { target: { os, arch }, gpu } = context;
  const archive = gpu ? undefined : archives[`${os}-${arch}`];
  if (archive === undefined) {
    throw new DataError(`TensorFlow publishes no archive${gpu ? " with CUDA's libraries" : ""} for ${os} on ${arch}`);
  }
  const { file, sha256, kept } = archive;
  const name = file.replaceAll("/", "-");
  return {
    kind: "archives",
    paths: [await fetchAnnounced(context, { name, url: `${address}/${file}`, sha256, kept })],
  };
}
