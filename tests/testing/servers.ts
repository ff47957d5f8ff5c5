/** A server on this machine. */
export interface TestServer {
  /** Its address, without a slash at the end. */
  readonly url: string;
  /** Paths that were asked for, each with the range behind a space where one was given. */
  readonly asked: string[];
}

/** Runs a body with a server on this machine, which is gone afterwards. */
export async function withServer(
  answer: (request: Request, count: number) => Response | Promise<Response>,
  body: (server: TestServer) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
    (request) => {
      const range = request.headers.get("range");
      asked.push(`${new URL(request.url).pathname}${range === null ? "" : ` ${range}`}`);
      return answer(request, asked.length);
    },
  );
  try {
    await body({ url: `http://127.0.0.1:${server.addr.port}`, asked });
  } finally {
    await server.shutdown();
  }
}

/** First byte that a request asks for. */
export function rangeOf(request: Request): number {
  return Number(request.headers.get("range")?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
}

/** The bytes from `from` on, the connection breaking before the byte `until`. */
export function sendBytes(bytes: Uint8Array<ArrayBuffer>, from: number, until: number = bytes.length): Response {
  const headers = { "content-length": String(bytes.length - from) };
  const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
  const init = from === 0 ? { headers } : { status: 206, headers: { ...headers, "content-range": range } };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (from < until) {
        controller.enqueue(bytes.slice(from, Math.min(until, from + 50_000)));
        from += 50_000;
      } else if (until < bytes.length) {
        // What was sent is let through before the connection breaks.
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.error(new Error("broken"));
      } else controller.close();
    },
  });
  return new Response(stream, init);
}
