/**
 * Checks objectives against PyTorch: one whole training step from the same weights, images and attacked images.
 *
 * @module
 */
import { createEngine, tableText, UsageError } from "../mod.ts";
import { NEEDS } from "./_check_torch.ts";
import { runCommand } from "./_command.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { oneOf } from "./_flags.ts";
import {
  checkStep,
  COMPARED,
  FULL,
  SMALL,
  startObjectivePeer,
  STEP_BOUNDS,
  type StepRow,
  stepTable,
  stepVerdict,
} from "./_objective_peer.ts";
import { createProgress } from "./_progress.ts";

const THREADS = Math.max(1, navigator.hardwareConcurrency);

await runCommand({
  name: "objective-peer",
  about:
    `Check objectives against PyTorch: one whole training step of a ResNet-18 in training mode, from the same weights,
images, attacked images and labels. The other side writes every loss from its equation, in float64; compared are terms,
the gradient by every parameter, the parameters after one step of SGD, and batch norm's running statistics.`,
  flags: {
    python: { value: "PYTHON", help: "a Python with torch (needed)" },
    method: {
      value: "NAMES",
      many: true,
      help: `several by commas (default: all): ${Object.keys(COMPARED).join(", ")}`,
    },
    small: { help: "a tiny network" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
  },
  main: async ({ flags, json }) => {
    if (flags.python === undefined) throw new UsageError(`Cannot check without --python: ${NEEDS}`);
    const methods = (flags.method ?? Object.keys(COMPARED)).flatMap((flag) => flag.split(",")).map((name) =>
      oneOf("--method", name.trim(), Object.keys(COMPARED))
    );
    const progress = createProgress();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    await using peer = await startObjectivePeer(flags.python, THREADS);
    const { version, threads } = peer.hello;
    const setting = flags.small ? SMALL : FULL;
    const who = `${engine.name}, ${engine.device}; PyTorch ${version}, ${threads} threads; ${setting.images} images`;
    progress.say(who);
    const folder = await Deno.makeTempDir({ prefix: "kdiga-" });
    const rows: StepRow[] = [];
    const verdicts: Record<string, ReturnType<typeof stepVerdict>> = {};
    try {
      for (const method of methods) {
        const found: StepRow[] = [];
        for (const activation of ["relu", "softplus"] as const) {
          const row = await checkStep(engine, peer, method, COMPARED[method]!, setting, activation, folder);
          found.push(row);
          progress.say(
            `${method}, ${activation}: terms ${row.termError.toExponential(1)}, gradient ${
              row.gradient.toExponential(1)
            } (${row.worst}), statistics ${row.buffers.toExponential(1)}`,
          );
        }
        rows.push(...found);
        verdicts[method] = stepVerdict(found[0]!, found[1]!);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    await progress.end();
    const failed = Object.values(verdicts).filter((verdict) => verdict === "broken").length;
    if (failed > 0) Deno.exitCode = 1;
    if (!json) {
      console.log(`\n${who}\n\n${tableText(stepTable(rows))}\n`);
      for (const [method, verdict] of Object.entries(verdicts)) {
        if (verdict === "kinks") {
          console.log(`${method}: the gradient misses its bound with ReLU alone, where rounding decides at kinks`);
        }
        if (verdict === "broken") console.log(`${method}: a bound is broken`);
      }
      console.log(`${methods.length} checked, ${failed} broken`);
    }
    return { who, bounds: STEP_BOUNDS, verdicts, rows };
  },
});
