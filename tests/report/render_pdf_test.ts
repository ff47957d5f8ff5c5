import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { inflateSync } from "node:zlib";
import { decodeImage } from "../../lib/data/decode_image.ts";
import { renderPdf, renderPng, robustnessCurve, theoryCheck, type TopLevelSpec } from "../../lib/report/mod.ts";
import { EPOCHS, EVALUATION } from "./_rows.ts";

Deno.test("renderPdf() gives one page of the figure's size, the same bytes each time, dated 1970", async () => {
  const pdf = await renderPdf(robustnessCurve(EVALUATION));
  const text = latin1(pdf);
  assertMatch(text, /^%PDF-1\.\d\n/);
  assertMatch(text, /%%EOF\n?$/);
  assertEquals(text.match(/\/MediaBox \[([^\]]*)\]/)?.[1], "0 0 240.75 165"); // 321 and 220 pixels of 1/96 inch
  assertEquals(text.match(/\/Type \/Page\n/g)?.length, 1);
  assertStringIncludes(text, "(D:19700101000000Z)");
  assertEquals(await renderPdf(robustnessCurve(EVALUATION)), pdf);
});

Deno.test("renderPdf() writes texts as text, in an embedded font that says which characters its glyphs are", async () => {
  const pdf = await renderPdf(robustnessCurve(EVALUATION));
  assertMatch(latin1(pdf), /\/BaseFont \/[A-Z]{6}\+DejaVuSans\n/);
  assertMatch(latin1(pdf), /\/FontFile2 /);
  assertEquals(
    textsOf(pdf),
    ["0", "2", "4", "8", "PGD-20 radius ε (units of 1/255)", "0", "20", "40", "60", "80", "100", "Accuracy (%)"]
      .concat(["Teacher", "KDIGA", "my net"]),
  );
  // A whole file of the font has 757 kB.
  assertLess(pdf.length, 20_000);
});

Deno.test("renderPdf() draws shapes, dashes, opacity, gradients and texts where the specification has them", async () => {
  const spec: TopLevelSpec = {
    description: "Marks",
    width: 100,
    height: 80,
    padding: 0,
    view: { stroke: null },
    data: { values: [{ a: 1 }] },
    layer: [
      { mark: { type: "rect", x: 10, x2: 40, y: 20, y2: 60, color: "#ff0000", opacity: 0.5 }, encoding: {} },
      {
        mark: { type: "rule", strokeDash: [3, 2], color: "#0000ff", strokeWidth: 2 },
        encoding: { x: { value: 5 }, x2: { value: 95 }, y: { value: 70 } },
      },
      {
        mark: { type: "text", x: 50, y: 10, align: "right", baseline: "alphabetic", text: "ab", fontSize: 10 },
        encoding: {},
      },
      {
        mark: {
          type: "rect",
          x: 60,
          x2: 90,
          y: 20,
          y2: 40,
          color: { gradient: "linear", stops: [{ offset: 0, color: "#000000" }, { offset: 1, color: "#00ff00" }] },
        },
        encoding: {},
      },
    ],
  } as TopLevelSpec;
  const pdf = await renderPdf(spec);
  const content = contentOf(pdf);
  assertMatch(content, /10 20 m\n40 20 l\n40 60 l\n10 60 l\nh\n\/Gs2 gs\n\/DeviceRGB cs\n1 0 0 scn\nf\n/);
  assertMatch(latin1(pdf), /\/Type \/ExtGState\n\/ca 0\.5\n/);
  assertMatch(content, /0 0 m\n90 0 l\n.*\n2 w\n(.*\n)*?\[3 2\] 0 d\n\/DeviceRGB CS\n0 0 1 SCN\nS\n/);
  // Ten pixels high, both letters are 0.613 and 0.635 of that wide, and end at 50.
  assertMatch(content, /1 0 0 1 50 10 cm\n(.*\n)*?1 0 0 1 -12\.47\d* 60\S* Tm\n\/F1 10 Tf\n/);
  assertEquals(textsOf(pdf), ["ab"]);
  assertMatch(content, /60 20 m\n90 20 l\n90 40 l\n60 40 l\nh\n.*\n\/Pattern cs\n\/Sh1 scn\nf\n/);
  assertMatch(latin1(pdf), /\/ShadingType 2\n\/ColorSpace \/DeviceRGB\n\/Coords \[60 20 90 20\]\n/);
});

