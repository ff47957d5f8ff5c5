import { DataError } from "../../core/mod.ts";
import type { SourceContext } from "./library_source.ts";

/** What a run of Python left. */
export interface PythonRun {
  /** Whether its exit status was 0. */
  readonly success: boolean;
  /** Its standard output. */
  readonly out: string;
  /** Its error stream. */
  readonly err: string;
}

/**
 * Runs Python.
 *
 * @param args Its arguments.
 * @param context Which Python, and a signal that ends it.
 * @param env More environment.
 * @returns What it left.
 * @throws {DataError} If there is none.
 */
export async function runPython(
  args: readonly string[],
  { python = "python3", signal }: Pick<SourceContext, "python" | "signal">,
  env: Readonly<Record<string, string>> = {},
): Promise<PythonRun> {
  signal?.throwIfAborted();
  try {
    const command = new Deno.Command(python, {
      args: [...args],
      env: { ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(signal ? { signal } : {}),
    });
    const { success, stdout, stderr } = await command.output();
    signal?.throwIfAborted();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { success, out: text(stdout), err: text(stderr) };
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied;
    if (absent) throw new DataError(`${python} was not found`);
    throw error;
  }
}
