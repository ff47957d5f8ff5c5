/**
 * Reads the advance widths of a TrueType font, so that the layout of a figure knows how wide its texts are.
 *
 * Source: OpenType 1.9, tables "head", "hhea", "hmtx" and "cmap" (subtable format 4, the Basic Multilingual Plane).
 * Differs: no kerning, which DejaVu Sans hardly uses in the texts of figures.
 *
 * @param font The font file.
 * @returns A function from (text, font size in pixels) to its width in pixels.
 * @throws {TypeError} If the file has no such tables.
 */
export function advanceWidths(font: Uint8Array): (text: string, fontSize: number) => number {
  const view = new DataView(font.buffer, font.byteOffset, font.byteLength);
  const unitsPerEm = view.getUint16(tableAt(view, "head") + 18);
  const metricCount = view.getUint16(tableAt(view, "hhea") + 34);
  const hmtx = tableAt(view, "hmtx");
  const glyphOf = glyphLookup(view, tableAt(view, "cmap"));
  return (text, fontSize) => {
    let units = 0;
    for (const character of text) {
      const glyph = Math.min(glyphOf(character.codePointAt(0)!), metricCount - 1);
      units += view.getUint16(hmtx + 4 * glyph);
    }
    return units / unitsPerEm * fontSize;
  };
}

/** Offset of a table of the font. */
function tableAt(view: DataView, tag: string): number {
  const count = view.getUint16(4);
  for (let entry = 12; entry < 12 + 16 * count; entry += 16) {
    const name = String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(entry + i)));
    if (name === tag) return view.getUint32(entry + 8);
  }
  throw new TypeError(`Cannot read the font as it has no table "${tag}": use a TrueType font`);
}

/** Function from a code point to its glyph; 0 (the empty box) for one that the font lacks. */
function glyphLookup(view: DataView, cmap: number): (codePoint: number) => number {
  const count = view.getUint16(cmap + 2);
  const tables = Array.from({ length: count }, (_, i) => cmap + view.getUint32(cmap + 4 + 8 * i + 4));
  const table = tables.find((offset) => view.getUint16(offset) === 4);
  if (table === undefined) {
    throw new TypeError(`Cannot read the font as it has no "cmap" of format 4: use another font`);
  }
  const doubled = view.getUint16(table + 6);
  const ends = table + 14;
  const starts = ends + doubled + 2;
  return (codePoint) => {
    for (let segment = 0; segment < doubled; segment += 2) {
      if (view.getUint16(ends + segment) < codePoint) continue;
      const start = view.getUint16(starts + segment);
      if (start > codePoint) return 0;
      const delta = view.getUint16(starts + doubled + segment);
      const rangeAt = starts + 2 * doubled + segment;
      const range = view.getUint16(rangeAt);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const glyph = view.getUint16(rangeAt + range + 2 * (codePoint - start));
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  };
}
