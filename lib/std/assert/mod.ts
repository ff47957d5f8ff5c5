/**
 * A stand-in for `jsr:@std/assert`: the assertions that kdiga uses, with the published meaning.
 *
 * @module
 */
import { AssertionError as NodeAssertionError } from "node:assert";
import { inspect } from "node:util";
import { equal } from "./_equal.ts";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** Name of the class. */
  override name = "AssertionError";
}

/** A class of errors, as the second argument of {@linkcode assertThrows}. */
export type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** Passes where the expression is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Passes where the expression is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is false | 0 | "" | null | undefined {
  if (expr) throw new AssertionError(msg);
}

/** Passes where both are structurally equal; NaN equals NaN, 0 equals -0. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const { message } = new NodeAssertionError({ actual, expected, operator: "deepStrictEqual" });
  throw new AssertionError(`Values are not equal${suffix(msg)}\n${message}`);
}

/** Passes where both are not structurally equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(`Expected actual: ${inspect(actual)} not to be: ${inspect(expected)}${suffix(msg)}`);
}

/** Passes where `Object.is(actual, expected)`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(
    `Values are not strictly equal: ${inspect(actual)} is not ${inspect(expected)}${suffix(msg)}`,
  );
}

/**
 * Passes where |actual - expected| <= tolerance; the default is 1e-7 |expected|.
 *
 * @param tolerance Absolute tolerance.
 */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const limit = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (delta <= limit) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${limit}"${
      suffix(msg)
    }`,
  );
}

/** Passes where the value is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(`Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`);
}

/** Passes where actual > expected. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) throw comparison(actual, ">", expected, msg);
}

/** Passes where actual >= expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) throw comparison(actual, ">=", expected, msg);
}

/** Passes where actual < expected. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) throw comparison(actual, "<", expected, msg);
}

/** Passes where actual <= expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) throw comparison(actual, "<=", expected, msg);
}

/** Passes where the text contains the expected one. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/** Passes where the text matches the expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}

/** Passes where the value is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: abstract new (...args: never[]) => T,
  msg = "",
): asserts actual is T {
  if (actual instanceof expectedType) return;
  const found = typeof actual === "object" ? actual?.constructor?.name ?? String(actual) : typeof actual;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name || "anonymous class"}" but was "${found}"${suffix(msg)}`,
  );
}

/** Passes where every entry of `expected`, however deep, is in `actual`. */
export function assertObjectMatch(
  actual: Record<PropertyKey, unknown>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (matches(actual, expected)) return;
  throw new AssertionError(`Expected actual: ${inspect(actual)} to match: ${inspect(expected)}${suffix(msg)}`);
}

/** Passes where the function throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Passes where the function throws an error of the class whose message contains the text; returns that error. */
export function assertThrows<E extends Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  errorClassOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  let error: unknown;
  try {
    fn();
  } catch (caught) {
    error = caught;
    return checkError(error, errorClassOrMsg, msgIncludes, msg);
  }
  throw new AssertionError(
    `Expected function to throw${suffix(typeof errorClassOrMsg === "string" ? errorClassOrMsg : msg)}`,
  );
}

/** Resolves where the promise of the function is rejected; to what it was rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Resolves where the promise is rejected with an error of the class whose message contains the text; to that error. */
export function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  errorClassOrMsg?: ErrorClass<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const told = suffix(typeof errorClassOrMsg === "string" ? errorClassOrMsg : msg);
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
    await promise;
  } catch (error) {
    if (promise === undefined) throw new AssertionError(`Function throws when expected to reject${told}`);
    return checkError(error, errorClassOrMsg, msgIncludes, msg);
  }
  throw new AssertionError(`Expected function to reject${told}`);
}

/** Always throws. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg, ".")}`);
}

function checkError<E extends Error>(
  error: unknown,
  errorClassOrMsg: ErrorClass<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): unknown {
  if (typeof errorClassOrMsg !== "function") return error;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was thrown: ${inspect(error)}${suffix(msg)}`);
  }
  if (!(error instanceof errorClassOrMsg)) {
    throw new AssertionError(
      `Expected error to be instance of "${errorClassOrMsg.name}", but was "${error.constructor.name}": ` +
        `${error.message}${suffix(msg)}`,
    );
  }
  if (msgIncludes !== undefined && !error.message.includes(msgIncludes)) {
    throw new AssertionError(
      `Expected error message to include ${inspect(msgIncludes)}, but got ${inspect(error.message)}${suffix(msg)}`,
    );
  }
  return error;
}

function matches(actual: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length >= expected.length &&
      expected.every((value, i) => matches(actual[i], value));
  }
  if (typeof expected !== "object" || expected === null || Object.getPrototypeOf(expected) !== Object.prototype) {
    return equal(actual, expected);
  }
  return typeof actual === "object" && actual !== null &&
    Reflect.ownKeys(expected).every((key) =>
      Reflect.has(actual, key) && matches(Reflect.get(actual, key), Reflect.get(expected, key))
    );
}

function comparison(actual: unknown, relation: string, expected: unknown, msg: string | undefined): AssertionError {
  return new AssertionError(`Expect ${inspect(actual)} ${relation} ${inspect(expected)}${suffix(msg)}`);
}

function suffix(msg: string | undefined, end = ""): string {
  return msg ? `: ${msg}` : end;
}
