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
  about: `Draw all figures of a folder with evaluation.csv, analysis.csv or steps.csv anew, as Vega-Lite, SVG and PNG in
<folder>/figures. No engine and no data are needed.`,
  flags: {},
  main: async ({ args, json }) => {
    const folder = args[0]!.replace(/(?<=.)[\\/]+$/, "");
    const figures = await writeFigures(folder);
    if (!json) { for (const path of figures) console.log(path); }
    return { folder, figures };
  },
});
