import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChecksumError, DataError, type Progress, sha256Hex } from "../../lib/core/mod.ts";
import { CIFAR10_SHA256, fetchCifar10 } from "../../lib/data/mod.ts";
import { inTempFolder } from "./_tiny_cifar10.ts";

const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => i * i >> 3);
const SHA256 = await sha256Hex(BYTES);

interface Server {
  readonly url: string;
  /** Ranges that were asked for, null for all. */
  readonly asked: (string | null)[];
}

/** Runs a body with a server on this machine and a folder. */
async function withServer(
  answer: (range: number, count: number) => Response,
  body: (server: Server, to: string) => Promise<void>,
): Promise<void> {
  const asked: (string | null)[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
    (request) => {
      const range = request.headers.get("range");
      asked.push(range);
      return answer(Number(range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0), asked.length);
    },
  );
  try {
    await inTempFolder((folder) =>
      body({ url: `http://127.0.0.1:${server.addr.port}/c.tar.gz`, asked }, `${folder}/c`)
    );
  } finally {
    await server.shutdown();
  }
}

/** The bytes from `from` on, the connection breaking before the byte `until`. */
function bytes(from: number, until = BYTES.length): Response {
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (from < until) {
        controller.enqueue(BYTES.slice(from, Math.min(until, from + 50_000)));
        from += 50_000;
      } else if (until < BYTES.length) {
        // What was sent is let through before the connection breaks.
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.error(new Error("broken"));
      } else controller.close();
    },
  });
  const headers = { "content-length": String(BYTES.length - from) };
  return from === 0
    ? new Response(stream, { headers })
    : new Response(stream, { status: 206, headers: { ...headers, "content-range": `bytes ${from}-299999/300000` } });
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("fetchCifar10() downloads with progress, checks, and does not download again", async () => {
  await withServer((range) => bytes(range), async ({ url, asked }, to) => {
    const seen: Progress[] = [];
    const options = { to, url, sha256: SHA256.toUpperCase(), onProgress: (progress: Progress) => seen.push(progress) };
    assertEquals(await fetchCifar10(options), to);
    assertEquals(await Deno.readFile(to), BYTES);
    assertEquals(seen[0], { label: `fetch ${url}`, done: 0, total: 300_000 });
    assertEquals(seen.at(-1), { label: `fetch ${url}`, done: 300_000, total: 300_000 });
    assert(seen.every(({ done }, i) => i === 0 || done > seen[i - 1]!.done));
    await fetchCifar10(options);
    assertEquals(asked, [null]);
    assertEquals(await exists(`${to}.part`), false);
  });
});

Deno.test("fetchCifar10() goes on where a download broke off", async () => {
  await withServer((range, count) => bytes(range, count === 1 ? 150_000 : undefined), async ({ url, asked }, to) => {
    const error = await assertRejects(() => fetchCifar10({ to, url, sha256: SHA256 }), DataError);
    const part = (await Deno.stat(`${to}.part`)).size;
    assert(part > 0 && part <= 150_000);
    assert(
      error.message.startsWith(`Cannot fetch all of "${url}" as the connection broke after ${part} of 300000 bytes (`),
    );
    assert(error.message.endsWith("): run the same command again to go on from there"));
    assertEquals(await exists(to), false);
    const seen: Progress[] = [];
    await fetchCifar10({ to, url, sha256: SHA256, onProgress: (progress) => seen.push(progress) });
    assertEquals(asked, [null, `bytes=${part}-`]);
    assertEquals([seen[0]!.done, seen.at(-1)!.done, seen[0]!.total], [part, 300_000, 300_000]);
    assertEquals(await Deno.readFile(to), BYTES);
  });
});

Deno.test("fetchCifar10() begins again where the server ignores ranges", async () => {
  await withServer(() => bytes(0), async ({ url, asked }, to) => {
    await Deno.writeFile(`${to}.part`, new Uint8Array(1000).fill(7));
    await fetchCifar10({ to, url, sha256: SHA256 });
    assertEquals(asked, ["bytes=1000-"]);
    assertEquals(await Deno.readFile(to), BYTES);
  });
});

Deno.test("fetchCifar10() takes a complete .part as it is", async () => {
  await withServer(() => new Response(null, { status: 416 }), async ({ url }, to) => {
    await Deno.writeFile(`${to}.part`, BYTES);
    await fetchCifar10({ to, url, sha256: SHA256 });
    assertEquals(await Deno.readFile(to), BYTES);
  });
});

Deno.test("fetchCifar10() refuses another range than was asked for", async () => {
  await withServer((range) => bytes(range + 1), async ({ url }, to) => {
    await Deno.writeFile(`${to}.part`, BYTES.slice(0, 10));
    assertEquals(
      (await assertRejects(() => fetchCifar10({ to, url, sha256: SHA256 }), DataError)).message,
      `Cannot go on with "${to}.part" as the server sends bytes from 11 where 10 was asked: remove it and fetch again`,
    );
  });
});

Deno.test("fetchCifar10() removes what is not the promised file", async () => {
  await withServer((range) => bytes(range), async ({ url }, to) => {
    const error = await assertRejects(() => fetchCifar10({ to, url }), ChecksumError);
    assertEquals([error.path, error.expected, error.actual], [to, CIFAR10_SHA256, SHA256]);
    assertEquals(
      error.message,
      `Cannot use "${to}" as its SHA-256 is ${SHA256} where ${CIFAR10_SHA256} was expected: ` +
        "it was removed; fetch it again, or from another address",
    );
    assertEquals([await exists(to), await exists(`${to}.part`)], [false, false]);
    await Deno.writeTextFile(to, "abc");
    const other = await assertRejects(() => fetchCifar10({ to, url }), ChecksumError);
    assert(other.message.endsWith("was expected: remove it and fetch it again"));
    assertEquals(await Deno.readTextFile(to), "abc");
  });
});

Deno.test("fetchCifar10() says that a server does not have it, or cannot be reached", async () => {
  let closed = "";
  await withServer(() => new Response("no", { status: 404, statusText: "Not Found" }), async ({ url }, to) => {
    assertEquals(
      (await assertRejects(() => fetchCifar10({ to, url }), DataError)).message,
      `Cannot fetch "${url}" as its server answers 404 Not Found: check the address, or download the file by hand ` +
        "and point at it with --data PATH",
    );
    assertEquals(await exists(`${to}.part`), false);
    closed = url;
  });
  await inTempFolder(async (folder) => {
    const fetching = () => fetchCifar10({ to: `${folder}/new/c`, url: closed });
    const { message } = await assertRejects(fetching, DataError);
    assert(message.startsWith(`Cannot reach "${closed}" (`), message);
    assert(await exists(`${folder}/new`));
  });
});
