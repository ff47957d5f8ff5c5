import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import {
  type Check,
  flag,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  text,
  union,
} from "../../lib/experiments/schema.ts";

/** Asserts that a check takes some values and refuses others, each with what it says after "Cannot use ... as ". */
function cases(check: Check, good: readonly unknown[], bad: readonly (readonly [unknown, string])[]): void {
  for (const value of good) check(value, "a.b");
  for (const [value, message] of bad) {
    assertThrows(() => check(value, "a.b"), UsageError, `Cannot use the experiment as ${message}`);
  }
}

Deno.test("number() takes finite numbers in its interval", () => {
  cases(number(), [0, -1e9, 0.5], [
    [NaN, '"a.b" is null: it must be a number'],
    [Infinity, '"a.b" is null: it must be a number'],
    ["1", '"a.b" is "1": it must be a number'],
    [undefined, '"a.b" is missing: it must be a number'],
  ]);
  cases(number(0, 1), [0, 0.5, 1], [
    [-0.1, '"a.b" is -0.1: it must be a number from 0 to 1'],
    [1.1, '"a.b" is 1.1: it must be a number from 0 to 1'],
  ]);
});

Deno.test("integer() takes safe integers from its lower end on", () => {
  cases(integer(), [1, 2 ** 53 - 1], [
    [0, '"a.b" is 0: it must be an integer of at least 1'],
    [1.5, '"a.b" is 1.5: it must be an integer of at least 1'],
    [2 ** 53, '"a.b" is 9007199254740992: it must be an integer of at least 1'],
    [null, '"a.b" is null: it must be an integer of at least 1'],
  ]);
  cases(integer(0), [0], [[-1, '"a.b" is -1: it must be an integer of at least 0']]);
});

Deno.test("text(), flag and oneOf() take what they say", () => {
  cases(text(), ["", "x"], [[1, '"a.b" is 1: it must be a text']]);
  cases(text(/^x+$/, "some x"), ["xx"], [["y", '"a.b" is "y": it must be some x']]);
  cases(flag, [true, false], [[0, '"a.b" is 0: it must be true or false']]);
  cases(oneOf("p", "q"), ["p", "q"], [["r", '"a.b" is "r": it must be one of "p", "q"']]);
});

Deno.test("optional() lets a field be absent, not null", () => {
  cases(optional(flag), [undefined, true], [[null, '"a.b" is null: it must be true or false']]);
});

Deno.test("list() checks each element and names it by its place", () => {
  cases(list(flag), [[], [true, false]], [
    [{}, '"a.b" is {}: it must be a list'],
    [[true, 1], '"a.b.1" is 1: it must be true or false'],
  ]);
});

Deno.test("object() refuses unknown keys before all else, with their path and the known keys", () => {
  const check = object<{ x: number; y?: boolean }>({ x: number(), y: optional(flag) });
  cases(check, [{ x: 1 }, { x: 1, y: true }], [
    [{ x: "no", z: 2 }, '"a.b.z" is not known: known keys are x, y'],
    [{ y: true }, '"a.b.x" is missing: it must be a number'],
    [[], '"a.b" is []: it must be an object'],
    [null, '"a.b" is null: it must be an object'],
    // A key that every object inherits is no key of this one.
    [{ x: 1, toString: 1 }, '"a.b.toString" is not known: known keys are x, y'],
  ]);
  assertThrows(() => check({ z: 1 }, ""), UsageError, 'Cannot use the experiment as "z" is not known');
});

Deno.test("union() goes by the kind", () => {
  const check = union({
    p: object<{ kind: "p" }>({ kind: text() }),
    q: object<{ kind: "q"; n: number }>({ kind: text(), n: integer() }),
  });
  cases(check, [{ kind: "p" }, { kind: "q", n: 1 }], [
    [{ kind: "p", n: 1 }, '"a.b.n" is not known: known keys are kind'],
    [{ kind: "r" }, '"a.b.kind" is "r": it must be one of "p", "q"'],
    [{ kind: "constructor" }, '"a.b.kind" is "constructor": it must be one of "p", "q"'],
    [{}, '"a.b.kind" is missing: it must be one of "p", "q"'],
    [undefined, '"a.b.kind" is missing: it must be one of "p", "q"'],
  ]);
});
