/**
 * Verifies saved adversarial images against a network.
 *
 * @module
 */
import {
  createEngine,
  DATA_KINDS,
  DataError,
  type Dataset,
  type DataSpec,
  disposeTree,
  freeze,
  type ImageFile,
  loadData,
  type LoadedData,
  loadImages,
  loadWeights,
  type ModelCard,
  putTree,
  tableText,
  UsageError,
  type VerificationRow,
  verificationTable,
  verifyImages,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { CIFAR10_ARCHIVE, dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, oneOf } from "./_flags.ts";
import { damagedFiles } from "./_follow.ts";
import { loadOptionsOf, MODEL_FLAGS } from "./_model.ts";
import { createProgress } from "./_progress.ts";

/** Data sets that files may be said to be from. */
const NAMED = ["cifar10", "cifar100"] as const;

await runCommand({
  name: "verify",
  usage: "<files or folders>",
  arity: [1, Infinity],
  about:
    `Verify adversarial images that \`deno task evaluate --save-images DIR\` wrote: each must lie in its ball and in
the pixel box, and fool the network where the evidence says so; as float32, and rounded to 8 bits inside the ball. The
originals are compared with the data set that the files, --dataset or the network's card name, where it is at hand.
Against other weights it is a transfer evaluation. Exit status 1 where a claim does not hold.`,
  flags: {
    model: { value: "FILE", help: "weights of the network to ask (needed)" },
    ...MODEL_FLAGS,
    data: { value: "PATH", help: `file or folder of the data set (default: ${CIFAR10_ARCHIVE}, where it is)` },
    dataset: { value: "NAME", help: "cifar10 or cifar100, for files that do not say where their originals are from" },
    batch: { value: "N", help: "images per batch (default: 100)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
  },
  main: async ({ args, flags, json }) => {
    if (flags.model === undefined) throw new UsageError("Cannot verify without a network: write --model FILE");
    const batchSize = flags.batch === undefined ? 100 : integerOf("--batch", flags.batch);
    if (flags.dataset !== undefined) oneOf("--dataset", flags.dataset, NAMED);
    const paths = (await Promise.all(args.map(filesOf))).flat();
    const [load] = await loadOptionsOf(flags, [flags.model]);
    const { model, weights, card } = await loadWeights(flags.model, load);
    const progress = createProgress();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    progress.say(`verify on ${engine.name}: ${engine.device}`);
    const originalsOf = originals({ ...flags, card, say: progress.say });
    const classifier = freeze(model, putTree(engine, weights));
    const rows: VerificationRow[] = [];
    try {
      for (const path of paths) {
        progress.show({ label: "verify", done: rows.length, total: paths.length });
        const images = await loadImages(path);
        const transfer = images.weights !== card.sha256;
        const compared = await originalsOf(images);
        const options = { transfer, batchSize, ...(compared === undefined ? {} : { originals: compared }) };
        rows.push(await verifyImages(engine, classifier, images, options));
      }
    } finally {
      disposeTree(classifier.weights);
    }
    await progress.end();
    if (!json) console.log(`\n${tableText(verificationTable(rows))}`);
    const broken = rows.flatMap(({ method, attack, eps, claims }) =>
      claims.map((claim) => `${method} under ${attack} at ${eps}: ${claim}`)
    );
    if (broken.length > 0) {
      const more = broken.length === 1 ? "" : ` (and ${broken.length - 1} more, listed with --json)`;
      progress.say(`a claim does not hold: ${broken[0]}${more}`);
      Deno.exitCode = 1;
    }
    return { model: flags.model, rows };
  },
});

/** Finds the data set of a file's originals: that of --dataset, of the file, or of the card; loads each once. */
function originals(
  { data: path, dataset, card, say }: {
    readonly data?: string;
    readonly dataset?: string;
    readonly card: ModelCard;
    readonly say: (text: string) => void;
  },
): (images: ImageFile) => Promise<Dataset | undefined> {
  const loaded = new Map<string, LoadedData | undefined>();
  const damaged = damagedFiles({ say });
  return async ({ data, split = "test" }) => {
    const spec = dataset === undefined ? data ?? dataOf(card) : dataNamed(oneOf("--dataset", dataset, NAMED), card);
    const key = JSON.stringify(spec ?? null);
    if (!loaded.has(key)) {
      const where: { readonly data?: string } = spec === undefined ? {} : await dataOption(path, spec);
      const isAsked = path !== undefined || dataset !== undefined;
      const isAtHand = spec?.kind === "shapes" || spec !== undefined && (isAsked || where.data !== undefined);
      if (!isAtHand) say("originals are not compared with their data set: write --dataset cifar10 --data PATH");
      loaded.set(
        key,
        isAtHand
          ? await loadData(spec, {
            ...(where.data === undefined ? {} : { path: where.data }),
            uses: { train: false, validation: Infinity, test: Infinity },
            onSkipped: (image, name) => damaged.tell(name, [image]),
          })
          : undefined,
      );
    }
    return loaded.get(key)?.[split];
  };
}

/** A whole data set; of CIFAR-100, the labels that the network has. */
function dataNamed(kind: (typeof NAMED)[number], { classes }: ModelCard): DataSpec {
  return kind === "cifar100" && classes.length === 20 ? { kind, seed: 0, labels: "coarse" } : { kind, seed: 0 };
}

/** Data of the training, where the card has them. */
function dataOf({ provenance: { data } }: ModelCard): DataSpec | undefined {
  const kind = (data as { readonly kind?: unknown } | null | undefined)?.kind;
  return DATA_KINDS.some((known) => known === kind) ? data as DataSpec : undefined;
}

/** A file, or the files of images in a folder. */
async function filesOf(path: string): Promise<string[]> {
  const { isDirectory } = await Deno.stat(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(`Cannot verify "${path}" as there is no such file or folder: check the path`);
  });
  if (!isDirectory) return [path];
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
  const files = names.filter((name) => name.endsWith(".safetensors")).map((name) => `${path}/${name}`);
  if (files.length === 0) {
    throw new DataError(
      `Cannot verify "${path}" as it has no .safetensors file: write some by \`deno task evaluate --save-images DIR\``,
    );
  }
  return files;
}
