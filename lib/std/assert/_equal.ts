/** Structural equality as in @std/assert: NaN equals NaN, 0 equals -0, sets and maps in any order, classes compared. */
export function equal(a: unknown, b: unknown, seen: ReadonlyMap<unknown, unknown> = new Map()): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (seen.get(a) === b) return true;
  if (classOf(a) !== classOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (a instanceof WeakMap || a instanceof WeakSet || a instanceof WeakRef) return false;
  const inside = new Map(seen).set(a, b);
  if (a instanceof Set) return matchAll([...a], [...b as Set<unknown>], inside);
  if (a instanceof Map) return matchAll([...a], [...b as Map<unknown, unknown>], inside);
  if (ArrayBuffer.isView(a) && "length" in a) {
    const x = a as unknown as ArrayLike<unknown>;
    const y = b as unknown as ArrayLike<unknown>;
    if (x.length !== y.length) return false;
    for (let i = 0; i < x.length; i++) if (x[i] !== y[i] && !Object.is(x[i], y[i])) return false;
    return true;
  }
  if (a instanceof Error && a.message !== (b as Error).message) return false;
  const keys = enumerable(a);
  return keys.length === enumerable(b).length && (!Array.isArray(a) || a.length === (b as unknown[]).length) &&
    keys.every((key) => Object.hasOwn(b, key) && equal(Reflect.get(a, key), Reflect.get(b, key), inside));
}

/** The constructor, where null-prototype objects count as plain ones. */
function classOf(value: object): unknown {
  return Object.getPrototypeOf(value)?.constructor ?? Object;
}

function enumerable(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
}

function matchAll(a: unknown[], b: unknown[], seen: ReadonlyMap<unknown, unknown>): boolean {
  const left = [...b];
  return a.length === b.length && a.every((x) => {
    const at = left.findIndex((y) => equal(x, y, seen));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}
