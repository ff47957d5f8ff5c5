import { assertEquals, assertThrows } from "@std/assert";
import { canonicalJson, hash8, sha256Hex } from "../../lib/core/mod.ts";

Deno.test("canonicalJson() sorts keys and writes numbers as RFC 8785 does", () => {
  // RFC 8785, section 3.2.2 (numbers) and 3.2.3 (order of keys).
  assertEquals(
    canonicalJson({ numbers: [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001] }),
    '{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
  );
  assertEquals(
    canonicalJson({ "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 }),
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
  );
  assertEquals(canonicalJson({ b: [1, null, true], a: { d: "x", c: -0 } }), '{"a":{"c":0,"d":"x"},"b":[1,null,true]}');
  assertEquals(canonicalJson(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  const shared = { x: 1 };
  assertEquals(canonicalJson([shared, shared]), '[{"x":1},{"x":1}]');
});

Deno.test("canonicalJson() refuses what JSON cannot hold and says where", () => {
  const message = (value: unknown) => assertThrows(() => canonicalJson(value), TypeError).message;
  const rule = ": use null, booleans, finite numbers, strings, arrays or plain objects";
  assertEquals(message({ a: { b: [1, undefined] } }), `Cannot write $.a.b[1] as JSON as it is undefined${rule}`);
  assertEquals(message({ a: NaN }), `Cannot write $.a as JSON as it is NaN${rule}`);
  assertEquals(message([Infinity]), `Cannot write $[0] as JSON as it is Infinity${rule}`);
  assertEquals(message({ f: () => 1 }), `Cannot write $.f as JSON as it is a function${rule}`);
  assertEquals(message(1n), `Cannot write $ as JSON as it is a bigint${rule}`);
  assertEquals(message([new Date(0)]), `Cannot write $[0] as JSON as it is an object of class Date${rule}`);
  assertEquals(message(new Float32Array(1)), `Cannot write $ as JSON as it is an object of class Float32Array${rule}`);
  assertEquals(message(new Array(1)), `Cannot write $[0] as JSON as it is undefined${rule}`);
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  assertEquals(message(loop), "Cannot write $.self as JSON as it contains itself");
});

Deno.test("sha256Hex() gives the digests of FIPS 180-4", async () => {
  assertEquals(await sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assertEquals(
    await sha256Hex(new Uint8Array(0)),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  const bytes = new TextEncoder().encode("xabcx").subarray(1, 4);
  assertEquals(await sha256Hex(bytes), await sha256Hex("abc"));
});

Deno.test("hash8() depends on the value, not on the order of keys", async () => {
  assertEquals(await hash8({ a: 1, b: 2 }), await hash8({ b: 2, a: 1 }));
  assertEquals(await hash8("abc"), (await sha256Hex('"abc"')).slice(0, 8));
});
