/**
 * Verifies saved adversarial images against a network.
 *
 * @module
 */
import {
  createEngine,
  DataError,
  disposeTree,
  freeze,
  loadImages,
  loadWeights,
  putTree,
  tableText,
  UsageError,
  type VerificationRow,
  verificationTable,
  verifyImages,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf } from "./_flags.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "verify",
  usage: "<files or folders>",
  arity: [1, Infinity],
  about:
    `Verify adversarial images that \`deno task evaluate --save-images DIR\` wrote: each must lie in its ball and in
the pixel box, and fool the network where the evidence says so; as float32, and rounded to 8 bits inside the ball.
Against other weights it is a transfer evaluation. Exit status 1 where a claim does not hold.`,
  flags: {
    model: { value: "FILE", help: "weights of the network to ask (needed)" },
    batch: { value: "N", help: "images per batch (default: 100)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
  },
  main: async ({ args, flags, json }) => {
    if (flags.model === undefined) throw new UsageError("Cannot verify without a network: write --model FILE");
    const batchSize = flags.batch === undefined ? 100 : integerOf("--batch", flags.batch);
    const paths = (await Promise.all(args.map(filesOf))).flat();
    const { model, weights, card } = await loadWeights(flags.model);
    const progress = createProgress();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    progress.say(`verify on ${engine.name}: ${engine.device}`);
    const classifier = freeze(model, putTree(engine, weights));
    const rows: VerificationRow[] = [];
    try {
      for (const path of paths) {
        progress.show({ label: "verify", done: rows.length, total: paths.length });
        const images = await loadImages(path);
        const transfer = images.weights !== card.sha256;
        rows.push(await verifyImages(engine, classifier, images, { transfer, batchSize }));
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
