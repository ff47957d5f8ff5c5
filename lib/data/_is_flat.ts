import { IMAGE } from "./_image_name.ts";
import { indexTar } from "./index_tar.ts";

/** Whether the images of a folder or .tar archive lie in it without class folders. */
export async function isFlat(path: string): Promise<boolean> {
  if (/\.tar$/i.test(path)) {
    const images = (await indexTar(path)).filter(({ name }) => IMAGE.test(name));
    return images.length > 0 && images.every(({ name }) => /^(\.\/)?(val\/)?[^/]+$/.test(name));
  }
  let found = false;
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(path)) {
    if (isDirectory || /\.tar$/i.test(name)) return false;
    if (IMAGE.test(name)) found ||= !isSymlink || (await Deno.stat(`${path}/${name}`)).isFile;
  }
  return found;
}
