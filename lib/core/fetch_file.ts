import { dirname } from "node:path";
import { ChecksumError, DataError } from "./errors.ts";
import { hashFile } from "./hash_file.ts";
import { networkReason } from "./network_reason.ts";
import type { Progress } from "./progress.ts";
import { writeError } from "./write_error.ts";

/** What {@linkcode fetchFile} downloads. */
export interface FetchFileOptions {
  /** Address of the file. */
  readonly url: string;
  /** The file to make, with its folder where that is missing; what has come so far is kept beside it as `<to>.part`. */
  readonly to: string;
  /** SHA-256 that it must have, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Headers to send. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * What else a person can do where it cannot be fetched.
   *
   * @default {"download the file by hand"}
   */
  readonly advice?: string;
  /** Ends it; what has come so far is kept, and the signal's reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told of the bytes that have come; `total` is 0 where the server does not say. First called before any has come. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How long a server may take to answer; a download itself may take as long as it likes. */
const ANSWER_MS = 30_000;

/**
 * Downloads a file. A download that broke off goes on where it stopped; the file takes its name only when its checksum
 * is right; where it is there already and right, nothing is downloaded.
 *
 * @param options Where from, where to and what it must be.
 * @returns The file.
 * @throws {DataError} If the server cannot be reached, does not have it, or the connection breaks (what came is kept).
 * @throws {ChecksumError} If the file is not the one that was promised; a downloaded one is removed.
 */
export async function fetchFile(options: FetchFileOptions): Promise<string> {
  const { to, sha256 } = options;
  const expected = sha256.toLowerCase();
  if (await sizeIfExists(to) !== undefined) {
    const actual = await hashFile(to);
    if (actual !== expected) throw new ChecksumError(to, expected, actual, "remove it and fetch it again");
    return to;
  }
  await Deno.mkdir(dirname(to), { recursive: true });
  const part = `${to}.part`;
  await download(options, part);
  const actual = await hashFile(part);
  if (actual !== expected) {
    await Deno.remove(part);
    throw new ChecksumError(to, expected, actual, "it was removed; fetch it again, or from another address");
  }
  await Deno.rename(part, to);
  return to;
}

async function download(options: FetchFileOptions, part: string): Promise<void> {
  const { url, advice = "download the file by hand", signal, onProgress } = options;
  const had = await sizeIfExists(part) ?? 0;
  const response = await ask(options, had, advice);
  if (had > 0 && response.status === 416) {
    // Nothing is left after what is there: it may be complete, which the checksum tells.
    await response.body?.cancel();
    return;
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DataError(
      `Cannot fetch "${url}" as its server answers ${response.status} ${response.statusText}`.trimEnd() +
        `: check the address, or ${advice}`,
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
  const report = () => onProgress?.({ label: `fetch ${url}`, done, total });
  const file = await Deno.open(part, { write: true, create: true, truncate: !resumes, append: resumes });
  try {
    report();
    for await (const chunk of received(response.body, url, () => `${done} of ${total || "?"}`, signal)) {
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      done += chunk.length;
      report();
    }
    await file.sync();
  } catch (error) {
    await response.body.cancel().catch(() => {}); // where the report threw before the body was read
    throw writeError(error, part);
  } finally {
    file.close();
  }
}

async function ask({ url, headers, signal }: FetchFileOptions, from: number, advice: string): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  try {
    return await fetch(url, {
      headers: { ...headers, ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
      signal: AbortSignal.any(signal ? [signal, late.signal] : [late.signal]),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new DataError(`Cannot reach "${url}" (${networkReason(error)}): check the connection, or ${advice}`);
  } finally {
    clearTimeout(timer);
  }
}

/** The chunks of a body, where a broken connection is the user's to mend. */
async function* received(
  body: ReadableStream<Uint8Array>,
  url: string,
  state: () => string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    while (true) {
      const next = await reader.read().catch((error) => {
        signal?.throwIfAborted();
        throw new DataError(
          `Cannot fetch all of "${url}" as the connection broke after ${state()} bytes (${networkReason(error)}): ` +
            "run the same command again to go on from there",
        );
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
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
