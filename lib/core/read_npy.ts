import { DataError } from "./errors.ts";

/** An array of a .npy file, or some of its rows. */
export type NpyArray =
  & {
    /** Length of each axis of the whole array in the file. */
    readonly fileShape: readonly number[];
    /** Length of each axis of what was read. */
    readonly shape: readonly number[];
  }
  & (
    | { readonly dtype: "uint8"; readonly data: Uint8Array<ArrayBuffer> }
    | { readonly dtype: "int32"; readonly data: Int32Array<ArrayBuffer> }
    | { readonly dtype: "float32"; readonly data: Float32Array<ArrayBuffer> }
  );

/** Which rows of a .npy file, along the first axis. */
export interface NpyRows {
  /** The first row, from 0. */
  readonly first: number;
  /** How many rows. */
  readonly count: number;
}

/** Most bytes of a header, as in NumPy. */
const MOST_HEADER = 10_000;

const MAGIC = "\x93NUMPY";

/** Element types that are read: bytes per element, and what makes an array of the bytes. */
const READ: Readonly<Record<string, { readonly width: number; readonly read: (bytes: ArrayBuffer) => Elements }>> = {
  "|u1": { width: 1, read: (bytes) => ({ dtype: "uint8", data: new Uint8Array(bytes) }) },
  "<i4": { width: 4, read: (bytes) => ({ dtype: "int32", data: new Int32Array(bytes) }) },
  "<i8": { width: 8, read: readInt64 },
  "<f4": { width: 4, read: (bytes) => ({ dtype: "float32", data: new Float32Array(bytes) }) },
};

type Elements = Pick<NpyArray, "dtype" | "data">;
type Fail = (what: string, advice?: string) => never;

/**
 * Reads a .npy file of NumPy, versions 1 and 2: the magic, the version, the length of the header (2 or 4 bytes), the
 * header as a Python literal, the elements in C order. Only the rows that are asked for are read, and memory is taken
 * for no more than the file holds, whatever its header says. int64 must fit into 32 bits and becomes int32.
 *
 * Source: NumPy, numpy.lib.format.
 *
 * @param path The file.
 * @param rows Which rows of the first axis; all where omitted.
 * @returns The array.
 * @throws {DataError} If there is no such file, it is cut short, longer than its header says or not as the format says,
 * its elements are of another type or in Fortran order, or it does not have the rows.
 */
