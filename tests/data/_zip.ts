import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from "@zip.js/zip.js";

/** A .zip archive; level 0 stores, above it packs. */
export async function zip(
  entries: readonly [name: string, bytes: Uint8Array][],
  options: { readonly level?: number; readonly password?: string } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false, level: 6, ...options });
  for (const [name, bytes] of entries) {
    if (name.endsWith("/")) await writer.add(name, undefined, { directory: true });
    else await writer.add(name, new Uint8ArrayReader(bytes));
  }
  return new Uint8Array(await writer.close());
}

/** All files below a folder, by their paths from there, in a .zip archive. */
export async function zipFolder(folder: string, level: number): Promise<Uint8Array<ArrayBuffer>> {
  const entries: [string, Uint8Array][] = [];
  const walk = async (below: string) => {
    for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
      if (isDirectory) await walk(`${below}${name}/`);
      else entries.push([`${below}${name}`, await Deno.readFile(`${folder}/${below}${name}`)]);
    }
  };
  await walk("");
  return await zip(entries, { level });
}
