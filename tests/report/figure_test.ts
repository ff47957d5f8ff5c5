import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import {
  COLUMN_WIDTH,
  type FigureKind,
  FIGURES,
  type FigureTypes,
  renderPdf,
  renderPng,
  renderSvg,
  type TopLevelSpec,
} from "../../lib/report/mod.ts";
import {
  ANALYSIS,
  BRACKET,
  CERTIFIED,
  CLASSES,
  CONVERGENCE,
  EPOCHS,
  EVALUATION,
  EVIDENCE,
  RELIABILITY,
  REPORTED,
  shuffled,
  STAGES,
  STEPS,
  SURFACE,
  WEIGHTS,
} from "./_rows.ts";
import { assertGolden, viewsOf } from "./_spec.ts";

/** Rows and options of each kind for these tests; a kind without them does not compile. */
const EXAMPLES: {
  readonly [K in FigureKind]: {
    readonly rows: readonly FigureTypes[K]["row"][];
    readonly options: FigureTypes[K]["options"];
  };
} = {
  "robustness-curve": { rows: EVALUATION, options: { attack: "pgd-20" } },
  "robustness-bars": { rows: EVALUATION, options: { eps: "8/255", title: "Three methods" } },
  "weight-sweep": { rows: WEIGHTS, options: {} },
  "class-robustness": { rows: CLASSES, options: { classes: ["airplane", "bird", "cat"] } },
  "break-matrix": { rows: EVIDENCE, options: {} },
  "first-breaks": { rows: STAGES, options: {} },
  "certified-bracket": { rows: CERTIFIED, options: {} },
  "reported-measured": { rows: REPORTED, options: {} },
  "trade-off": { rows: EVALUATION, options: { eps: "4/255", interval: "t interval over 3 seeds" } },
  "training-curves": { rows: STEPS, options: { points: 4 } },
  "analysis-curve": { rows: ANALYSIS, options: { quantity: "gradient-gap" } },
  "bracket-curve": { rows: BRACKET, options: { title: "Within ten minutes" } },
  "epoch-curves": { rows: EPOCHS, options: {} },
  "theory-check": { rows: EPOCHS, options: {} },
  "reliability-diagram": { rows: RELIABILITY, options: {} },
  "convergence-fan": { rows: CONVERGENCE, options: { title: "On 200 images" } },
  "surface-map": { rows: SURFACE, options: {} },
};

function draw<K extends FigureKind>(
  kind: K,
  reorder: <R>(rows: readonly R[]) => readonly R[] = (x) => x,
): TopLevelSpec {
  const { rows, options } = EXAMPLES[kind];
  return FIGURES[kind](reorder(rows), options);
}

for (const kind of Object.keys(FIGURES) as FigureKind[]) {
  Deno.test(`FIGURES["${kind}"] gives the specification of its golden file`, async () => {
    await assertGolden(kind.replaceAll("-", "_"), draw(kind));
  });

  Deno.test(`FIGURES["${kind}"] does not depend on the order of the rows`, () => {
    assertEquals(JSON.stringify(draw(kind, shuffled)), JSON.stringify(draw(kind)));
  });

  Deno.test(`FIGURES["${kind}"] leaves its rows as they were`, () => {
    const before = structuredClone(EXAMPLES[kind].rows);
    draw(kind);
    assertEquals(EXAMPLES[kind].rows, before);
  });

  Deno.test(`FIGURES["${kind}"] names no field that its data lack`, () => {
    const views = viewsOf(draw(kind));
    assertGreater(views.length, 0);
    for (const { rows, fields } of views) {
      assertGreater(rows.length, 0);
      for (const row of rows) for (const field of fields) assert(Object.hasOwn(row, field), `${field} is missing`);
    }
  });

  Deno.test(`FIGURES["${kind}"] draws without a warning, 8.5 cm wide, the same each time`, async () => {
    const svg = await renderSvg(draw(kind));
    assertMatch(svg, new RegExp(`^<svg [^>]*width="${COLUMN_WIDTH}" `));
    assertEquals(await renderSvg(draw(kind)), svg);
    assertEquals([...(await renderPng(draw(kind))).subarray(1, 4)], [0x50, 0x4e, 0x47]);
    assertGreater((await renderPdf(draw(kind))).length, 5000); // nothing that a PDF does not draw
  });
}
