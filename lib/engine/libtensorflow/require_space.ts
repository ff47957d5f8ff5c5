import { statfsSync } from "node:fs";
import { DataError } from "../../core/mod.ts";

/**
 * Makes sure that a disk has room, where asking is permitted (`--allow-sys=statfs`).
 *
 * @param folder A folder on the disk.
 * @param bytes How much is needed.
 * @throws {DataError} If less is free.
 */
export function requireSpace(folder: string, bytes: number): void {
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return;
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const gigabytes = (size: number) => `${(size / 1e9).toFixed(1)} GB`;
  throw new DataError(
    `${gigabytes(bytes)} are needed in ${folder}, where ${gigabytes(free)} are free ` +
      "(XDG_CACHE_HOME chooses another disk)",
  );
}
