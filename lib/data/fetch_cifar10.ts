import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { ChecksumError, DataError, type Progress, writeError } from "../core/mod.ts";

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
 * Downloads CIFAR-10. A download that broke off goes on where it stopped; the file takes its name only when its
 * checksum is right; where it is there already and right, nothing is downloaded.
 *
 * @param options Where from and where to.
 * @returns The file.
 * @throws {DataError} If the server cannot be reached, does not have it, or the connection breaks (what came is kept).
 * @throws {ChecksumError} If the file is not the one that was promised; a downloaded one is removed.
 */
export async function fetchCifar10(options: FetchCifar10Options): Promise<string> {
  const { to, url = CIFAR10_URL, sha256 = CIFAR10_SHA256, onProgress } = options;
  const expected = sha256.toLowerCase();
  if (await sizeIfExists(to) !== undefined) {
    const actual = await hashFile(to);
    if (actual !== expected) throw new ChecksumError(to, expected, actual, "remove it and fetch it again");
    return to;
  }
  await Deno.mkdir(dirname(to), { recursive: true });
  const part = `${to}.part`;
  await download(url, part, (done, total) => onProgress?.({ label: `fetch ${url}`, done, total }));
  const actual = await hashFile(part);
  if (actual !== expected) {
    await Deno.remove(part);
    throw new ChecksumError(to, expected, actual, "it was removed; fetch it again, or from another address");
  }
  await Deno.rename(part, to);
  return to;
}

async function download(url: string, part: string, report: (done: number, total: number) => void): Promise<void> {
  const had = await sizeIfExists(part) ?? 0;
  const response = await ask(url, had);
  if (had > 0 && response.status === 416) {
    // Nothing is left after what is there: it may be complete, which the checksum tells.
    await response.body?.cancel();
    return;
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DataError(
      `Cannot fetch "${url}" as its server answers ${response.status} ${response.statusText}`.trimEnd() +
        ": check the address, or download the file by hand and point at it with --data PATH",
    );
  }
  // A server that does not know ranges answers 200 and sends all from the start.
  const start = response.headers.get("content-range")?.match(/^bytes (\d+)-/)?.[1];
  const resumes = response.status === 206 && Number(start) === had;
  if (response.status === 206 && !resumes) {
    await response.body.cancel();
    throw new DataError(
      `Cannot go on with "${part}" as the server sends bytes from ${start} where ${had} was asked: ` +
        "remove it and fetch again",
    );
  }
  const length = Number(response.headers.get("content-length") ?? 0);
  let done = resumes ? had : 0;
  const total = length > 0 ? done + length : 0;
  const file = await Deno.open(part, { write: true, create: true, truncate: !resumes, append: resumes });
  try {
    report(done, total);
    for await (const chunk of received(response.body, url, () => `${done} of ${total || "?"}`)) {
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      done += chunk.length;
      report(done, total);
    }
    await file.sync();
  } catch (error) {
    throw writeError(error, part);
  } finally {
    file.close();
  }
}

async function ask(url: string, from: number): Promise<Response> {
  try {
    return await fetch(url, from > 0 ? { headers: { range: `bytes=${from}-` } } : {});
  } catch (error) {
    throw new DataError(
      `Cannot reach "${url}" (${(error as Error).message}): check the connection, or download the file by hand and ` +
        "point at it with --data PATH",
    );
  }
}

/** The chunks of a body, where a broken connection is the user's to mend. */
async function* received(
  body: ReadableStream<Uint8Array>,
  url: string,
  state: () => string,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    while (true) {
      const next = await reader.read().catch((error) => {
        throw new DataError(
          `Cannot fetch all of "${url}" as the connection broke after ${state()} bytes (${
            (error as Error).message
          }): ` +
            "run the same command again to go on from there",
        );
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function sizeIfExists(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of (await Deno.open(path)).readable) hash.update(chunk);
  return hash.digest("hex");
}
