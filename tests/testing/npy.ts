/** A .npy file with any header text, which need not be true. */
export function npyHeader(
  text: string,
  elements: ArrayBufferView,
  [major, minor]: readonly [number, number],
): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(text);
  const begin = major === 1 ? 10 : 12;
  const bytes = new Uint8Array(begin + header.length + elements.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), major, minor]);
  const view = new DataView(bytes.buffer);
  if (major === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(header, begin);
  bytes.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), begin + header.length);
  return bytes;
}

/** A .npy file of version 1.0 in C order, its header padded as NumPy does. */
export function npy(descr: string, shape: readonly number[], elements: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  return npyHeader(`${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`, elements, [1, 0]);
}
