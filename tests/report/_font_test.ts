import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { findPackageJSON } from "node:module";
import { advanceWidths } from "../../lib/report/_font.ts";

Deno.test("advanceWidths() reads the widths of DejaVu Sans", async () => {
  const path = findPackageJSON("dejavu-fonts-ttf", import.meta.url)!;
  const widthOf = advanceWidths(await Deno.readFile(path.replace("package.json", "ttf/DejaVuSans.ttf")));
  // Font units (2048 an em) from table hmtx as fontTools 4.66.1 reads it.
  const units = { "A": 1401, "W": 2025, "i": 569, "0": 1303, " ": 651, "ε": 1107, "⁻": 1081, "×": 1716, "%": 1946 };
  for (const [character, width] of Object.entries(units)) assertEquals(widthOf(character, 2048), width, character);
  assertAlmostEquals(widthOf("A0 i", 20), 20 * (1401 + 1303 + 651 + 569) / 2048, 1e-9);
  assertEquals(widthOf("", 20), 0);
  assertEquals([widthOf("\u{4e00}", 2048), widthOf("\u{10ffff}", 2048)], [1229, 1229]); // the box of a missing glyph
});

Deno.test("advanceWidths() refuses what is no font", () => {
  assertThrows(
    () => advanceWidths(new Uint8Array(64)),
    TypeError,
    'Cannot read the font as it has no table "head": use a TrueType font',
  );
});
