/**
 * Writes the page of a run folder.
 *
 * @module
 */
import { reportRun } from "../mod.ts";
import { runCommand } from "./_command.ts";

await runCommand({
  name: "report",
  usage: "<folder>",
  arity: [1, 1],
  about:
    `Write the page of a run folder: what was found, figures, tables, checks for masked gradients, adversarial images
(of <folder>/images), costs, settings and what made it, in one HTML file that needs no network. No engine and no data
are needed.`,
  flags: {
    out: { value: "FILE", help: "path of the page (default: report.html in the folder)" },
  },
  main: async ({ args, flags, json }) => {
    const folder = args[0]!.replace(/(?<=.)[\\/]+$/, "");
    const report = await reportRun(folder, flags.out === undefined ? {} : { out: flags.out });
    if (!json) console.log(report);
    return { folder, report, bytes: (await Deno.stat(report)).size };
  },
});
