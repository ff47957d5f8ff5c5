/**
 * Checks networks against PyTorch: logits, input gradients, and gradients of the KDIGA loss.
 *
 * @module
 */
import { createEngine, describeModel, tableText, UsageError } from "../mod.ts";
import {
  BOUNDS,
  checkNetwork,
  type CheckRow,
  checkTable,
  type MissingRow,
  NEEDS,
  smoothed,
  startTorch,
  type Verdict,
  verdictOf,
} from "./_check_torch.ts";
import { FAMILIES, type Family, type Member } from "./_check_torch_families.ts";
import { openKept } from "./_check_torch_kept.ts";
import { runCommand } from "./_command.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, oneOf } from "./_flags.ts";
import { createProgress } from "./_progress.ts";

const THREADS = Math.max(1, navigator.hardwareConcurrency);
const NAMES = FAMILIES.map(({ name }) => name);

const MEANING: { readonly [V in Exclude<Verdict, "ok">]: string } = {
  kinks: "gradients miss a bound with ReLU alone, where rounding decides on which side of a kink a unit is; with " +
    "softplus in its place all bounds are kept",
  broken: "a bound is broken",
};

await runCommand({
  name: "check:torch",
  about: `Check every kind of network, at full size and with random weights that are written as safetensors and read by
PyTorch: logits, input gradients of the cross-entropy, and the gradient of the KDIGA loss by every parameter, which is of
second order. The other side is torchvision or timm, or the definitions of scripts/_peer_networks.py, in float64.`,
  flags: {
    python: { value: "PYTHON", help: "a Python with torch, and torchvision and timm for their networks (needed)" },
    family: { value: "NAMES", many: true, help: `several by commas (default: all): ${NAMES.join(", ")}` },
    images: { value: "N", help: "images (default: 2, of the largest networks 1)" },
    small: { help: "tiny networks of every kind" },
    out: { value: "FILE", help: "JSON file of what was found: run again, it goes on with what is not in it or broken" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
  },
  resumable: true,
  main: async ({ flags, json, signal }) => {
    if (flags.python === undefined) throw new UsageError(`Cannot check without --python: ${NEEDS}`);
    const names = (flags.family ?? NAMES).flatMap((flag) => flag.split(",")).map((name) =>
      oneOf("--family", name.trim(), NAMES)
    );
    const images = flags.images === undefined ? undefined : integerOf("--images", flags.images);
    const size = flags.small ? "small" : "full";
    const imagesOf = (family: Family) => images ?? (flags.small ? 2 : family.images);
    const progress = createProgress();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    await using peer = await startTorch(flags.python, THREADS);
    const { version, threads } = peer.hello;
    const who = `${engine.name}, ${engine.device}; PyTorch ${version}, ${threads} threads`;
    progress.say(who);
    const kept = await openKept(flags.out, `${who}; ${size} size`);
    const rows: CheckRow[] = [];
    const missing: MissingRow[] = [];
    const verdicts: Record<string, Verdict> = {};
    const families = FAMILIES.filter(({ name }) => names.includes(name));
    const todo = families.filter((family) => kept.of(family.name, imagesOf(family)) === undefined);
    const folder = await Deno.makeTempDir({ prefix: "kdiga-" });
    let done = 0;
    const total = todo.reduce((sum, family) => sum + workOf(family, size, imagesOf(family)), 0);
    try {
      for (const family of families) {
        signal.throwIfAborted();
        const before = kept.of(family.name, imagesOf(family));
        if (before !== undefined) {
          rows.push(...before.rows);
          verdicts[family.name] = before.verdict;
          progress.say(`${family.name}: ${before.verdict}, kept`);
          continue;
        }
        progress.show({ label: "check", done, total, detail: family.name });
        const found: CheckRow[] = [];
        for (const member of membersOf(family, size)) {
          const row = await checkNetwork(engine, peer, family, member, imagesOf(family), folder);
          if ("missing" in row) {
            missing.push(row);
            progress.say(`${row.family}: not checked, as ${row.missing} is not installed`);
            break;
          }
          found.push(row);
          progress.say(describe(row));
        }
        done += workOf(family, size, imagesOf(family));
        progress.show({ label: "check", done, total });
        const [row, other] = found;
        if (row === undefined) continue;
        rows.push(...found);
        verdicts[family.name] = verdictOf(row, other);
        await kept.add({ family: family.name, verdict: verdicts[family.name]!, rows: found });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    await progress.end();
    const failed = Object.values(verdicts).filter((verdict) => verdict === "broken").length;
    if (failed > 0) Deno.exitCode = 1;
    if (!json) {
      console.log(`\n${who}\n\n${tableText(checkTable(rows))}\n`);
      for (const { family, missing: name } of missing) {
        console.log(`${family}: not checked, as ${name} is not installed`);
      }
      for (const { family, activation, missed } of rows.filter(({ missed }) => missed.length > 0)) {
        console.log(
          `${family}, ${activation}: ${missed.length + 1} draws of images, as rounding decides near ties of ` +
            `max-pooling; those before missed in ${missed.join(", ")}`,
        );
      }
      for (const [name, verdict] of Object.entries(verdicts)) {
        if (verdict !== "ok") console.log(`${name}: ${MEANING[verdict]}`);
      }
      console.log(`${Object.keys(verdicts).length} checked, ${failed} broken, ${missing.length} not checked`);
    }
    return { who, bounds: BOUNDS, verdicts, rows, missing };
  },
});

/** The network, and with softplus where it has kinks. */
function membersOf(family: Family, size: "full" | "small"): readonly Member[] {
  const smooth = smoothed(family[size]);
  return smooth === undefined ? [family[size]] : [family[size], smooth];
}

/** Multiply-accumulates of all forward passes of a family, which the time goes with. */
function workOf(family: Family, size: "full" | "small", images: number): number {
  const { spec, shape } = family[size];
  return describeModel(spec, shape).macs * images * membersOf(family, size).length;
}

function describe({ family, activation, logits, inputGradient, parameterGradients, seconds, peerSeconds }: CheckRow) {
  const gradients = parameterGradients.map(({ mode, error, worst }) => `${mode} ${error.toExponential(1)} (${worst})`);
  return `${family}, ${activation}: logits ${logits.toExponential(1)}, input gradient ${
    inputGradient.toExponential(1)
  }, KDIGA gradient ${gradients.join(", ")}; ${seconds.toFixed(1)} and ${peerSeconds.toFixed(1)} s`;
}
