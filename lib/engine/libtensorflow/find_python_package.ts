import { join } from "node:path";
import { DataError } from "../../core/mod.ts";
import { libraryFiles } from "./find_library.ts";
import type { Obtained, SourceContext } from "./library_source.ts";
import { runPython } from "./run_python.ts";

/** Prints the folder of the package without importing it. */
const WHERE = `import importlib.util
spec = importlib.util.find_spec("tensorflow")
for folder in (spec and spec.submodule_search_locations) or []: print("tensorflow=" + folder)`;

/**
 * Asks `python3` for its package `tensorflow`, wherever that is installed.
 *
 * @param context The system.
 * @returns The folder of the package.
 * @throws {DataError} If there is no Python, or it has no such package with the library.
 */
export async function findPythonPackage(context: SourceContext): Promise<Obtained> {
  const { out } = await runPython(["-c", WHERE], context);
  const folder = out.match(/^tensorflow=(.+?)\r?$/m)?.[1];
  if (folder === undefined) throw new DataError("python3 has no tensorflow");
  const [file] = libraryFiles(context.target.os);
  if (file === undefined || !await Deno.stat(join(folder, file)).then(({ isFile }) => isFile, () => false)) {
    throw new DataError(`python3's ${folder} has no ${file ?? "such library"}`);
  }
  return { kind: "package", folder };
}
