import { DataError } from "./errors.ts";

/**
 * What to throw for an error of writing a file: a full disk is the user's to mend, the rest stays as it is.
 *
 * @param error What was thrown.
 * @param path The file.
 * @returns A {@linkcode DataError} where no space is left, else `error`.
 */
export function writeError(error: unknown, path: string): unknown {
  const full = error instanceof Error &&
    ((error as { code?: unknown }).code === "ENOSPC" || /no space left/i.test(error.message));
  return full
    ? new DataError(`Cannot write "${path}" as no space is left on its disk: free some, or choose another folder`)
    : error;
}
