import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, float32, int32, type NdArray, rng } from "../../lib/core/mod.ts";
import { decodeSafetensors, encodeSafetensors } from "../../lib/models/mod.ts";

/** A file of a header, given as a text, and data. */
function file(header: string, data: number | Uint8Array = 0, length?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}
const f32 = (shape: string, begin: number, end: number) =>
  `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`;

Deno.test("encodeSafetensors() writes the published layout", () => {
  const bytes = encodeSafetensors({
    tensors: {
      w: float32([2, 1], [1, -2]),
      // A view into a larger buffer: only its own bytes may be written.
      mask: { dtype: "bool", shape: [3], data: new Uint8Array([9, 1, 0, 1, 9]).subarray(1, 4) },
      steps: int32([], [258]),
    },
    metadata: { format: "pt" },
  });
  const view = new DataView(bytes.buffer);
  const length = Number(view.getBigUint64(0, true));
  assertEquals(length % 8, 0);
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  assertEquals(
    header.trimEnd(),
    '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},' +
      '"mask":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]},' +
      '"steps":{"dtype":"I32","shape":[],"data_offsets":[11,15]}}',
  );
  assertEquals(view.getFloat32(8 + length, true), 1);
  assertEquals(view.getFloat32(12 + length, true), -2);
  assertEquals([...bytes.subarray(16 + length)], [1, 0, 1, 2, 1, 0, 0]);
});

Deno.test("decodeSafetensors() gives back what encodeSafetensors() wrote, bit for bit", () => {
  const tensors: Record<string, NdArray> = {
    odd: { dtype: "bool", shape: [3], data: new Uint8Array([1, 0, 1]) },
    special: float32([2, 3], [NaN, Infinity, -Infinity, -0, 1e-45, 3.4028235e38]),
    empty: float32([0, 4]),
    'quoted " and \u00e9 {': int32([2], [-(2 ** 31), 2 ** 31 - 1]),
    "__proto__x": float32([], [0.1]),
  };
  assertEquals(decodeSafetensors(encodeSafetensors({ tensors })), { tensors });
  const metadata = { format: "pt", note: "a\nb" };
  assertEquals(decodeSafetensors(encodeSafetensors({ tensors: {}, metadata })), { tensors: {}, metadata });
});

Deno.test("encodeSafetensors() refuses the reserved name", () => {
  assertThrows(
    () => encodeSafetensors({ tensors: { "__metadata__": float32([1]) } }),
    TypeError,
    'Cannot write an array named "__metadata__": rename it',
  );
});

