import { createHash } from "node:crypto";

/**
 * SHA-256 of a file, which is not held in memory.
 *
 * @param path The file.
 * @returns 64 hexadecimal digits.
 */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of (await Deno.open(path)).readable) hash.update(chunk);
  return hash.digest("hex");
}
