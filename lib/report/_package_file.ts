import { findPackageJSON } from "node:module";

/**
 * Reads a file of an npm package that the program was built with.
 *
 * @param name Name of the package.
 * @param file Path inside it.
 * @returns Its bytes.
 * @throws {TypeError} If the package is not there.
 */
export async function packageFile(name: string, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = findPackageJSON(name, import.meta.url);
  if (path === undefined) throw new TypeError(`Cannot find the npm package "${name}": run "deno install" first`);
  return await Deno.readFile(path.replace(/package\.json$/, file));
}
