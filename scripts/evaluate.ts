/**
 * Evaluates a saved network under attacks.
 *
 * @module
 */
import {
  bracketTable,
  classTable,
  compare,
  createEngine,
  type DdnSpec,
  evaluateModels,
  evaluateWithin,
  type EvaluationRow,
  type FabSpec,
  formatReferenceCard,
  loadWeights,
  type MaskingReport,
  maskingTable,
  MAX_EPS,
  type ModelEvaluation,
  pairedTable,
  parseEps,
  parseEpsList,
  parseEvidence,
  readTextIfExists,
  type SavedModel,
  summarizeClasses,
  tableText,
  UsageError,
  writeFileAtomic,
} from "../mod.ts";
import { attacksOf } from "./_attacks.ts";
import { runCommand } from "./_command.ts";
import { dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, secondsOf } from "./_flags.ts";
import { damagedFiles, follow, type FollowOptions } from "./_follow.ts";
import { IMAGE_FLAGS, imagesOf } from "./_images.ts";
import { loadOptionsOf } from "./_model.ts";
import { MODELS_FLAGS, modelsOf } from "./_models.ts";
import { createProgress } from "./_progress.ts";

/** Flags that make no sense where rows are missing. */
const WHOLE = ["save-images", "export-cards", "per-class", "reference", "merge", "shard", "distances"] as const;

await runCommand({
  name: "evaluate",
  about: `Evaluate networks that were saved with their model cards: accuracy on clean images and under attacks, with one
row of evidence per image. Several networks are compared on the same images, the first with each of the others. Run
again, it goes on where it was stopped. Parts evaluated by --shard 1/2 and 2/2 are one evaluation by the same command
with --merge for each of their folders.`,
  flags: {
    ...MODELS_FLAGS,
    attack: {
      value: "NAMES",
      many: true,
      help:
        "fgsm, pgd-<steps>, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, ddn-l2, square, autoattack; -l2, -l1, -margin, -dlr and " +
        "other settings behind, as in tables; several by commas (default: fgsm,pgd-20)",
    },
    eps: { value: "RADII", help: "in pixel units: 2/255,4/255 or 1/255..8/255 (default: 1/255..8/255)" },
    ...IMAGE_FLAGS,
    batch: { value: "N", help: "images per batch; changes the time it takes, not the rows (default: 100)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    "save-images": {
      value: "DIR",
      help: "write the adversarial images for `deno task verify`",
    },
    "skip-masking": { help: "leave out the checks for masked gradients (at the largest radius, on 100 images)" },
    reference: {
      value: "FILE",
      many: true,
      help: "card of a published network (RobustBench's JSON), shown beside the results",
    },
    "export-cards": { value: "DIR", help: "write such a card of each network, at the largest radius" },
    "per-class": { help: "print a table of every class as well" },
    distances: {
      value: "NAME",
      help: "fab, fab-t, fab-l2 or ddn-l2: also the nearest misclassified image of each, into distances.csv",
    },
    budget: {
      value: "TIME",
      help: "90s, 10m or 2h: the cheap attacks first, and what is known of the worst case when the time is over",
    },
    shard: { value: "I/N", help: "every n-th image from the i-th on, such as 1/3: for several machines, to be merged" },
    merge: { value: "DIR", many: true, help: "folder of a --shard of this evaluation, whose rows are taken over" },
    out: { value: "DIR", help: "folder of the rows (default: runs/evaluation-<methods>-<hash>)" },
  },
  resumable: true,
  main: async ({ flags, json, signal }) => {
    const start = performance.now();
    const budget = flags.budget === undefined ? undefined : secondsOf("--budget", flags.budget);
    const part = (["budget", "shard"] as const).find((name) => flags[name] !== undefined);
    const whole = WHOLE.find((name) => name !== part && flags[name] !== undefined);
    if (part !== undefined && whole !== undefined) {
      throw new UsageError(`Cannot use --${whole} with --${part} as it is for all rows: leave one of them out`);
    }
    const { shard, merge } = flags;
    if (shard !== undefined && !/^[1-9]\d*\/[1-9]\d*$/.test(shard)) {
      throw new UsageError(`Cannot use --shard ${shard}: write a part and the number of parts, such as 1/3`);
    }
    const named = modelsOf("evaluate", flags.model ?? [], flags.method ?? []);
    const loads = await loadOptionsOf(flags, named.map(({ path }) => path));
    const models = named.map((model, i) => ({ ...model, load: loads[i]! }));
    const [{ path: first, load }] = models as [SavedModel];
    const { card } = await loadWeights(first, load);
    const { data, seed, split, n } = imagesOf(flags, card, first);
    const attacks = attacksOf(flags.attack ?? ["fgsm,pgd-20"]);
    const most = Math.max(...attacks.map(({ norm = "Linf" }) => MAX_EPS[norm]));
    const asked: ModelEvaluation = {
      data,
      seed,
      evaluation: {
        split,
        n,
        batchSize: flags.batch === undefined ? 100 : integerOf("--batch", flags.batch),
        attacks,
        eps: parseEpsList(flags.eps ?? "1/255..8/255", most),
        ...(shard === undefined ? {} : { shard }),
      },
    };
    const options = {
      models,
      ...(flags.reference === undefined ? {} : { references: flags.reference }),
      masking: !flags["skip-masking"] && shard === undefined,
      ...(merge === undefined ? {} : { merge }),
      ...(flags.distances === undefined ? {} : { distances: distancesOf(flags.distances) }),
      ...await dataOption(flags.data, data),
      ...(flags.out === undefined ? {} : { out: flags.out }),
      ...(flags["save-images"] === undefined ? {} : { images: flags["save-images"] }),
    };
    const progress = createProgress();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    const names = models.map(({ method }) => method);
    progress.say(
      `evaluate ${names.join(", ")} on ${engine.name}: ${engine.device}${engine.note ? ` (${engine.note})` : ""}`,
    );
    if (shard !== undefined) progress.say("masked gradients are not checked on a part: --merge does");
    if (budget !== undefined) {
      const within = { engine, ...options, isOver: () => performance.now() - start > 1000 * budget };
      return await followWithin(asked, within, { progress, start, json, signal });
    }
    const result = await follow(evaluateModels(asked, { engine, ...options }), { progress, start, json, signal });
    const evidence = parseEvidence(await Deno.readTextFile(`${result.folder}/evidence.csv`)).rows;
    const classes = summarizeClasses(evidence);
    if (flags["export-cards"] !== undefined) await exportCards(flags["export-cards"], models, asked, result.rows);
    const masking = await reportsIn(`${result.folder}/masking.json`);
    const paired = names.slice(1).flatMap((other) => compare(evidence, names[0]!, other));
    if (!json) {
      if (flags["per-class"]) console.log(`\n${tableText(classTable(classes, card.classes))}`);
      for (const report of masking) console.log(`\n${tableText(maskingTable(report.rows, report))}`);
      if (paired.length > 0) console.log(`\n${tableText(pairedTable(paired))}`);
    }
    return { ...result, classes, paired, masking };
  },
});

