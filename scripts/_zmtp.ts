/**
 * As much of ZMTP 3.0 (the wire protocol of ZeroMQ) as a client of a notebook kernel needs: one TCP connection to one
 * peer, no security, sockets DEALER and SUB. Source: https://rfc.zeromq.org/spec/23/
 *
 * @module
 */

/** A connection that carries messages of several frames. */
export interface ZmtpConnection {
  /** Sends one message. */
  readonly send: (frames: readonly Uint8Array[]) => Promise<void>;
  /** Waits for the next message; undefined once the connection is closed. */
  readonly receive: () => Promise<Uint8Array[] | undefined>;
  /** Closes the connection; waiting receivers get undefined. */
  readonly close: () => void;
}

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/**
 * Connects to a socket of this machine. A SUB connection subscribes to everything.
 *
 * @param port TCP port.
 * @param type What this end is.
 * @returns The connection, ready to use.
 * @throws {Deno.errors.ConnectionRefused} If nobody listens.
 * @throws {TypeError} If the peer does not speak ZMTP 3.
 */
export async function connectZmtp(port: number, type: "DEALER" | "SUB"): Promise<ZmtpConnection> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  let open = true;
  const close = (): void => {
    if (open) tcp.close();
    open = false;
  };
  try {
    tcp.setNoDelay(true);
    const read = reader(tcp);
    let sending: Promise<void> = Promise.resolve();
    const write = (bytes: Uint8Array): Promise<void> =>
      sending = sending.then(async () => {
        for (let at = 0; at < bytes.length;) at += await tcp.write(bytes.subarray(at));
      });

    const greeting = new Uint8Array(64);
    greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, ...ascii("NULL")]);
    await write(greeting);
    const answer = await read(64);
    if (answer === undefined || answer[0] !== 0xff || answer[10]! < 3) {
      throw new TypeError(`Cannot talk to port ${port} as it does not speak ZMTP 3`);
    }
    await write(frame(COMMAND, Uint8Array.of(5, ...ascii("READY"), ...property("Socket-Type", type))));
    await readFrame(read); // the peer's READY
    if (type === "SUB") await write(frame(0, Uint8Array.of(1)));

    return {
      send: (frames) => write(concat(frames.map((body, i) => frame(i < frames.length - 1 ? MORE : 0, body)))),
      receive: async () => {
        const frames: Uint8Array[] = [];
        for (;;) {
          const next = await readFrame(read);
          if (next === undefined) return undefined;
          if (next.flags & COMMAND) continue;
          frames.push(next.body);
          if (!(next.flags & MORE)) return frames;
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

type Read = (length: number) => Promise<Uint8Array | undefined>;

/** Reads exactly as many bytes as asked for; undefined at the end of the stream. */
function reader(tcp: Deno.TcpConn): Read {
  return async (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = await tcp.read(bytes.subarray(at)).catch(() => null);
      if (count === null) return undefined;
      at += count;
    }
    return bytes;
  };
}

async function readFrame(read: Read): Promise<{ flags: number; body: Uint8Array } | undefined> {
  const flags = (await read(1))?.[0];
  if (flags === undefined) return undefined;
  const size = await read(flags & LONG ? 8 : 1);
  if (size === undefined) return undefined;
  const length = flags & LONG ? Number(new DataView(size.buffer).getBigUint64(0)) : size[0]!;
  const body = await read(length);
  return body === undefined ? undefined : { flags, body };
}

function frame(flags: number, body: Uint8Array): Uint8Array {
  if (body.length < 256) return concat([Uint8Array.of(flags, body.length), body]);
  const head = new Uint8Array(9);
  head[0] = flags | LONG;
  new DataView(head.buffer).setBigUint64(1, BigInt(body.length));
  return concat([head, body]);
}

function property(name: string, value: string): number[] {
  return [name.length, ...ascii(name), 0, 0, 0, value.length, ...ascii(value)];
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
