import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChecksumError, DataError, fetchFile, type Progress, sha256Hex } from "../../lib/core/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { rangeOf, sendBytes, withServer } from "../testing/servers.ts";

const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => i * i >> 3);
const SHA256 = await sha256Hex(BYTES);

/** Runs a body with a server of one file and the path that it is to be written to. */
const withFile = (
  answer: Parameters<typeof withServer>[0],
  body: (file: { readonly url: string; readonly asked: readonly string[]; readonly to: string }) => Promise<void>,
) =>
  withServer(answer, ({ url, asked }) => inTempFolder((folder) => body({ url: `${url}/c`, asked, to: `${folder}/c` })));

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("fetchFile() downloads with progress, checks, and does not download again", async () => {
  await withFile((request) => sendBytes(BYTES, rangeOf(request)), async ({ url, asked, to }) => {
    const seen: Progress[] = [];
    const options = { to, url, sha256: SHA256.toUpperCase(), onProgress: (progress: Progress) => seen.push(progress) };
    assertEquals(await fetchFile(options), to);
    assertEquals(await Deno.readFile(to), BYTES);
    assertEquals(seen[0], { label: `fetch ${url}`, done: 0, total: 300_000 });
    assertEquals(seen.at(-1), { label: `fetch ${url}`, done: 300_000, total: 300_000 });
    assert(seen.every(({ done }, i) => i === 0 || done > seen[i - 1]!.done));
    await fetchFile(options);
    assertEquals(asked, ["/c"]);
    assertEquals(await exists(`${to}.part`), false);
  });
});

Deno.test("fetchFile() goes on where a download broke off", async () => {
  const answer = (request: Request, count: number) =>
    sendBytes(BYTES, rangeOf(request), count === 1 ? 150_000 : undefined);
  await withFile(answer, async ({ url, asked, to }) => {
    const error = await assertRejects(() => fetchFile({ to, url, sha256: SHA256 }), DataError);
    const part = (await Deno.stat(`${to}.part`)).size;
    assert(part > 0 && part <= 150_000);
    assert(
      error.message.startsWith(`Cannot fetch all of "${url}" as the connection broke after ${part} of 300000 bytes (`),
    );
    assert(error.message.endsWith("): run the same command again to go on from there"));
    assertEquals(await exists(to), false);
    const seen: Progress[] = [];
    await fetchFile({ to, url, sha256: SHA256, onProgress: (progress) => seen.push(progress) });
    assertEquals(asked, ["/c", `/c bytes=${part}-`]);
    assertEquals([seen[0]!.done, seen.at(-1)!.done, seen[0]!.total], [part, 300_000, 300_000]);
    assertEquals(await Deno.readFile(to), BYTES);
  });
});

Deno.test("fetchFile() ends at its signal, whether bytes come or not, and keeps what has come", async () => {
  const endless = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(BYTES) }));
  await withFile(endless, async ({ url, to }) => {
    const stop = new AbortController();
    const onProgress = ({ done }: Progress) => done === BYTES.length && stop.abort();
    const error = await assertRejects(() => fetchFile({ to, url, sha256: SHA256, signal: stop.signal, onProgress }));
    assertEquals(error, stop.signal.reason);
    assertEquals((await Deno.stat(`${to}.part`)).size, BYTES.length);
  });
  await withFile((request) => sendBytes(BYTES, rangeOf(request)), async ({ url, asked, to }) => {
    const signal = AbortSignal.abort();
    assertEquals(await assertRejects(() => fetchFile({ to, url, sha256: SHA256, signal })), signal.reason);
    assertEquals(asked, []);
  });
});

Deno.test("fetchFile() passes on what its listener throws, and sends headers", async () => {
  const seen: (string | null)[] = [];
  const answer = (request: Request) => {
    seen.push(request.headers.get("authorization"));
    return sendBytes(BYTES, 0);
  };
  await withFile(answer, async ({ url, to }) => {
    const refused = new DataError("too large");
    const onProgress = () => {
      throw refused;
    };
    const headers = { authorization: "Basic eDp5" };
    assertEquals(await assertRejects(() => fetchFile({ to, url, sha256: SHA256, headers, onProgress })), refused);
    assertEquals(seen, ["Basic eDp5"]);
  });
});

Deno.test("fetchFile() begins again where the server ignores ranges", async () => {
  await withFile(() => sendBytes(BYTES, 0), async ({ url, asked, to }) => {
    await Deno.writeFile(`${to}.part`, new Uint8Array(1000).fill(7));
    await fetchFile({ to, url, sha256: SHA256 });
    assertEquals(asked, ["/c bytes=1000-"]);
    assertEquals(await Deno.readFile(to), BYTES);
  });
});

Deno.test("fetchFile() takes a complete .part as it is", async () => {
  await withFile(() => new Response(null, { status: 416 }), async ({ url, to }) => {
    await Deno.writeFile(`${to}.part`, BYTES);
    await fetchFile({ to, url, sha256: SHA256 });
    assertEquals(await Deno.readFile(to), BYTES);
  });
});

Deno.test("fetchFile() refuses another range than was asked for", async () => {
  await withFile((request) => sendBytes(BYTES, rangeOf(request) + 1), async ({ url, to }) => {
    await Deno.writeFile(`${to}.part`, BYTES.slice(0, 10));
    assertEquals(
      (await assertRejects(() => fetchFile({ to, url, sha256: SHA256 }), DataError)).message,
      `Cannot go on with "${to}.part" as the server sends bytes from 11 where 10 was asked: remove it and fetch again`,
    );
  });
});

Deno.test("fetchFile() removes what is not the promised file", async () => {
  await withFile((request) => sendBytes(BYTES, rangeOf(request)), async ({ url, to }) => {
    const sha256 = "0".repeat(64);
    const error = await assertRejects(() => fetchFile({ to, url, sha256 }), ChecksumError);
    assertEquals([error.path, error.expected, error.actual], [to, sha256, SHA256]);
    assertEquals(
      error.message,
      `Cannot use "${to}" as its SHA-256 is ${SHA256} where ${sha256} was expected: ` +
        "it was removed; fetch it again, or from another address",
    );
    assertEquals([await exists(to), await exists(`${to}.part`)], [false, false]);
    await Deno.writeTextFile(to, "abc");
    const other = await assertRejects(() => fetchFile({ to, url, sha256 }), ChecksumError);
    assert(other.message.endsWith("was expected: remove it and fetch it again"));
    assertEquals(await Deno.readTextFile(to), "abc");
  });
});

Deno.test("fetchFile() says that a server does not have it, or cannot be reached", async () => {
  let closed = "";
  await withFile(() => new Response("no", { status: 404, statusText: "Not Found" }), async ({ url, to }) => {
    assertEquals(
      (await assertRejects(() => fetchFile({ to, url, sha256: SHA256 }), DataError)).message,
      `Cannot fetch "${url}" as its server answers 404 Not Found: check the address, or download the file by hand`,
    );
    assertEquals(await exists(`${to}.part`), false);
    closed = url;
  });
  await inTempFolder(async (folder) => {
    const fetching = () => fetchFile({ to: `${folder}/new/c`, url: closed, sha256: SHA256, advice: "give up" });
    const { message } = await assertRejects(fetching, DataError);
    assert(message.startsWith(`Cannot reach "${closed}" (`), message);
    assert(message.endsWith("): check the connection, or give up"), message);
    assert(await exists(`${folder}/new`));
  });
});