/** Draws the progress of an evaluation within a budget, and prints what is known at its end. */
async function followWithin(
  asked: ModelEvaluation,
  options: Parameters<typeof evaluateWithin>[1],
  { progress, start, json, signal }: FollowOptions,
): Promise<unknown> {
  const damaged = damagedFiles(progress);
  for await (const event of evaluateWithin(asked, options)) {
    signal.throwIfAborted();
    if (event.kind === "progress") progress.show(event);
    else if (event.kind === "skipped") damaged.tell(event.name, event.images);
    else if (event.kind === "open") progress.say(`${event.resumed ? "going on in" : "writing to"} ${event.folder}`);
    else {
      await progress.end();
      damaged.sum();
      const { folder, rows, isFinished, added, figures, report } = event;
      const seconds = (performance.now() - start) / 1000;
      progress.say(
        isFinished
          ? "every attack that can still lower the worst case was run; without --budget, each attack gets its own rows"
          : `the time is over: run again with a further --budget to go on${
            added === 0 ? " (with more time, as no image was finished in this)" : ""
          }, or without one for all of the rows`,
      );
      progress.say("masked gradients were not checked: run without --budget for that");
      if (!json) {
        console.log(`\n${tableText(bracketTable(rows))}`);
        for (const path of figures) if (path.endsWith(".svg")) console.log(path);
        console.log(report);
        console.log(`\n${folder} (${seconds.toFixed(1)} s)`);
      }
      return { folder, bracket: rows, isFinished, added, figures, report, seconds };
    }
  }
  throw new Error("the evaluation ended without a result");
}

/** An attack without a radius. */
function distancesOf(name: string): FabSpec | DdnSpec {
  const spec = attacksOf([name])[0]!;
  if (spec.kind === "fab" || spec.kind === "ddn") return spec;
  throw new UsageError(`Cannot find distances by ${name} as it needs a radius: write fab, fab-t, fab-l2 or ddn-l2`);
}

/** Writes a card of each network. */
async function exportCards(
  folder: string,
  models: readonly SavedModel[],
  { evaluation, data }: ModelEvaluation,
  rows: readonly EvaluationRow[],
): Promise<void> {
  const eps = evaluation.eps.toSorted((a, b) => parseEps(a, Infinity) - parseEps(b, Infinity)).at(-1)!;
  const norm = evaluation.attacks[0]?.norm ?? "Linf";
  await Deno.mkdir(folder, { recursive: true });
  for (const { method, path, load } of models) {
    const { card } = await loadWeights(path, load);
    const details = { name: method, method, eps, norm, dataset: data.kind, architecture: card.model.kind };
    await writeFileAtomic(`${folder}/${method}.json`, formatReferenceCard(rows, details));
  }
}

/** The checks for masked gradients; none where they were left out. */
async function reportsIn(path: string): Promise<MaskingReport[]> {
  const text = await readTextIfExists(path);
  return text === undefined ? [] : JSON.parse(text);
}
