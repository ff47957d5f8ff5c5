import { DataError, readTextIfExists, writeFileAtomic } from "../mod.ts";
import type { CheckRow, Verdict } from "./_check_torch.ts";

/** What was found for a family. */
export interface Checked {
  readonly family: string;
  readonly verdict: Verdict;
  readonly rows: readonly CheckRow[];
}

/** What was found in runs before, and in this one. */
export interface Kept {
  /** What was found by the same engine and PyTorch on as many images; undefined where nothing was, or broken bounds. */
  readonly of: (family: string, images: number) => Checked | undefined;
  /** Keeps what was found. */
  readonly add: (checked: Checked) => Promise<void>;
}

interface Entry extends Checked {
  readonly who: string;
}

/**
 * Opens a file of what was found.
 *
 * @param path A JSON file, which may be absent; undefined keeps nothing.
 * @param who What finds now: engine, device, version and size.
 * @throws {DataError} If the file holds something else.
 */
export async function openKept(path: string | undefined, who: string): Promise<Kept> {
  const text = path === undefined ? undefined : await readTextIfExists(path);
  let entries = text === undefined ? [] : parse(text, path!);
  const isOf = (family: string, images: number) => (entry: Entry) =>
    entry.who === who && entry.family === family && entry.rows.every((row) => row.images === images);
  return {
    of: (family, images) => entries.find((entry) => isOf(family, images)(entry) && entry.verdict !== "broken"),
    add: async (checked) => {
      if (path === undefined) return;
      const same = isOf(checked.family, checked.rows[0]!.images);
      entries = [...entries.filter((entry) => !same(entry)), { who, ...checked }];
      await writeFileAtomic(path, `${JSON.stringify(entries, null, 1)}\n`);
    },
  };
}

function parse(text: string, path: string): Entry[] {
  try {
    const entries = JSON.parse(text);
    if (Array.isArray(entries) && entries.every(({ who, family, rows }) => who && family && rows)) return entries;
  } catch {
    // Told below.
  }
  throw new DataError(`Cannot go on from "${path}" as it is no file of check:torch: choose another one, or delete it`);
}
