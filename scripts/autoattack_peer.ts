/**
 * Attacks a saved network with our attacks and with the official AutoAttack code, and compares.
 *
 * @module
 */
import {
  createEngine,
  disposeTree,
  freeze,
  loadData,
  loadWeights,
  MAX_EPS,
  parseEps,
  putTree,
  subset,
  tableText,
  UsageError,
} from "../mod.ts";
import {
  ALONE,
  type AttackOfVersion,
  compareAttack,
  correctImages,
  ENSEMBLES,
  NEEDS,
  ownAttacks,
  type PeerRow,
  peerRow,
  peerTable,
  startOfficialCode,
  type Target,
} from "./_autoattack_peer.ts";
import { runCommand } from "./_command.ts";
import { dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, oneOf } from "./_flags.ts";
import { damagedFiles } from "./_follow.ts";
import { IMAGE_FLAGS, imagesOf } from "./_images.ts";
import { loadOptionsOf, MODEL_FLAGS } from "./_model.ts";
import { createProgress } from "./_progress.ts";

const THREADS = Math.max(1, navigator.hardwareConcurrency);
const NAMES = [...Object.keys(ENSEMBLES), ...Object.keys(ALONE)] as (keyof typeof ENSEMBLES | AttackOfVersion)[];

await runCommand({
  name: "autoattack-peer",
  about: `Attack one network on the same images with our attacks and with the official AutoAttack code in PyTorch, in
turn, and compare robust accuracies, the images that stand, and times. Both start from the images that are classified
correctly; in an ensemble each goes on with what its own attacks have left.`,
  flags: {
    model: { value: "FILE", help: "weights (needed)" },
    ...MODEL_FLAGS,
    python: { value: "PYTHON", help: "a Python with torch and numpy (needed)" },
    autoattack: { value: "DIR", help: "a copy of the official code, the folder that holds autoattack/ (needed)" },
    network: {
      value: "FILE.py",
      help: "defines network(), the torch module of the weights (default: that of the card, where its kind is known)",
    },
    attack: { value: "NAMES", many: true, help: `${NAMES.join(", ")}; several by commas (default: autoattack)` },
    norm: { value: "NAME", help: "Linf, L2 or L1 (default: Linf)" },
    eps: { value: "RADIUS", help: "in pixel units (default: 8/255)" },
    ...IMAGE_FLAGS,
    batch: { value: "N", help: "images per batch of ours (default: 100)" },
    "peer-batch": { value: "N", help: "images per batch of the official code (default: 250, as in it)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
  },
  main: async ({ flags, json }) => {
    const needed = (["model", "python", "autoattack"] as const).find((flag) => flags[flag] === undefined);
    if (needed !== undefined) throw new UsageError(`Cannot compare without --${needed}: give --model FILE; ${NEEDS}`);
    const names = (flags.attack ?? ["autoattack"]).flatMap((flag) => flag.split(",")).map((name) =>
      oneOf("--attack", name.trim(), NAMES)
    );
    const norm = oneOf("--norm", flags.norm ?? "Linf", ["Linf", "L2", "L1"]);
    const eps = flags.eps ?? "8/255";
    const [options = {}] = await loadOptionsOf(flags, [flags.model!]);
    const loaded = await loadWeights(flags.model!, options);
    const { model, weights, card } = loaded;
    const { data, seed, split, n } = imagesOf(flags, card, flags.model!);
    const { data: path } = await dataOption(flags.data, data);
    const progress = createProgress();
    const damaged = damagedFiles(progress);
    const all = (await loadData(data, {
      ...(path === undefined ? {} : { path }),
      uses: { train: false, validation: 0, test: 0, [split]: n },
      onSkipped: (image, name) => damaged.tell(name, [image]),
    }))[split];
    if (all.ids.length < n) {
      throw new UsageError(`Cannot attack ${n} images as "${all.name}" has ${all.ids.length}: lower --n`);
    }
    const target: Target = {
      images: subset(all, Uint32Array.from({ length: n }, (_, i) => i)),
      norm,
      eps: parseEps(eps, MAX_EPS[norm]),
      seed,
      batch: Math.min(n, integerOf("--batch", flags.batch ?? "100")),
      peerBatch: integerOf("--peer-batch", flags["peer-batch"] ?? "250"),
    };
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    const network = { path: flags.model!, loaded, file: flags.network };
    await using official = await startOfficialCode(
      flags.python!,
      flags.autoattack!,
      network,
      target,
      THREADS,
      progress.say,
    );
    const who = `${engine.name}, ${engine.device}, batches of ${target.batch}; PyTorch ${official.version}, ` +
      `${official.format}, ${THREADS} threads, batches of ${target.peerBatch}`;
    progress.say(`attack ${n} images: ${who}`);
    const classifier = freeze(model, putTree(engine, weights));
    const rows: PeerRow[] = [];
    try {
      const correct = await correctImages(engine, classifier, target);
      if (correct.join() !== official.correct.join()) {
        throw new UsageError(
          `Cannot compare as ${correct.length} images are classified correctly here and ${official.correct.length} ` +
            "in PyTorch, or others: the network in PyTorch is not that of the weights",
        );
      }
      const ours = ownAttacks(engine, classifier, target, progress.show);
      for (const name of names) {
        for await (const found of compareAttack(name, norm, correct, [ours, official.run])) {
          const row = peerRow(found.attack, eps, n, found.ours, found.theirs);
          rows.push(row);
          progress.say(
            `${row.attack}: ${row.both + row.onlyOurs} and ${row.both + row.onlyPeer} of ${n} stand, ` +
              `${row.seconds.toFixed(1)} and ${row.peerSeconds.toFixed(1)} s`,
          );
        }
      }
      await progress.end();
      if (!json) console.log(`\n${who}\nClean: ${correct.length} of ${n}.\n\n${tableText(peerTable(rows))}`);
      return { model: flags.model, images: all.name, clean: correct.length, who, rows };
    } finally {
      disposeTree(classifier.weights);
    }
  },
});
