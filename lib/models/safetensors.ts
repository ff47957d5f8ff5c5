import { CheckpointError, type DType, type NdArray, sizeOf } from "../core/mod.ts";

/** What a safetensors file holds. */
export interface Safetensors {
  /** Arrays by name. */
  readonly tensors: Readonly<Record<string, NdArray>>;
  /** Texts by name. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Names of the element types that are written. */
const WRITTEN: { readonly [D in DType]: string } = { float32: "F32", int32: "I32", bool: "BOOL" };

/** Most bytes of a header, as in the format's own library. */
const MOST_HEADER = 100_000_000;

/** Element types that are read: bytes per element, and what makes an array of a copy of the bytes of a tensor. */
const READ: Readonly<Record<string, { readonly width: number; readonly read: (bytes: Uint8Array) => ArrayData }>> = {
  F32: { width: 4, read: (bytes) => ({ dtype: "float32", data: new Float32Array(bytes.buffer as ArrayBuffer) }) },
  F16: { width: 2, read: (bytes) => widen(bytes, float16) },
  BF16: { width: 2, read: (bytes) => widen(bytes, bfloat16) },
  F64: { width: 8, read: (bytes) => ({ dtype: "float32", data: Float32Array.from(new Float64Array(bytes.buffer)) }) },
  I32: { width: 4, read: (bytes) => ({ dtype: "int32", data: new Int32Array(bytes.buffer as ArrayBuffer) }) },
  I64: { width: 8, read: readInt64 },
  U8: { width: 1, read: (bytes) => ({ dtype: "int32", data: Int32Array.from(bytes) }) },
  BOOL: { width: 1, read: (bytes) => ({ dtype: "bool", data: bytes.map((byte) => byte === 0 ? 0 : 1) }) },
};

type ArrayData = Pick<NdArray, "dtype" | "data">;

/**
 * Writes arrays in the safetensors format: length of the header (8 bytes, little endian), the header as JSON padded
 * with spaces to a multiple of 8 bytes, the data in the order of the names. Nothing in such a file can run.
 *
 * Source: https://github.com/huggingface/safetensors, section "Format".
 *
 * @param content Arrays by name, and texts.
 * @returns The bytes of the file.
 * @throws {TypeError} If an array has the reserved name "__metadata__".
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const header: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    if (name === "__metadata__") throw new TypeError('Cannot write an array named "__metadata__": rename it');
    header.push([name, { dtype: WRITTEN[dtype], shape, data_offsets: [end, end += data.byteLength] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, 8, 8 + length);
  bytes.set(text, 8);
  let at = 8 + length;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file. F16, BF16 and F64 become float32, I64 (which must fit) and U8 become int32. Memory is taken only
 * for what the file holds, whatever its header says.
 *
 * Source: https://github.com/huggingface/safetensors, section "Format".
 *
 * @param bytes The bytes of the file.
 * @param name Its name, for messages.
 * @returns The arrays, in the order of the header, and the texts.
 * @throws {CheckpointError} If the file is cut short or not as the format says: the data must cover the file without
 * overlap or gap, each tensor must be as long as its shape says, no name may come twice.
 */
export function decodeSafetensors(bytes: Uint8Array, name = "the file"): Safetensors {
  const fail = (what: string, advice = "copy or download it again"): never => {
    throw new CheckpointError(`Cannot read "${name}" as safetensors as ${what}: ${advice}`);
  };
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes where at least 8 were expected`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) {
    fail(`it says that its header has ${length} bytes where ${bytes.length - 8} follow`);
  }
  if (length > MOST_HEADER) fail(`its header has ${length} bytes where at most ${MOST_HEADER} are allowed`);
  const start = 8 + Number(length);
  const header = parseHeader(bytes.subarray(8, start), fail);
  const total = bytes.length - start;
  const places: { readonly key: string; readonly begin: number; readonly end: number }[] = [];
  const tensors: [string, NdArray][] = [];
  let metadata: Record<string, string> | undefined;
  for (const [key, entry] of Object.entries(header)) {
    if (key === "__metadata__") {
      if (!isObject(entry) || !Object.values(entry).every((text) => typeof text === "string")) {
        fail("its metadata are not texts by name");
      }
      metadata = entry as Record<string, string>;
      continue;
    }
    const { dtype, shape, begin, end } = parseEntry(key, entry, fail);
    if (begin > end || end > total) fail(`"${key}" lies at bytes ${begin} to ${end} of ${total}`);
    const type = Object.hasOwn(READ, dtype) ? READ[dtype]! : fail(
      `"${key}" has the element type "${dtype}"`,
      `write it as one of ${Object.keys(READ).join(", ")}`,
    );
    // Products beyond 2^53 are not exact, but never as small as a file.
    const size = sizeOf(shape) * type.width;
    if (size !== end - begin) {
      fail(`"${key}" of shape [${shape}] and type ${dtype} has ${end - begin} bytes where ${size} were expected`);
    }
    places.push({ key, begin, end });
    const read = (): ArrayData => {
      try {
        return type.read(bytes.slice(start + begin, start + end));
      } catch (error) {
        return fail(`"${key}" ${(error as Error).message}`, "write it as I32 or F32");
      }
    };
    tensors.push([key, { shape, ...read() } as NdArray]);
  }
  places.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { key, begin, end } of places) {
    if (begin < covered) fail(`"${key}" begins at byte ${begin} of the data, inside the tensor before it`);
    if (begin > covered) fail(`bytes ${covered} to ${begin} of the data belong to no tensor`);
    covered = end;
  }
  if (covered < total) fail(`bytes ${covered} to ${total} of the data belong to no tensor`);
  return { tensors: Object.fromEntries(tensors), ...(metadata ? { metadata } : {}) };
}

type Fail = (what: string, advice?: string) => never;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch {
    return fail("its header is not JSON");
  }
  if (!isObject(header) || text[0] !== "{") return fail("its header is not a JSON object");
  const twice = repeatedKey(text);
  if (twice !== undefined) fail(`its header has "${twice}" twice`);
  return header;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseEntry(key: string, entry: unknown, fail: Fail): Entry {
  if (!isObject(entry)) return fail(`its header describes "${key}" by ${JSON.stringify(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string") return fail(`"${key}" has no element type`);
  if (!isIntegers(shape)) return fail(`"${key}" has the shape ${JSON.stringify(shape)}`);
  if (!isIntegers(offsets) || offsets.length !== 2) return fail(`"${key}" has the place ${JSON.stringify(offsets)}`);
  return { dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

/** The first key that an object of a valid JSON text has twice: JSON.parse would keep the last without a word. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(string!) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIntegers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function widen(bytes: Uint8Array, decode: (bits: number) => number): ArrayData {
  return { dtype: "float32", data: Float32Array.from(new Uint16Array(bytes.buffer as ArrayBuffer), decode) };
}

/** IEEE 754 half precision: sign, 5 bits of exponent (bias 15), 10 of fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const BITS = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  BITS.setUint32(0, bits * 0x10000);
  return BITS.getFloat32(0);
}

function readInt64(bytes: Uint8Array): ArrayData {
  const wide = new BigInt64Array(bytes.buffer as ArrayBuffer);
  const data = Int32Array.from(wide, Number);
  const lost = wide.findIndex((value, i) => value !== BigInt(data[i]!));
  if (lost >= 0) throw new RangeError(`holds ${wide[lost]}, which does not fit into 32 bits`);
  return { dtype: "int32", data };
}
