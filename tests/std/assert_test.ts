import * as a from "@std/assert";

/** Passes where the assertion fails; node:assert is not used, so that this file also tests the published package. */
function fails(body: () => void, includes = ""): void {
  let message: string | undefined;
  try {
    body();
  } catch (error) {
    if (!(error instanceof a.AssertionError)) throw error;
    message = error.message;
  }
  if (message === undefined) throw new Error(`The assertion passed: ${body}`);
  if (!message.includes(includes)) throw new Error(`"${message}" lacks "${includes}"`);
}

Deno.test("assert() and assertFalse() look at truth", () => {
  a.assert(1);
  fails(() => a.assert(0, "why"), "why");
  a.assertFalse("");
  fails(() => a.assertFalse(1));
});

Deno.test("assertEquals() compares structure", () => {
  a.assertEquals({ a: [1, { b: NaN }] }, { a: [1, { b: NaN }] });
  a.assertEquals(0, -0);
  a.assertEquals(new Float32Array([1, NaN]), new Float32Array([1, NaN]));
  a.assertEquals(new Set([{ x: 1 }, 2]), new Set([2, { x: 1 }]));
  a.assertEquals(new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]]));
  a.assertEquals(new Date(3), new Date(3));
  a.assertEquals(/a/g, /a/g);
  const loop: unknown[] = [];
  loop.push(loop);
  const other: unknown[] = [];
  other.push(other);
  a.assertEquals(loop, other);
  fails(() => a.assertEquals([1, 2], [1, 3], "why"), "Values are not equal");
  fails(() => a.assertEquals([1, 2], [1, 2, 3]));
  fails(() => a.assertEquals<unknown>(1, "1"));
  fails(() => a.assertEquals<unknown>({ a: 1 }, { a: 1, b: undefined }));
  fails(() => a.assertEquals<unknown>(new Float32Array([1]), [1]));
  fails(() => a.assertEquals<unknown>(new Float32Array([1]), new Float64Array([1])));
  fails(() => a.assertEquals(new Float32Array([1, 2]), new Float32Array([1, 3])));
  fails(() => a.assertEquals(new Set([1]), new Set([2])));
  fails(() => a.assertEquals<unknown>(null, {}));
  a.assertNotEquals([1], [2]);
  fails(() => a.assertNotEquals([1], [1]));
});

Deno.test("assertStrictEquals() is Object.is", () => {
  a.assertStrictEquals(NaN, NaN);
  fails(() => a.assertStrictEquals(0, -0));
  fails(() => a.assertStrictEquals([], []));
});

Deno.test("assertAlmostEquals() has an absolute tolerance, relative 1e-7 by default", () => {
  a.assertAlmostEquals(1, 1.00000005);
  a.assertAlmostEquals(NaN, NaN);
  a.assertAlmostEquals(Infinity, Infinity);
  a.assertAlmostEquals(1, 1.4, 0.5);
  fails(() => a.assertAlmostEquals(1, 1.0000002), 'to be close to "1.0000002"');
  fails(() => a.assertAlmostEquals(1e-9, 0));
  fails(() => a.assertAlmostEquals(NaN, 1, 10));
  fails(() => a.assertAlmostEquals(1, 1.6, 0.5, "why"), "why");
});

Deno.test("assertGreater() and its kin compare", () => {
  a.assertGreater(2, 1);
  fails(() => a.assertGreater(1, 1));
  a.assertGreaterOrEqual(1, 1);
  fails(() => a.assertGreaterOrEqual(0, 1));
  a.assertLess(1, 2);
  fails(() => a.assertLess(1, 1));
  a.assertLessOrEqual(1, 1);
  fails(() => a.assertLessOrEqual(2, 1));
  fails(() => a.assertLess(NaN, 1));
});

Deno.test("assertExists(), assertStringIncludes(), assertMatch(), assertInstanceOf() and fail() pass and fail", () => {
  a.assertExists(0);
  fails(() => a.assertExists(null));
  fails(() => a.assertExists(undefined));
  a.assertStringIncludes("abc", "b");
  fails(() => a.assertStringIncludes("abc", "d"), "to contain");
  a.assertMatch("abc", /b/);
  fails(() => a.assertMatch("abc", /d/), "to match");
  a.assertInstanceOf(new TypeError(), Error);
  fails(() => a.assertInstanceOf(new Error(), TypeError), "TypeError");
  fails(() => a.assertInstanceOf(1, Number));
  fails(() => a.fail("why"), "Failed assertion: why");
});

Deno.test("assertObjectMatch() looks for a part", () => {
  a.assertObjectMatch({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { b: 1 } });
  a.assertObjectMatch({ d: [{ x: 1, y: 2 }] }, { d: [{ x: 1 }] });
  fails(() => a.assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }));
  fails(() => a.assertObjectMatch({ a: 1 }, { b: 1 }));
});

Deno.test("assertThrows() returns the error and checks class and message", () => {
  const thrower = () => {
    throw new RangeError("too far");
  };
  const error: RangeError = a.assertThrows(thrower, RangeError, "far");
  a.assertEquals(error.message, "too far");
  a.assertThrows(thrower, Error);
  a.assertThrows(thrower);
  fails(() => a.assertThrows(thrower, TypeError), "TypeError");
  fails(() => a.assertThrows(thrower, RangeError, "near"), "near");
  fails(() => a.assertThrows(() => 1), "Expected function to throw");
  fails(() =>
    a.assertThrows(() => {
      throw "text";
    }, Error), "A non-Error object was thrown");
});

Deno.test("assertRejects() returns the error and checks class and message", async () => {
  const rejecter = () => Promise.reject(new RangeError("too far"));
  const error: RangeError = await a.assertRejects(rejecter, RangeError, "far");
  a.assertEquals(error.message, "too far");
  const failure = async (body: () => Promise<unknown>) => {
    const caught = await body().then(() => undefined, (reason) => reason);
    a.assertInstanceOf(caught, a.AssertionError);
  };
  await failure(() => a.assertRejects(rejecter, TypeError));
  await failure(() => a.assertRejects(rejecter, RangeError, "near"));
  await failure(() => a.assertRejects(() => Promise.resolve(1)));
  await failure(() =>
    a.assertRejects(() => {
      throw new Error("at once");
    })
  );
});
