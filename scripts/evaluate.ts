/**
 * Evaluates a saved network under attacks.
 *
 * @module
 */
import {
  cardPath,
  CheckpointError,
  classTable,
  compare,
  createEngine,
  type DataSpec,
  evaluateModels,
  type EvaluationRow,
  formatReferenceCard,
  loadWeights,
  type MaskingReport,
  maskingTable,
  MAX_EPS,
  type ModelCard,
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
import { CIFAR10_ARCHIVE, dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, oneOf } from "./_flags.ts";
import { follow } from "./_follow.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "evaluate",
  about: `Evaluate networks that were saved with their model cards: accuracy on clean images and under attacks, with one
row of evidence per image. Several networks are compared on the same images, the first with each of the others. Run
again, it goes on where it was stopped.`,
  flags: {
    model: {
      value: "FILE",
      many: true,
      help: "weights, such as runs/<run>/checkpoints/kdiga.safetensors (needed; several times to compare)",
    },
    method: {
      value: "NAME",
      many: true,
      help: "name of the network in rows and figures, of each --model in turn (default: that of its file)",
    },
    attack: {
      value: "NAMES",
      many: true,
      help:
        "fgsm, pgd-<steps>, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, ddn-l2, square, autoattack; -l2, -l1, -margin, -dlr and " +
        "other settings behind, as in tables; several by commas (default: fgsm,pgd-20)",
    },
    eps: { value: "RADII", help: "in pixel units: 2/255,4/255 or 1/255..8/255 (default: 1/255..8/255)" },
    n: { value: "N", help: "first images of the split (default: 1000, or all where there are fewer)" },
    split: { value: "NAME", help: "test or validation (default: test)" },
    dataset: { value: "NAME", help: "cifar10 or shapes (default: the data that the network was trained on)" },
    data: { value: "PATH", help: `file or folder of CIFAR-10 (default: ${CIFAR10_ARCHIVE}, where it is)` },
    seed: { value: "N", help: "names the random starts, and the images of --dataset (default: that of the training)" },
    batch: { value: "N", help: "images per batch; changes the time it takes, not the rows (default: 100)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    "save-images": {
      value: "DIR",
      help: "write the adversarial images for `deno task verify`; runs the attacks a second time",
    },
    "skip-masking": { help: "leave out the checks for masked gradients (at the largest radius, on 100 images)" },
    reference: {
      value: "FILE",
      many: true,
      help: "card of a published network (RobustBench's JSON), shown beside the results",
    },
    "export-cards": { value: "DIR", help: "write such a card of each network, at the largest radius" },
    "per-class": { help: "print a table of every class as well" },
    out: { value: "DIR", help: "folder of the rows (default: runs/evaluation-<methods>-<hash>)" },
  },
  resumable: true,
  main: async ({ flags, json, signal }) => {
    const models = modelsOf(flags.model ?? [], flags.method ?? []);
    const first = models[0]!.path;
    const { card } = await loadWeights(first);
    const split = oneOf("--split", flags.split ?? "test", ["test", "validation"]);
    const count = flags.n === undefined ? undefined : integerOf("--n", flags.n);
    const seed = flags.seed === undefined ? seedOf(card) : integerOf("--seed", flags.seed, 0);
    const data = flags.dataset === undefined
      ? trainedOn(card, first)
      : dataNamed(oneOf("--dataset", flags.dataset, ["cifar10", "shapes"]), card, seed, split, count ?? 1000);
    const attacks = attacksOf(flags.attack ?? ["fgsm,pgd-20"]);
    const most = Math.max(...attacks.map(({ norm = "Linf" }) => MAX_EPS[norm]));
    const asked: ModelEvaluation = {
      data,
      seed,
      evaluation: {
        split,
        n: count ?? Math.min(1000, sizeOf(data, split)),
        batchSize: flags.batch === undefined ? 100 : integerOf("--batch", flags.batch),
        attacks,
        eps: parseEpsList(flags.eps ?? "1/255..8/255", most),
      },
    };
    const options = {
      models,
      ...(flags.reference === undefined ? {} : { references: flags.reference }),
      masking: !flags["skip-masking"],
      ...await dataOption(flags.data, data),
      ...(flags.out === undefined ? {} : { out: flags.out }),
      ...(flags["save-images"] === undefined ? {} : { images: flags["save-images"] }),
    };
    const progress = createProgress();
    const start = performance.now();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    const names = models.map(({ method }) => method);
    progress.say(
      `evaluate ${names.join(", ")} on ${engine.name}: ${engine.device}${engine.note ? ` (${engine.note})` : ""}`,
    );
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
  for (const { method, path } of models) {
    const { card } = await loadWeights(path);
    const details = { name: method, method, eps, norm, dataset: data.kind, architecture: card.model.kind };
    await writeFileAtomic(`${folder}/${method}.json`, formatReferenceCard(rows, details));
  }
}

/** The checks for masked gradients; none where they were left out. */
async function reportsIn(path: string): Promise<MaskingReport[]> {
  const text = await readTextIfExists(path);
  return text === undefined ? [] : JSON.parse(text);
}

/** The networks of the flags. */
function modelsOf(paths: readonly string[], methods: readonly string[]): SavedModel[] {
  if (paths.length === 0) throw new UsageError("Cannot evaluate without a network: write --model FILE");
  if (methods.length > 0 && methods.length !== paths.length) {
    throw new UsageError(
      `Cannot name ${paths.length} networks by ${methods.length} names: write --method once for each --model, or never`,
    );
  }
  return paths.map((path, i) => ({ method: methods[i] ?? nameOf(path), path }));
}

/** Seed of the training, as the card has it. */
function seedOf({ provenance }: ModelCard): number {
  return typeof provenance.seed === "number" ? provenance.seed : 1;
}

/** Data of the training, as the card has them. */
function trainedOn({ provenance }: ModelCard, path: string): DataSpec {
  const { data } = provenance;
  if (data === undefined || typeof data !== "object" || data === null) {
    throw new UsageError(
      `Cannot tell the data of "${path}" as its card "${cardPath(path)}" has no provenance.data: ` +
        "write --dataset cifar10 or --dataset shapes",
    );
  }
  const { kind } = data as { readonly kind?: unknown };
  if (kind !== "cifar10" && kind !== "shapes") {
    throw new CheckpointError(
      `Cannot use the card "${cardPath(path)}" as its provenance.data.kind is ${JSON.stringify(kind)} where ` +
        '"cifar10" or "shapes" was expected: write --dataset NAME',
    );
  }
  return data as DataSpec;
}

/** Data by name: as many drawn images as are needed, validation images set aside by the seed. */
function dataNamed(
  kind: DataSpec["kind"],
  { inputShape }: ModelCard,
  seed: number,
  split: "test" | "validation",
  n: number,
): DataSpec {
  const validation = split === "validation" ? { validation: n } : {};
  if (kind === "cifar10") return { kind, seed, ...validation };
  return { kind, seed, train: n + 1, test: n, size: inputShape[0], ...validation };
}

/** Images of a split. */
function sizeOf(data: DataSpec, split: "test" | "validation"): number {
  const [train, test] = data.kind === "shapes"
    ? [data.train, data.test]
    : [data.trainCount ?? 50_000, data.testCount ?? 10_000];
  const { validation = 0 } = data;
  return split === "test" ? test : validation < 1 ? Math.round(validation * train) : validation;
}

/** Name of a weights file in rows: "runs/a/checkpoints/KD_1.safetensors" is "kd-1". */
function nameOf(path: string): string {
  const file = path.split(/[\\/]/).at(-1)!.replace(/\.safetensors$/, "");
  return file.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-").replace(/^[^a-z0-9]+/, "");
}
