/**
 * Writes the page of all kinds of figures.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { writeFileAtomic } from "../mod.ts";
import { runCommand } from "./_command.ts";
import { galleryPage, galleryPictures } from "./_gallery.ts";

await runCommand({
  name: "gallery",
  usage: "",
  arity: [0, 0],
  about:
    `Write notebooks/gallery/README.md, a page with a picture of each kind of figure, from the specifications of the
tests.`,
  flags: {},
  main: async ({ json }) => {
    const root = new URL("../", import.meta.url);
    const folder = fileURLToPath(new URL("notebooks/gallery", root));
    await Deno.mkdir(folder, { recursive: true });
    const files = new Map<string, string | Uint8Array>([
      ["README.md", await galleryPage(root)],
      ...await galleryPictures(root),
    ]);
    for await (const { name } of Deno.readDir(folder)) if (!files.has(name)) await Deno.remove(`${folder}/${name}`);
    for (const [name, content] of files) await writeFileAtomic(`${folder}/${name}`, content);
    const paths = [...files.keys()].map((name) => `${folder}/${name}`);
    if (!json) console.log(paths[0]);
    return { files: paths };
  },
});
