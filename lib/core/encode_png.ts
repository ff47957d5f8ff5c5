import { crc32, deflateSync } from "node:zlib";

/**
 * Writes bytes as a PNG file.
 *
 * Source: PNG specification, third edition (W3C 2025), sections 5 and 11: signature, IHDR, pHYs, IDAT, IEND.
 *
 * @param pixels Grey or RGB bytes, row by row [height * width * channels].
 * @param width Columns.
 * @param height Rows.
 * @param channels 1 for grey, 3 for RGB.
 * @param dotsPerInch What the file says of its size on paper. @default {nothing}
 * @returns The file.
 */
export function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
  dotsPerInch?: number,
): Uint8Array<ArrayBuffer> {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8); // bits of a channel
  header.setUint8(9, channels === 1 ? 0 : 2); // grey, or RGB
  const line = width * channels;
  // Every line begins with its filter, 0 for none.
  const lines = new Uint8Array(height * (1 + line));
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * line, (y + 1) * line), y * (1 + line) + 1);
  const chunks = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", new Uint8Array(header.buffer)),
    ...(dotsPerInch === undefined ? [] : [chunk("pHYs", resolution(dotsPerInch))]),
    chunk("IDAT", deflateSync(lines)),
    chunk("IEND", new Uint8Array()),
  ];
  const file = new Uint8Array(chunks.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of chunks) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** Dots per metre in both directions. */
function resolution(dotsPerInch: number): Uint8Array {
  const data = new DataView(new ArrayBuffer(9));
  for (const at of [0, 4]) data.setUint32(at, Math.round(dotsPerInch / 0.0254));
  data.setUint8(8, 1); // the unit is the metre
  return new Uint8Array(data.buffer);
}

/** Length of the data, kind, data, and the CRC of both. */
function chunk(kind: string, data: Uint8Array): Uint8Array {
  const result = new Uint8Array(12 + data.length);
  const view = new DataView(result.buffer);
  view.setUint32(0, data.length);
  result.set(new TextEncoder().encode(kind), 4);
  result.set(data, 8);
  view.setUint32(8 + data.length, crc32(result.subarray(4, 8 + data.length)));
  return result;
}