Deno.test("decodeSafetensors() reads a file of the Python library, with every element type", () => {
  // safetensors 0.8.0 and PyTorch 2.13.0: safetensors.torch.save({"f32": torch.tensor([[1.5, -2], [0.1, 3]]),
  //  "f16": torch.tensor([1/3, -65504, 2**-24, inf], dtype=float16),
  //  "bf16": torch.tensor([1/3, -1e30], dtype=bfloat16),
  //  "i64": torch.tensor(781), "i32": torch.tensor([-7, 8], dtype=int32), "bool": torch.tensor([True, False, True]),
  //  "u8": torch.tensor([0, 255], dtype=uint8), "empty": torch.zeros(0, 3)}, metadata={"format": "pt"}), in base 64.
  const base64 =
    "8AEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJpNjQiOnsiZHR5cGUiOiJJNjQiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0" +
    "cyI6WzAsOF19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCwzXSwiZGF0YV9vZmZzZXRzIjpbOCw4XX0sImYzMiI6eyJkdHlwZSI6" +
    "IkYzMiIsInNoYXBlIjpbMiwyXSwiZGF0YV9vZmZzZXRzIjpbOCwyNF19LCJpMzIiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29m" +
    "ZnNldHMiOlsyNCwzMl19LCJiZjE2Ijp7ImR0eXBlIjoiQkYxNiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzMyLDM2XX0sImYxNiI6eyJk" +
    "dHlwZSI6IkYxNiIsInNoYXBlIjpbNF0sImRhdGFfb2Zmc2V0cyI6WzM2LDQ0XX0sInU4Ijp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzJdLCJkYXRh" +
    "X29mZnNldHMiOls0NCw0Nl19LCJib29sIjp7ImR0eXBlIjoiQk9PTCIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzQ2LDQ5XX19ICAgICAg" +
    "DQMAAAAAAAAAAMA/AAAAwM3MzD0AAEBA+f///wgAAACrPkrxVTX/+wEAAHwA/wEAAQ==";
  const { tensors, metadata } = decodeSafetensors(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  assertEquals(metadata, { format: "pt" });
  assertEquals(tensors, {
    i64: int32([], [781]),
    empty: float32([0, 3]),
    f32: float32([2, 2], [1.5, -2, 0.1, 3]),
    i32: int32([2], [-7, 8]),
    bf16: float32([2], [0.333984375, -1.0002555517425873e30]),
    f16: float32([4], [0.333251953125, -65504, 2 ** -24, Infinity]),
    u8: int32([2], [0, 255]),
    bool: { dtype: "bool", shape: [3], data: new Uint8Array([1, 0, 1]) },
  });
});

Deno.test("decodeSafetensors() reads doubles, rounded to float32", () => {
  const data = new Uint8Array(new Float64Array([0.1, -1e300]).buffer);
  const { tensors } = decodeSafetensors(file('{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}', data));
  assertEquals(tensors, { a: float32([2], [Math.fround(0.1), -Infinity]) });
});

const again = "copy or download it again";
const types = "write it as one of F32, F16, BF16, F64, I32, I64, U8, BOOL";
const MALFORMED: readonly (readonly [name: string, bytes: Uint8Array, message: string])[] = [
  ["shorter than a length", new Uint8Array(5), `it has 5 bytes where at least 8 were expected: ${again}`],
  ["a header past the end", file("{}", 4, 100), `it says that its header has 100 bytes where 6 follow: ${again}`],
  [
    "a header of 2^63 bytes",
    new Uint8Array([0, 0, 0, 0, 0, 0, 0, 128]),
    `it says that its header has 9223372036854775808 bytes where 0 follow: ${again}`,
  ],
  ["a header too short", file("{}", 0, 1), `its header is not JSON: ${again}`],
  ["no JSON", file("{]"), `its header is not JSON: ${again}`],
  ["no UTF-8", file("{}", new Uint8Array([0xff]), 3), `its header is not JSON: ${again}`],
  ["a list", file("[]"), `its header is not a JSON object: ${again}`],
  ["a space before", file(" {}"), `its header is not a JSON object: ${again}`],
  ["a key twice", file(`{"a":${f32("[1]", 0, 4)},"a":${f32("[1]", 4, 8)}}`, 8), `its header has "a" twice: ${again}`],
  [
    "a key twice, once escaped",
    file(`{"a":${f32("[1]", 0, 4)},"\\u0061" :${f32("[1]", 4, 8)}}`, 8),
    `its header has "a" twice: ${again}`,
  ],
  [
    "a field twice",
    file('{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,4]}}', 4),
    `its header has "shape" twice: ${again}`,
  ],
  ["metadata that are no texts", file('{"__metadata__":{"a":1}}'), `its metadata are not texts by name: ${again}`],
  ["a tensor that is a number", file('{"a":1}'), `its header describes "a" by 1: ${again}`],
  ["no type", file('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4), `"a" has no element type: ${again}`],
  [
    "an unknown type",
    file('{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}', 8),
    `"a" has the element type "F8_E4M3": ${types}`,
  ],
  [
    "a type of JavaScript's own",
    file('{"a":{"dtype":"constructor","shape":[1],"data_offsets":[0,8]}}', 8),
    `"a" has the element type "constructor": ${types}`,
  ],
  ["a negative length", file(`{"a":${f32("[-1]", 0, 4)}}`, 4), `"a" has the shape [-1]: ${again}`],
  ["a fraction", file(`{"a":${f32("[0.5]", 0, 2)}}`, 2), `"a" has the shape [0.5]: ${again}`],
  ["no shape", file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), `"a" has the shape undefined: ${again}`],
  [
    "a huge shape",
    file(`{"a":${f32("[4000000000,4000000000]", 0, 4)}}`, 4),
    `"a" of shape [4000000000,4000000000] and type F32 has 4 bytes where 64000000000000000000 were expected: ${again}`,
  ],
  [
    "a shape that overflows",
    file(`{"a":${f32(`[${Array(30).fill(2 ** 40)}]`, 0, 4)}}`, 4),
    "and type F32 has 4 bytes where Infinity were expected",
  ],
  [
    "another size than its shape",
    file(`{"a":${f32("[3]", 0, 8)}}`, 8),
    `"a" of shape [3] and type F32 has 8 bytes where 12 were expected: ${again}`,
  ],
  ["no place", file('{"a":{"dtype":"F32","shape":[1]}}'), `"a" has the place undefined: ${again}`],
  [
    "three offsets",
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 8),
    `"a" has the place [0,4,8]: ${again}`,
  ],
  ["offsets past the end", file(`{"a":${f32("[2]", 0, 8)}}`, 4), `"a" lies at bytes 0 to 8 of 4: ${again}`],
  ["offsets backwards", file(`{"a":${f32("[1]", 4, 0)}}`, 4), `"a" lies at bytes 4 to 0 of 4: ${again}`],
  [
    "an overlap",
    file(`{"a":${f32("[2]", 0, 8)},"b":${f32("[2]", 4, 12)}}`, 12),
    `"b" begins at byte 4 of the data, inside the tensor before it: ${again}`,
  ],
  [
    "a gap",
    file(`{"a":${f32("[1]", 0, 4)},"b":${f32("[1]", 8, 12)}}`, 12),
    `bytes 4 to 8 of the data belong to no tensor: ${again}`,
  ],
  ["bytes at the end", file(`{"a":${f32("[1]", 0, 4)}}`, 6), `bytes 4 to 6 of the data belong to no tensor: ${again}`],
  [
    "a 64-bit number that does not fit",
    file('{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', new Uint8Array([0, 0, 0, 0, 1, 0, 0, 0])),
    '"a" holds 4294967296, which does not fit into 32 bits: write it as I32 or F32',
  ],
];

for (const [name, bytes, message] of MALFORMED) {
  Deno.test(`decodeSafetensors() refuses ${name}`, () => {
    const error = assertThrows(() => decodeSafetensors(bytes, "w.safetensors"), CheckpointError, message);
    assertEquals(error.message.startsWith('Cannot read "w.safetensors" as safetensors as '), true);
  });
}

Deno.test("decodeSafetensors() refuses every file that is cut short", () => {
  const bytes = encodeSafetensors({ tensors: { a: float32([3], [1, 2, 3]), b: int32([2], [4, 5]) } });
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeSafetensors(bytes.subarray(0, length)), CheckpointError);
  }
});

