import { fileURLToPath } from "node:url";
import { ChecksumError, DataError, hashFile, networkReason, UserError } from "../../core/mod.ts";
import { fetchAnnounced } from "./_fetch_announced.ts";
import { chooseWheel } from "./choose_wheel.ts";
import { TENSORFLOW_VERSION } from "./find_library.ts";
import type { Obtained, SourceContext } from "./library_source.ts";
import { packageIndexes } from "./package_indexes.ts";
import { readIndexPage } from "./read_index_page.ts";
import { tensorflowWheel } from "./tensorflow_wheel.ts";

/** How long the page of a package may take. */
const PAGE_MS = 30_000;

/**
 * Fetches TensorFlow's wheel from a Python package index: the one that is given, or those that are configured in turn.
 * The checksum that the index tells is verified; a password in its address is sent to it and told to nobody.
 *
 * @param context Where to, and the index.
 * @returns The wheel.
 * @throws {DataError} If no index is configured, or none has it or can be reached.
 * @throws {ChecksumError} If the only index has another file than it promises.
 */
export async function fetchFromIndex(context: SourceContext): Promise<Obtained> {
  const { target, gpu, env, index, signal } = context;
  if (gpu) throw new DataError("a package index is not asked for CUDA's libraries, which need pip");
  tensorflowWheel(target);
  const indexes = index === undefined ? packageIndexes({ env, os: target.os }) : [index];
  if (indexes.length === 0) {
    throw new DataError("no package index is configured (--index URL, PIP_INDEX_URL or pip's configuration file)");
  }
  const errors: UserError[] = [];
  for (const each of indexes) {
    try {
      return { kind: "archives", paths: [await wheelOf(each, context)] };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  throw new DataError(errors.map(({ message }) => message).join("; "));
}

async function wheelOf(index: string, context: SourceContext): Promise<string> {
  const { target, announce, signal } = context;
  const { address, headers } = splitAddress(index);
  const wanted = tensorflowWheel(target);
  const page = await pageOf(`${address}/${wanted.name}/`, headers, signal);
  const wheel = chooseWheel(readIndexPage(page.text, page.url), wanted);
  if (wheel === undefined) {
    throw new DataError(`${address} has no wheel of ${wanted.name} ${TENSORFLOW_VERSION} for this system`);
  }
  const { name, url, sha256 } = wheel;
  if (sha256 === undefined) throw new DataError(`${address} tells no SHA-256 of ${name}`);
  if (url.startsWith("file:")) {
    const path = fileURLToPath(url);
    announce(name, 0, wanted.kept);
    const actual = await hashFile(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new DataError(`${address} lists ${name}, which is not there`);
    });
    if (actual !== sha256.toLowerCase()) throw new ChecksumError(path, sha256, actual, "repair the index");
    return path;
  }
  refuseUnsafe(new URL(url));
  const own = new URL(url).origin === new URL(address).origin;
  return await fetchAnnounced(context, { name, url, sha256, headers: own ? headers : {}, kept: wanted.kept });
}

/** The page of a package, and its address after redirections. */
async function pageOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<{ readonly text: string; readonly url: string }> {
  const address = new URL(url);
  refuseUnsafe(address);
  if (address.protocol === "file:") address.pathname += "index.html";
  const late = AbortSignal.timeout(PAGE_MS);
  try {
    const response = await fetch(address, {
      headers: { accept: "text/html", ...headers },
      signal: AbortSignal.any(signal ? [signal, late] : [late]),
    });
    const text = await response.text();
    if (response.ok) return { text, url: response.url || address.href };
    throw new DataError(`${url} answers ${response.status} ${response.statusText}`.trimEnd());
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DataError) throw error;
    const words = address.protocol === "file:" ? "there is no such file" : networkReason(error);
    throw new DataError(`${url} cannot be read (${words})`);
  }
}

/** The address of an index without slash and password, and the headers that say the password. */
function splitAddress(index: string): { readonly address: string; readonly headers: Readonly<Record<string, string>> } {
  if (!URL.canParse(index) || !/^(https?|file):/.test(index)) {
    throw new DataError(`"${index}" is no address of a package index`);
  }
  const url = new URL(index);
  const { username, password } = url;
  [url.username, url.password] = ["", ""];
  const address = url.href.replace(/\/+$/, "");
  if (username === "") return { address, headers: {} };
  const secret = new TextEncoder().encode(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { address, headers: { authorization: `Basic ${secret.toBase64()}` } };
}

/** What is loaded into the process must not be changed on its way: as pip, plain HTTP is for this machine alone. */
function refuseUnsafe({ protocol, hostname, href }: URL): void {
  if (protocol !== "http:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return;
  throw new DataError(`${href} is not asked as it is no HTTPS`);
}
