import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { COLUMN_WIDTH, type FigureKind, FIGURES } from "../../mod.ts";
import { galleryPage, goldenOf, pictureOf } from "../../scripts/_gallery.ts";

const ROOT = new URL("../../", import.meta.url);
const GALLERY = new URL("notebooks/gallery/", ROOT);
const KINDS = Object.keys(FIGURES) as FigureKind[];

Deno.test("notebooks/gallery/README.md is what deno task gallery writes of the specifications of the tests", async () => {
  assertEquals(await Deno.readTextFile(new URL("README.md", GALLERY)), await galleryPage(ROOT));
});

Deno.test("every kind of figure has a golden specification, a place on the page and a picture of its size", async () => {
  const page = await Deno.readTextFile(new URL("README.md", GALLERY));
  for (const kind of KINDS) {
    assert(page.includes(`\n## ${kind}\n`), `${kind} has no section: run deno task gallery`);
    const spec = JSON.parse(await Deno.readTextFile(new URL(goldenOf(kind), ROOT)));
    assertEquals(typeof spec.description, "string", kind);
    const png = await Deno.readFile(new URL(pictureOf(kind), GALLERY));
    assertEquals(new DataView(png.buffer).getUint32(16), 2 * COLUMN_WIDTH, kind);
  }
});

Deno.test("the gallery has no other files, and is below 1.5 MB", async () => {
  const names = Array.from(Deno.readDirSync(GALLERY), ({ name }) => name);
  assertEquals(names.sort(), ["README.md", ...KINDS.map(pictureOf)].sort());
  let bytes = 0;
  for (const name of names) bytes += (await Deno.stat(new URL(name, GALLERY))).size;
  assertGreater(bytes, 1e5);
  assertLess(bytes, 1.5e6);
});
