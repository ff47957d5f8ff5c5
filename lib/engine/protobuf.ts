/**
 * A writer for the part of Protocol Buffers that an ONNX model needs: https://protobuf.dev/programming-guides/encoding.
 * A field's number comes first in each call, as in the .proto file.
 */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A varint field (int32, int64, enum). */
  int(field: number, value: number): this {
    return this.#varint(field << 3).#varint(value);
  }

  /** A float field. */
  float(field: number, value: number): this {
    return this.#varint(field << 3 | 5).#raw(new Uint8Array(new Float32Array([value]).buffer));
  }

  /** A bytes field. */
  bytes(field: number, value: Uint8Array): this {
    return this.#varint(field << 3 | 2).#varint(value.length).#raw(value);
  }

  /** A string field. */
  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A message field. */
  message(field: number, value: ProtobufWriter): this {
    this.#varint(field << 3 | 2).#varint(value.#length);
    for (const part of value.#parts) this.#raw(part);
    return this;
  }

  /** All that was written, in one array. */
  finish(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  #raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }

  #varint(value: number): this {
    // Negative numbers are 64-bit two's complement: ten bytes.
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#raw(Uint8Array.from(bytes));
  }
}
