/**
 * Runs an experiment into its folder.
 *
 * @module
 */
import {
  checkExperiment,
  createEngine,
  type Experiment,
  override,
  PRESETS,
  resolveExperiment,
  run,
  runName,
  small,
  UsageError,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { CIFAR10_ARCHIVE, dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf } from "./_flags.ts";
import { follow } from "./_follow.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "run",
  usage: "<preset or file.json>",
  arity: [1, 1],
  about: `Run an experiment: train a teacher and its students, evaluate them, draw the figures. Run again, it goes on
where it was stopped. Presets: ${Object.keys(PRESETS).join(", ")}.`,
  flags: {
    data: {
      value: "PATH",
      help: `file or folder of the images (default for CIFAR-10: ${CIFAR10_ARCHIVE}, where it is)`,
    },
    out: { value: "DIR", help: "folder of the run (default: <runs>/<name>-<hash>)" },
    runs: { value: "DIR", help: "where runs lie, those that make a teacher for this one too (default: runs)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    set: {
      value: "PATH=VALUE",
      many: true,
      help: "replace a value of the experiment: students.kdiga.objective.weight=4",
    },
    "checkpoint-every": {
      value: "N",
      help: "training steps between checkpoints: how much a kill can cost (default: 100)",
    },
    small: { help: "smoke size: seconds, to see that everything runs" },
    show: { help: "print the experiment as JSON and stop" },
  },
  resumable: true,
  main: async ({ args, flags, json, signal }) => {
    let experiment = await load(args[0]!);
    if (flags.small) experiment = small(experiment);
    experiment = resolveExperiment(experiment);
    for (const assignment of flags.set ?? []) experiment = override(experiment, assignment);
    checkExperiment(experiment);
    if (flags.show) {
      if (!json) console.log(JSON.stringify(experiment, null, 2));
      return experiment;
    }
    const checkpointEvery = flags["checkpoint-every"];
    const options = {
      ...await dataOption(flags.data, experiment.data),
      ...(flags.out === undefined ? {} : { out: flags.out }),
      ...(flags.runs === undefined ? {} : { runs: flags.runs }),
      ...(checkpointEvery === undefined ? {} : { checkpointEvery: integerOf("--checkpoint-every", checkpointEvery) }),
    };
    const progress = createProgress();
    const start = performance.now();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    progress.say(
      `${await runName(experiment)} on ${engine.name}: ${engine.device}${engine.note ? ` (${engine.note})` : ""}`,
    );
    return await follow(run(experiment, { engine, ...options }), { progress, start, json, signal });
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
