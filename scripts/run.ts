/**
 * Runs an experiment into its folder.
 *
 * @module
 */
import {
  accuracyTable,
  checkExperiment,
  createEngine,
  type Experiment,
  override,
  PRESETS,
  run,
  runName,
  small,
  tableText,
  UsageError,
} from "../mod.ts";
import { engineOf } from "./_engine.ts";
import { createProgress } from "./_progress.ts";
import { runCommand } from "./_command.ts";

await runCommand({
  name: "run",
  usage: "<preset or file.json>",
  arity: [1, 1],
  about: `Run an experiment: train a teacher and its students, evaluate them, draw the figures. Run again, it goes on
where it was stopped. Presets: ${Object.keys(PRESETS).join(", ")}.`,
  flags: {
    data: { value: "PATH", help: "file or folder of the images, for data that are not drawn by the program" },
    out: { value: "DIR", help: "folder of the run (default: runs/<name>-<hash>)" },
    engine: { value: "NAME", help: "auto, onnxruntime or reference (default: auto)" },
    set: {
      value: "PATH=VALUE",
      many: true,
      help: "replace a value of the experiment: students.kdiga.objective.weight=4",
    },
    small: { help: "smoke size: seconds, to see that everything runs" },
    show: { help: "print the experiment as JSON and stop" },
  },
  main: async ({ args, flags, json }) => {
    let experiment = await load(args[0]!);
    if (flags.small) experiment = small(experiment);
    for (const assignment of flags.set ?? []) experiment = override(experiment, assignment);
    checkExperiment(experiment);
    if (flags.show) {
      if (!json) console.log(JSON.stringify(experiment, null, 2));
      return experiment;
    }
    const progress = createProgress();
    const start = performance.now();
    await using engine = await createEngine(engineOf(flags.engine));
    progress.say(`${await runName(experiment)} on ${engine.name}: ${engine.device}`);
    const options = {
      engine,
      ...(flags.data === undefined ? {} : { data: flags.data }),
      ...(flags.out === undefined ? {} : { out: flags.out }),
    };
    for await (const event of run(experiment, options)) {
      if (event.kind === "progress") progress.show(event);
      else if (event.kind === "open") progress.say(`${event.resumed ? "going on in" : "writing to"} ${event.folder}`);
      else if (event.kind === "trained" && event.seconds > 0) {
        progress.say(`trained ${event.name} in ${event.seconds.toFixed(1)} s`);
      } else if (event.kind === "end") {
        await progress.end();
        const { folder, rows, figures } = event;
        const seconds = (performance.now() - start) / 1000;
        if (!json) {
          console.log(`\n${tableText(accuracyTable(rows))}\n`);
          for (const path of figures) if (!path.endsWith(".vl.json")) console.log(path);
          console.log(`\n${folder} (${seconds.toFixed(1)} s)`);
        }
        return { folder, rows, figures, seconds };
      }
    }
    throw new Error("the run ended without a result");
  },
});

async function load(source: string): Promise<Experiment> {
  if (Object.hasOwn(PRESETS, source)) return PRESETS[source]!;
  const known = `a preset (${Object.keys(PRESETS).join(", ")}) or the path of a JSON file`;
  let text: string;
  try {
    text = await Deno.readTextFile(source);
  } catch {
    throw new UsageError(
      `Cannot run "${source}" as it is neither a preset nor a file that can be read: write ${known}`,
    );
  }
  try {
    return checkExperiment(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new UsageError(`Cannot run "${source}" as it is not JSON: ${error.message}`);
    }
    throw error;
  }
}
