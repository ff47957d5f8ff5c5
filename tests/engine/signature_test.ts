import { assert, assertEquals } from "@std/assert";
import { float32, int32 } from "../../lib/core/mod.ts";
import { isInput, isStatic, signatureOf } from "../../lib/engine/signature.ts";

const x = float32([2, 3]);

Deno.test("a signature is written from shapes, dtypes and plain values", () => {
  assertEquals(signatureOf({ x, y: int32([2]) }), "x:float32[2,3] y:int32[2]");
  assertEquals(signatureOf({ x, k: 2, name: 'a "b"', on: true }), 'x:float32[2,3] k:2 name:"a \\"b\\"" on:true');
  assertEquals(
    signatureOf({ pair: [x, x], deep: { "layer1.w": x } }),
    "pair:[float32[2,3],float32[2,3]] deep:{layer1.w:float32[2,3]}",
  );
  assertEquals([signatureOf(x), signatureOf([x, 1]), signatureOf({})], ["float32[2,3]", "[float32[2,3],1]", ""]);
});

Deno.test("inputs that a function can tell apart have different signatures", () => {
  const inputs: readonly unknown[] = [
    { k: 2 },
    { k: "2" },
    { k: 0 },
    { k: -0 },
    { k: NaN },
    { k: "NaN" },
    { k: false },
    { k: [] },
    { k: {} },
    { k: [2] },
    { k: { 0: 2 } },
    { a: { b: x } },
    { "a.b": x },
    { a: [x], b: x },
    { a: [x, x] },
    { a: x, b: "b:1" },
    { a: x, b: 1 },
    { "a:float32[2,3] b": 1 },
    { a: "float32[2,3]", b: 1 },
    {},
    [],
  ];
  const signatures = inputs.map(signatureOf);
  assertEquals(new Set(signatures).size, inputs.length, signatures.join("\n"));
  assertEquals(signatureOf({ x, left: undefined }), signatureOf({ x }));
});

Deno.test("numbers, strings and booleans are plain values, and nothing else is", () => {
  assert([0, NaN, "", false].every(isStatic));
  assert(![null, undefined, 1n, x, [], {}, () => 1].some(isStatic));
  assert(isInput(x) && isInput(1) && !isInput([x]) && !isInput(null));
});