export async function readNpy(path: string, rows?: NpyRows): Promise<NpyArray> {
  const fail: Fail = (what, advice = "copy or download it again") => {
    throw new DataError(`Cannot read "${path}" as .npy as ${what}: ${advice}`);
  };
  using file = await Deno.open(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return fail("there is no such file", "check the path");
  });
  const { size, isFile } = await file.stat();
  if (!isFile) fail("it is no file", "check the path");
  const read = async (length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const more = await file.read(bytes.subarray(at));
      if (more === null) return fail(`it ends ${length - at} bytes too early`);
      at += more;
    }
    return bytes;
  };

  if (size < 10) fail(`it has ${size} bytes where at least 10 were expected`);
  const start = await read(8);
  if (String.fromCharCode(...start.subarray(0, 6)) !== MAGIC) {
    fail("it does not begin as such a file", "check the path");
  }
  const [major, minor] = [start[6]!, start[7]!];
  if (major !== 1 && major !== 2 || minor !== 0) {
    fail(`its version is ${major}.${minor} where 1.0 or 2.0 was expected`, "write it by numpy.save");
  }
  const begin = major === 1 ? 10 : 12;
  if (size < begin) fail(`it has ${size} bytes where at least ${begin} were expected`);
  const length = new DataView((await read(begin - 8)).buffer);
  const headerLength = major === 1 ? length.getUint16(0, true) : length.getUint32(0, true);
  if (headerLength > size - begin) {
    fail(`it says that its header has ${headerLength} bytes where ${size - begin} follow`);
  }
  if (headerLength > MOST_HEADER) {
    fail(`its header has ${headerLength} bytes where at most ${MOST_HEADER} are allowed`);
  }
  const { descr, fortran, shape: fileShape } = parseHeader(await read(headerLength), fail);
  const type = Object.hasOwn(READ, descr)
    ? READ[descr]!
    : fail(`its elements are "${descr}"`, `write it as one of ${Object.keys(READ).join(", ")}`);
  if (fortran) fail("it is in Fortran order", "write it by numpy.ascontiguousarray");

  // Products beyond 2^53 are not exact, but never as small as a file.
  const rowBytes = fileShape.slice(1).reduce((product, each) => product * each, type.width);
  const expected = fileShape.length === 0 ? type.width : rowBytes * fileShape[0]!;
  const offset = begin + headerLength;
  if (expected !== size - offset) {
    fail(`its shape (${fileShape.join(", ")}) takes ${expected} bytes of ${descr} where ${size - offset} follow`);
  }
  if (rows === undefined) return elements(await read(expected), fileShape);
  const { first, count } = rows;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || first < 0 || count < 0) {
    throw new RangeError(`Cannot read ${count} rows from row ${first}: both must be integers of at least 0`);
  }
  if (fileShape.length === 0 || first + count > fileShape[0]!) {
    fail(`it has ${fileShape[0] ?? "no"} rows where ${count} from row ${first} were asked for`, "check the file");
  }
  await file.seek(offset + first * rowBytes, Deno.SeekMode.Start);
  return elements(await read(count * rowBytes), fileShape.with(0, count));

  function elements(bytes: Uint8Array<ArrayBuffer>, shape: readonly number[]): NpyArray {
    try {
      return { fileShape, shape, ...type.read(bytes.buffer) } as NpyArray;
    } catch (error) {
      return fail((error as Error).message, "write it as <i4 or <f4");
    }
  }
}

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** The three keys of a header, each once, in any order. */
function parseHeader(bytes: Uint8Array, fail: Fail): Header {
  const text = String.fromCharCode(...bytes);
  const body = /^\{(.*)\}[ \t]*\n?$/.exec(text)?.[1];
  const entries = new Map<string, string>();
  const entry = /\s*'(descr|fortran_order|shape)'\s*:\s*('[^'\\]*'|True|False|\([\dL, ]*\))\s*(?:,|$)/y;
  let end = 0;
  for (let found; body !== undefined && (found = entry.exec(body)) !== null; end = entry.lastIndex) {
    if (entries.has(found[1]!)) return fail(`its header has "${found[1]}" twice`);
    entries.set(found[1]!, found[2]!);
  }
  const descr = /^'(.*)'$/.exec(entries.get("descr") ?? "")?.[1];
  const order = entries.get("fortran_order");
  const shape = parseShape(entries.get("shape") ?? "");
  const isWhole = body !== undefined && body.slice(end).trim() === "";
  if (!isWhole || descr === undefined || order !== "True" && order !== "False" || shape === undefined) {
    return fail(`its header is not one of an array: ${JSON.stringify(text.slice(0, 80).trimEnd())}`);
  }
  return { descr, fortran: order === "True", shape };
}

/** A tuple of lengths: "()", "(3,)", "(3, 4)"; long integers of Python 2 too. */
function parseShape(text: string): readonly number[] | undefined {
  if (text === "()") return [];
  if (!/^\((\d+L?,|\d+L?(, *\d+L?)+,?) *\)$/.test(text)) return undefined;
  const lengths = Array.from(text.matchAll(/\d+/g), ([digits]) => Number(digits));
  return lengths.every(Number.isSafeInteger) ? lengths : undefined;
}

function readInt64(bytes: ArrayBuffer): Elements {
  const wide = new BigInt64Array(bytes);
  const data = new Int32Array(wide.length);
  for (const [i, value] of wide.entries()) {
    data[i] = Number(value);
    if (BigInt(data[i]!) !== value) throw new RangeError(`it holds ${value}, which does not fit into 32 bits`);
  }
  return { dtype: "int32", data };
}
