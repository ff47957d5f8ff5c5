import { fetchFile, type Progress } from "../core/mod.ts";

/** Where CIFAR-100 comes from and goes to. */
export interface FetchCifar100Options {
  /** The file to make, with its folder where that is missing; what has come so far is kept beside it as `<to>.part`. */
  readonly to: string;
  /**
   * Address of the archive.
   *
   * @default {"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"}
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

/** Address of the binary version of CIFAR-100, as its page gives it. */
export const CIFAR100_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz";

/** SHA-256 of that archive, as several public loaders in other languages have it; the archive's page gives none. */
export const CIFAR100_SHA256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec";

/**
 * Downloads CIFAR-100 as {@linkcode fetchFile} does: it goes on where it broke off, and is checked.
 *
 * @param options Where from and where to.
 * @returns The file.
 * @throws {DataError} If the server cannot be reached, does not have it, or the connection breaks (what came is kept).
 * @throws {ChecksumError} If the file is not the one that was promised; a downloaded one is removed.
 */
export async function fetchCifar100(options: FetchCifar100Options): Promise<string> {
  const advice = "download the file by hand and point at it with --data PATH";
  return await fetchFile({ url: CIFAR100_URL, sha256: CIFAR100_SHA256, advice, ...options });
}
