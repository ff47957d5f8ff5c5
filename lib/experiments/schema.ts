import { UsageError } from "../core/mod.ts";

/** Checks a value that came from JSON; throws a {@linkcode UsageError} that names the path. */
export type Check = (value: unknown, path: string) => void;

/** A check for each field of `T`; a field that is forgotten does not compile. */
export type Fields<T> = { readonly [K in keyof T]-?: Check };

function fail(path: string, value: unknown, expected: string): never {
  const came = value === undefined ? "missing" : JSON.stringify(value);
  throw new UsageError(`Cannot use the experiment as "${path}" is ${came}: it must be ${expected}`);
}

/** A check that lets a field be absent. */
export function optional(check: Check): Check {
  return (value, path) => {
    if (value !== undefined) check(value, path);
  };
}

/** A finite number in [low, high]. */
export function number(low = -Infinity, high = Infinity): Check {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isFinite(value) || value < low || value > high) {
      fail(path, value, `a number${low > -Infinity || high < Infinity ? ` from ${low} to ${high}` : ""}`);
    }
  };
}

/** An integer in [low, high]. */
export function integer(low = 1, high = Infinity): Check {
  return (value, path) => {
    if (Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high) return;
    fail(path, value, high === Infinity ? `an integer of at least ${low}` : `an integer from ${low} to ${high}`);
  };
}

/** A string that matches a pattern. */
export function text(pattern: RegExp = /^/, expected = "a text"): Check {
  return (value, path) => {
    if (typeof value !== "string" || !pattern.test(value)) fail(path, value, expected);
  };
}

/** True or false. */
export const flag: Check = (value, path) => {
  if (typeof value !== "boolean") fail(path, value, "true or false");
};

/** One of some texts. */
export function oneOf(...values: readonly string[]): Check {
  return (value, path) => {
    if (!values.includes(value as string)) fail(path, value, `one of ${values.map((one) => `"${one}"`).join(", ")}`);
  };
}

/** A list. */
export function list(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return fail(path, value, "a list");
    value.forEach((element, index) => check(element, `${path}.${index}`));
  };
}

/** An object with exactly these fields. */
export function object<T>(fields: Fields<T>): Check {
  return (value, path) => {
    const checks: Readonly<Record<string, Check>> = fields;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return fail(path, value, "an object");
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(checks, key)) continue;
      throw new UsageError(
        `Cannot use the experiment as "${join(path, key)}" is not known: known keys are ${
          Object.keys(checks).join(", ")
        }`,
      );
    }
    for (const [key, check] of Object.entries(checks)) check((value as Record<string, unknown>)[key], join(path, key));
  };
}

/** An object whose `kind` says which fields it has. */
export function union(kinds: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    const kind = (value as { kind?: unknown } | null | undefined)?.kind;
    if (typeof kind !== "string" || !Object.hasOwn(kinds, kind)) {
      fail(join(path, "kind"), kind, `one of ${Object.keys(kinds).map((one) => `"${one}"`).join(", ")}`);
    }
    kinds[kind]!(value, path);
  };
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
