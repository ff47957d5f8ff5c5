/**
 * Checks bounds of margins against auto_LiRPA: the same networks, balls and methods on both sides.
 *
 * @module
 */
import { createEngine, tableText, UsageError } from "../mod.ts";
import { BOUNDS_TOLERANCE, type BoundsRow, boundsTable, boundsVerdict, CASES, checkBounds } from "./_bounds_peer.ts";
import { NEEDS, startBoundsPeer } from "./_bounds_peer.ts";
import { runCommand } from "./_command.ts";
import { engineOf } from "./_engine.ts";
import { createProgress } from "./_progress.ts";

const THREADS = Math.max(1, navigator.hardwareConcurrency);

await runCommand({
  name: "bounds-peer",
  about:
    `Check lower bounds of margins against auto_LiRPA, in float64: IBP, CROWN-IBP and CROWN with adaptive slopes, of
small networks in balls of both norms, from the same weights and images.`,
  flags: {
    python: { value: "PYTHON", help: "a Python with torch (needed)" },
    "auto-lirpa": { value: "FOLDER", help: "a folder with auto_LiRPA, where the Python does not have it" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
  },
  main: async ({ flags, json }) => {
    if (flags.python === undefined) throw new UsageError(`Cannot check without --python: ${NEEDS}`);
    const progress = createProgress();
    await using engine = await createEngine(engineOf(flags.engine));
    await using peer = await startBoundsPeer(flags.python, THREADS, flags["auto-lirpa"]);
    const { version, lirpa } = peer.hello;
    const who = `${engine.name}, ${engine.device}; auto_LiRPA ${lirpa}, PyTorch ${version}`;
    progress.say(who);
    const folder = await Deno.makeTempDir({ prefix: "kdiga-" });
    const rows: BoundsRow[] = [];
    try {
      for (const name of Object.keys(CASES)) {
        const row = await checkBounds(engine, peer, name, folder);
        rows.push(row);
        progress.say(`${name}: ${boundsVerdict(row)}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    await progress.end();
    const failed = rows.filter((row) => boundsVerdict(row) === "broken").length;
    if (failed > 0) Deno.exitCode = 1;
    if (!json) {
      console.log(`\n${who}\n\n${tableText(boundsTable(rows))}\n`);
      console.log(`${rows.length} checked, ${failed} broken`);
    }
    return { who, bounds: BOUNDS_TOLERANCE, rows };
  },
});
