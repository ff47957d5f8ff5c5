import { type Dataset, sizeOf } from "../mod.ts";
import type { ExploredRun } from "./_explore_protocol.ts";

/** What the page is made of. */
export interface ExploredPage {
  readonly run: ExploredRun;
  /** Files of weights, of each network of the run. */
  readonly weights: readonly Uint8Array<ArrayBuffer>[];
  /** The images. */
  readonly dataset: Dataset;
  /** Files by path, "/" the page itself. */
  readonly files: ReadonlyMap<string, ExploredFile>;
}

/** A file of the page. */
export interface ExploredFile {
  /** Its media type. */
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer> | string;
}

/** Most images of one request. */
const MOST_IMAGES = 200;

/** What a browser is told with everything: nothing from elsewhere, nothing to elsewhere, in no other page. */
const HEADERS = {
  "content-security-policy": "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; " +
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
} as const;

/**
 * Answers requests for the page of `deno task explore`. It is read only, and speaks to browsers that were given this very
 * address: a page elsewhere whose name was bent to this machine (DNS rebinding) is refused by its `Host`.
 *
 * @param page What the page is made of.
 * @returns The handler.
 */
export function explorePage(page: ExploredPage): (request: Request) => Response {
  const { run, weights, dataset, files } = page;
  const size = sizeOf(dataset.imageShape);
  const imagesAt = (list: string): ExploredFile | undefined => {
    const positions = list.split(",").map((text) => /^\d{1,9}$/.test(text) ? Number(text) : NaN);
    if (positions.length > MOST_IMAGES || !positions.every((at) => at < dataset.ids.length)) return undefined;
    const body = new Uint8Array(positions.length * size);
    positions.forEach((at, i) => body.set(dataset.images.subarray(at * size, (at + 1) * size), i * size));
    return { type: "application/octet-stream", body };
  };
  const fileAt = ({ pathname, searchParams }: URL): ExploredFile | undefined => {
    if (pathname === "/run.json") return { type: "application/json", body: JSON.stringify(run) };
    if (pathname === "/images") return imagesAt(searchParams.get("at") ?? "");
    const index = /^\/weights\/(\d{1,3})$/.exec(pathname)?.[1];
    if (index === undefined) return files.get(pathname);
    const body = weights[Number(index)];
    return body && { type: "application/octet-stream", body };
  };
  return (request) => {
    if (!isOurs(request.headers.get("host"))) return refuse(403, "Ask for 127.0.0.1");
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, "Only GET", { allow: "GET, HEAD" });
    const file = fileAt(new URL(request.url));
    if (file === undefined) return refuse(404, "There is no such thing here");
    const headers = { ...HEADERS, "content-type": file.type };
    return new Response(request.method === "HEAD" ? null : file.body, { headers });
  };
}

function isOurs(host: string | null): boolean {
  return host !== null && /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);
}

function refuse(status: number, text: string, more: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, ...more, "content-type": "text/plain" } });
}
