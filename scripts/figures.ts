/**
 * Draws the figures of a run folder again, from its CSV files.
 *
 * @module
 */
import { writeFigures } from "../mod.ts";
import { runCommand } from "./_command.ts";

await runCommand({
  name: "figures",
  usage: "<folder>",
  arity: [1, 1],
  about:
    `Draw all figures of a folder with evaluation.csv, evidence.csv, analysis.csv, steps.csv, ... anew, 8.5 cm wide,
into <folder>/figures. No engine and no data are needed. Files of each figure:
  NAME.svg          for pages and for editing, texts as outlines
  NAME.png          for screens, two pixels per pixel of 1/96 inch
  NAME_300dpi.png   for print
  NAME.pdf          for papers, with real text in the embedded font
  NAME.vl.json      the Vega-Lite specification, its data inside`,
  flags: {},
  main: async ({ args, json }) => {
    const folder = args[0]!.replace(/(?<=.)[\\/]+$/, "");
    const figures = await writeFigures(folder);
    if (!json) { for (const path of figures) console.log(path); }
    return { folder, figures };
  },
});