Deno.test("renderPdf() refuses what it does not draw, and what Vega-Lite warns about", async () => {
  const data = { values: [{ a: 1, b: 1 }, { a: 2, b: 2 }] };
  const encoding = {
    x: { field: "a", type: "quantitative" as const },
    y: { field: "b", type: "quantitative" as const },
  };
  const stops = [{ offset: 0, color: "#000000" }, { offset: 1, color: "#00ff00" }];
  await assertRejects(
    () => renderPdf({ data, mark: { type: "area", color: { gradient: "linear", stops } }, encoding }),
    TypeError,
    "Cannot draw this gradient in a PDF: take the PNG or the SVG",
  );
  await assertRejects(
    () => renderPdf({ data, mark: "bar", encoding: { ...encoding, shape: { field: "a", type: "nominal" } } }),
    TypeError,
    "Cannot draw the figure without a warning: shape dropped",
  );
});

const POPPLER = await hasPoppler();

Deno.test({
  name: "renderPdf() looks as renderPng() does, and its text is found",
  ignore: !POPPLER,
  fn: async () => {
    for (const spec of [robustnessCurve(EVALUATION), theoryCheck(EPOCHS)]) {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeFile(`${folder}/a.pdf`, await renderPdf(spec));
        const page = await poppler("pdftoppm", "-r", "192", `${folder}/a.pdf`);
        const [, width = "", height = ""] = latin1(page.subarray(0, 20)).match(/^P6\n(\d+) (\d+)\n255\n/)!;
        const image = await decodeImage(new Uint8Array(await renderPng(spec, { scale: 2 })), "a.png");
        assertAlmostEquals(Number(width), image.width, 1);
        assertAlmostEquals(Number(height), image.height, 1);
        const rgb = page.subarray(page.length - 3 * Number(width) * Number(height));
        let apart = 0;
        const [rows, columns] = [Math.min(Number(height), image.height), Math.min(Number(width), image.width)];
        for (let y = 0; y < rows; y++) {
          for (let x = 0; x < columns; x++) {
            const [ours, theirs] = [3 * (y * Number(width) + x), 3 * (y * image.width + x)];
            for (let c = 0; c < 3; c++) apart += Math.abs(rgb[ours + c]! - image.data[theirs + c]!);
          }
        }
        // Edges are smoothed in another way: in the mean of all pixels a difference of 3 of 255 is seen nowhere.
        assertLess(apart / (3 * rows * columns), 3);
        const words = latin1(await poppler("pdftotext", `${folder}/a.pdf`, "-"));
        assertStringIncludes(words, "KD");
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }
  },
});

async function hasPoppler(): Promise<boolean> {
  try {
    await poppler("pdftoppm", "-v");
    return true;
  } catch {
    return false;
  }
}

async function poppler(command: string, ...args: string[]): Promise<Uint8Array> {
  const { success, stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
  assert(success, `${command} ended with a failure`);
  return stdout;
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** Streams of the file, inflated. */
function streamsOf(pdf: Uint8Array): string[] {
  const text = latin1(pdf);
  return [...text.matchAll(/\/Length (\d+)\n\/Filter \/FlateDecode\n>>\nstream\n/g)].map((match) => {
    const start = match.index + match[0].length;
    return latin1(inflateSync(pdf.subarray(start, start + Number(match[1]))));
  });
}

/** What draws the page. */
function contentOf(pdf: Uint8Array): string {
  return streamsOf(pdf).find((stream) => /^1 0 0 -1 0 /.test(stream))!;
}

/** The texts of the page, by the font's own table of characters. */
function textsOf(pdf: Uint8Array): string[] {
  const table = streamsOf(pdf).find((stream) => stream.includes("beginbfrange"))!;
  const characters = [...table.matchAll(/<(\w+)> <(\w+)> \[(.*)\]/g)].flatMap(([, first = "", , list = ""]) =>
    [...list.matchAll(/<(\w+)>/g)].map(([, code = ""], i): [number, string] => [
      parseInt(first, 16) + i,
      String.fromCharCode(parseInt(code, 16)),
    ])
  );
  const characterOf = new Map(characters);
  return [...contentOf(pdf).matchAll(/\[(.*)\] TJ/g)].map(([, pieces = ""]) =>
    [...pieces.matchAll(/<(\w+)>/g)].flatMap(([, glyphs = ""]) => glyphs.match(/.{4}/g)!)
      .map((glyph) => characterOf.get(parseInt(glyph, 16))).join("")
  );
}