Deno.test("decodeSafetensors() takes no memory for terabytes that a small file claims", () => {
  // 2^42 bytes in each tensor; an attempt to reserve them would end in a RangeError.
  const claims = [`{"a":${f32("[1099511627776]", 0, 2 ** 42)}}`, `{"a":${f32("[1099511627776]", 0, 4)}}`];
  for (const claim of claims) assertThrows(() => decodeSafetensors(file(claim, 4)), CheckpointError, '"a"');
  const header = new Uint8Array(9);
  new DataView(header.buffer).setBigUint64(0, 2n ** 42n, true);
  assertThrows(() => decodeSafetensors(header), CheckpointError, "4398046511104 bytes where 1 follow");
});

Deno.test("decodeSafetensors() refuses deep nesting and long names as it refuses the rest", () => {
  const deep = `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  assertThrows(() => decodeSafetensors(file(deep)), CheckpointError);
  const long = "x".repeat(3_000_000);
  assertThrows(() => decodeSafetensors(file(`{"${long}":1}`)), CheckpointError, "by 1");
});

Deno.test("decodeSafetensors() of changed bytes gives arrays or a CheckpointError, nothing else", () => {
  const whole = encodeSafetensors({
    tensors: { "conv.weight": float32([2, 1, 1, 1], [1, 2]), steps: int32([3], [4, 5, 6]), "fc.bias": float32([1]) },
    metadata: { format: "pt" },
  });
  const header = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
  const draws = rng(7, "fuzz").uniform([3 * 4000]);
  let refused = 0;
  for (let i = 0; i < 4000; i++) {
    const [a, b, c] = [draws[3 * i]!, draws[3 * i + 1]!, draws[3 * i + 2]!];
    const bytes = whole.slice(0, a < 0.1 ? Math.floor(b * whole.length) : undefined);
    // Characters that mean something in JSON, or any byte.
    const put = a < 0.6 ? '{}[]",:0-9e.\\'.charCodeAt(Math.floor(c * 13)) : Math.floor(c * 256);
    if (bytes.length > 0) bytes[Math.floor(b * 7919 % 1 * Math.min(header, bytes.length))] = put;
    try {
      for (const { shape, data } of Object.values(decodeSafetensors(bytes).tensors)) {
        assertEquals(data.length, shape.reduce((product, length) => product * length, 1));
        assertEquals(data.byteLength <= 2 * bytes.length, true);
      }
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      refused++;
    }
  }
  assertEquals(refused > 2000, true);
});
