/**
 * The one JSON text of a value: keys sorted by their UTF-16 code units, no spaces, numbers as JavaScript writes them.
 *
 * Source: RFC 8785 (JSON Canonicalization Scheme). Differs from `JSON.stringify` in refusing what that would drop or
 * change without a word.
 *
 * @param value Null, a boolean, a finite number, a string, or arrays and plain objects of these.
 * @returns The text.
 * @throws {TypeError} If anything else is in it; the message says where.
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$", []);
}

/**
 * SHA-256 in hexadecimal.
 *
 * @param data Bytes, or a text taken as UTF-8.
 * @returns 64 hexadecimal digits.
 */
export async function sha256Hex(data: Uint8Array | string): Promise<string> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A short name for a value: the first 8 hexadecimal digits of the SHA-256 of its canonical JSON.
 *
 * @param value As for {@linkcode canonicalJson}.
 * @returns 8 hexadecimal digits.
 * @throws {TypeError} As {@linkcode canonicalJson}.
 */
export async function hash8(value: unknown): Promise<string> {
  return (await sha256Hex(canonicalJson(value))).slice(0, 8);
}

function write(value: unknown, path: string, above: readonly unknown[]): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value !== "object") throw refusal(value, path);
  if (above.includes(value)) throw new TypeError(`Cannot write ${path} as JSON as it contains itself`);
  const within = [...above, value];
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item, i) => write(item, `${path}[${i}]`, within)).join(",")}]`;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refusal(value, path);
  const fields = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, item]) => `${JSON.stringify(key)}:${write(item, `${path}.${key}`, within)}`);
  return `{${fields.join(",")}}`;
}

function refusal(value: unknown, path: string): TypeError {
  const what = typeof value === "object" && value !== null
    ? `an object of class ${value.constructor?.name ?? "?"}`
    : typeof value === "number" || value === undefined
    ? String(value)
    : `a ${typeof value}`;
  return new TypeError(
    `Cannot write ${path} as JSON as it is ${what}: ` +
      "use null, booleans, finite numbers, strings, arrays or plain objects",
  );
}
