import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError, UsageError } from "../../lib/core/mod.ts";
import { surfaceMap } from "../../lib/report/mod.ts";
import { SURFACE } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("surfaceMap() draws a map for each network, the border of the ball and where the class changes", () => {
  const views = viewsOf(surfaceMap(SURFACE));
  assertEquals(views.length, 2 * (1 + 2 + 2));
  const [cells, , ball, , border] = views.slice(0, 5);
  assertEquals(cells!.rows.length, 25);
  assertEquals([cells!.rows[0]!.a, cells!.rows[0]!.b], [-15, -15]);
  // The line of margin 0, which is a plane: 5.1 - a + b / 2 = 0 in 1/255.
  assert(border!.rows.length > 3);
  for (const { x, y, x2, y2 } of border!.rows as Record<string, number>[]) {
    for (const [a, b] of [[x!, y!], [x2!, y2!]]) assertAlmostEquals(0.02 * 255 - a! + b! / 2, 0, 2e-3);
  }
  for (const { x, y } of ball!.rows as Record<string, number>[]) {
    assertAlmostEquals(Math.abs(x!) + Math.abs(y!), 8, 2.1);
  }
});

Deno.test("surfaceMap() draws no line where the class does not change", () => {
  const right = SURFACE.map((row) => ({ ...row, margin: 1 }));
  assertEquals(viewsOf(surfaceMap(right)).length, 2 * (1 + 2));
});

Deno.test("surfaceMap() puts one colour scale on all maps, and says the lines", () => {
  const spec = JSON.parse(JSON.stringify(surfaceMap(SURFACE, { title: "Image 7" })));
  const largest = Math.max(...SURFACE.map(({ loss }) => loss));
  for (const map of spec.concat) assertEquals(map.layer[0].encoding.color.scale.domain, [0, largest]);
  assertEquals(spec.concat.map((map: { title: { text: string } }) => map.title.text), ["Natural", "KDIGA"]);
  assertEquals(spec.title.text, "Image 7");
  assertEquals(spec.title.subtitle, "White: the class changes. Black: the ball of radius 8/255.");
});

Deno.test("surfaceMap() refuses what is no grid around one image", () => {
  assertThrows(() => surfaceMap([]), UsageError, "Cannot draw a surface without a row: measure one with lossSurface");
  assertThrows(
    () => surfaceMap([...SURFACE, { ...SURFACE[0]!, image: 8 }]),
    UsageError,
    "Cannot draw image 7 at 8/255 and image 8 at 8/255 in one figure: choose one image and one radius",
  );
  assertThrows(
    () => surfaceMap(SURFACE.slice(1)),
    DataError,
    'Cannot draw the surface of "kdiga" as its 24 points are no grid of 5 by 5: keep all rows of one lossSurface',
  );
});
