import { namesIn } from "../core/mod.ts";
import { type ReportImages, writeReport } from "../report/mod.ts";
import { loadImages } from "./image_file.ts";

/**
 * Writes the page of a run folder, with the adversarial images that lie in its folder `images`, where
 * `deno task evaluate --save-images <run>/images` puts them.
 *
 * @param folder Run folder.
 * @param options Path of the page, where it is not `report.html` in the folder.
 * @returns Path of the page.
 * @throws {DataError} If the folder has no row, or a file is not as expected.
 * @throws {CheckpointError} If a file of images is cut short.
 */
export async function reportRun(folder: string, options: { readonly out?: string } = {}): Promise<string> {
  const images: ReportImages[] = [];
  for (const name of await namesIn(`${folder}/images`, ".safetensors")) {
    images.push(await loadImages(`${folder}/images/${name}`));
  }
  return await writeReport(folder, { ...options, images });
}
