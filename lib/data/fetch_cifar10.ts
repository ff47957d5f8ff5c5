import { fetchFile, type Progress } from "../core/mod.ts";

/** Where CIFAR-10 comes from and goes to. */
export interface FetchCifar10Options {
  /** The file to make, with its folder where that is missing; what has come so far is kept beside it as `<to>.part`. */
  readonly to: string;
  /**
   * Address of the archive.
   *
   * @default {"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"}
   */
  readonly url?: string;
  /**
   * SHA-256 of the archive, 64 hexadecimal digits.
   *
   * @default that of the official archive
   */
  readonly sha256?: string;
  /** Told of the bytes that have come; `total` is 0 where the server does not say. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Address of the binary version of CIFAR-10, as its page gives it. */
export const CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";

/** SHA-256 of that archive (170,052,171 bytes, MD5 c32a1d4ab5d03f1284b67883e8d87530). */
export const CIFAR10_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd";

/**
 * Downloads CIFAR-10 as {@linkcode fetchFile} does: it goes on where it broke off, and is checked.
 *
 * @param options Where from and where to.
 * @returns The file.
 * @throws {DataError} If the server cannot be reached, does not have it, or the connection breaks (what came is kept).
 * @throws {ChecksumError} If the file is not the one that was promised; a downloaded one is removed.
 */
export async function fetchCifar10(options: FetchCifar10Options): Promise<string> {
  const advice = "download the file by hand and point at it with --data PATH";
  return await fetchFile({ url: CIFAR10_URL, sha256: CIFAR10_SHA256, advice, ...options });
}
