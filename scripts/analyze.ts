/**
 * Makes the paper's analysis of saved networks.
 *
 * @module
 */
import {
  type AnalysisRow,
  analysisTable,
  analyzeModels,
  attackName,
  type AttackSpec,
  createEngine,
  loadWeights,
  LOCAL_LINEARITY,
  type LocalLinearitySpec,
  MAX_EPS,
  type ModelAnalysis,
  parseEps,
  parseEpsList,
  RELEASED_LOCAL_LINEARITY,
  type SavedModel,
  UsageError,
} from "../mod.ts";
import { attacksOf } from "./_attacks.ts";
import { runCommand } from "./_command.ts";
import { dataOption } from "./_data.ts";
import { DEVICE_FLAG, deviceOf, engineOf } from "./_engine.ts";
import { integerOf, oneOf } from "./_flags.ts";
import { followTo } from "./_follow.ts";
import { IMAGE_FLAGS, imagesOf } from "./_images.ts";
import { loadOptionsOf } from "./_model.ts";
import { MODELS_FLAGS, modelsOf, nameOf } from "./_models.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "analyze",
  about: `Analyse networks that were saved with their model cards, as the paper does: how far the loss is from linear
around images (local linearity), and at adversarial images the cross-entropy, the length of the input gradient, and its
distance and cosine to the teacher's. Means over images and figures over the radius, with one row per image and radius.
Run again, it goes on where it was stopped.`,
  flags: {
    ...MODELS_FLAGS,
    teacher: {
      value: "FILE",
      help: "weights of the teacher, analysed too; without one there is no distance and no cosine",
    },
    eps: { value: "RADII", help: "in pixel units: 0,8/255 or 0..8/255 (default: 0..8/255)" },
    ...IMAGE_FLAGS,
    attack: {
      value: "NAME",
      help:
        "makes the images that losses and gradients are taken at, as in evaluate; -l2 behind for L2 (default: pgd-10)",
    },
    linearity: {
      value: "NAME",
      help:
        "absolute (20 steps of eps/4 from 2 random starts, the largest error counts) or released-code (signed error, " +
        "1 start, 50 steps of 0.1, the last iterate counts) (default: absolute)",
    },
    steps: { value: "N", help: "steps of that search" },
    starts: { value: "N", help: "random starts of that search" },
    batch: { value: "N", help: "images per batch; changes the time it takes, not the rows (default: 100)" },
    engine: { value: "NAME", help: "auto, tensorflow, onnxruntime or reference (default: auto)" },
    device: DEVICE_FLAG,
    out: { value: "DIR", help: "folder of the rows (default: runs/analysis-<methods>-<hash>)" },
  },
  resumable: true,
  main: async ({ flags, json, signal }) => {
    const named = modelsOf("analyse", flags.model ?? [], flags.method ?? []);
    const teachers = flags.teacher === undefined ? [] : [{ method: nameOf(flags.teacher), path: flags.teacher }];
    const all = [...named, ...teachers];
    const loads = await loadOptionsOf(flags, all.map(({ path }) => path));
    const models: readonly SavedModel[] = all.map((model, i) => ({ ...model, load: loads[i]! }));
    const [{ path: first, load }] = models as [SavedModel];
    const { card } = await loadWeights(first, load);
    const { data, seed, split, n } = imagesOf(flags, card, first);
    const attack = attackOf(flags.attack ?? "pgd-10");
    const { norm = "Linf" } = attack;
    if (norm === "L1") {
      throw new UsageError(`Cannot analyse under ${attackName(attack)}: local linearity is measured in Linf and L2`);
    }
    const searches: Readonly<Record<string, LocalLinearitySpec>> = {
      "absolute": { ...LOCAL_LINEARITY, norm },
      "released-code": RELEASED_LOCAL_LINEARITY,
    };
    const linearity: LocalLinearitySpec = {
      ...searches[oneOf("--linearity", flags.linearity ?? "absolute", Object.keys(searches))]!,
      ...(flags.steps === undefined ? {} : { steps: integerOf("--steps", flags.steps) }),
      ...(flags.starts === undefined ? {} : { starts: integerOf("--starts", flags.starts) }),
    };
    const asked: ModelAnalysis = {
      data,
      seed,
      analysis: {
        split,
        n,
        batchSize: flags.batch === undefined ? 100 : integerOf("--batch", flags.batch),
        eps: parseEpsList(flags.eps ?? "0..8/255", MAX_EPS[norm]),
        attack,
        linearity,
      },
    };
    const options = {
      models: models.slice(0, named.length),
      ...(flags.teacher === undefined ? {} : { teacher: models.at(-1)! }),
      ...await dataOption(flags.data, data),
      ...(flags.out === undefined ? {} : { out: flags.out }),
    };
    const progress = createProgress();
    const start = performance.now();
    await using engine = await createEngine(engineOf(flags.engine), { device: deviceOf(flags.device) });
    const names = named.map(({ method }) => method);
    progress.say(
      `analyse ${names.join(", ")} on ${engine.name}: ${engine.device}${engine.note ? ` (${engine.note})` : ""}`,
    );
    return await followTo(analyzeModels(asked, { engine, ...options }), { progress, start, json, signal }, (rows) => {
      const table = analysisTable(rows, { eps: [largest(rows)] });
      return { ...table, caption: `${table.caption}\n${textOf(linearity)}; images by ${attackName(attack)}.` };
    });
  },
});

/** The one attack of a flag. */
function attackOf(flag: string): AttackSpec {
  const [attack, ...more] = attacksOf([flag]);
  if (attack === undefined || more.length > 0) {
    throw new UsageError(`Cannot analyse under the attacks "${flag}": write one, such as pgd-10`);
  }
  return attack;
}

/** How local linearity was measured, in words. */
function textOf({ norm, steps, stepSize, relativeStepSize, starts, signed, keep }: LocalLinearitySpec): string {
  const step = stepSize === undefined ? `${relativeStepSize} eps` : String(stepSize);
  return `Local linearity: ${signed ? "signed" : "absolute"} error, ${keep} iterate of projected gradient ascent in ` +
    `${norm}, ${steps} steps of ${step}, ${starts} random start${starts === 1 ? "" : "s"}`;
}

function largest(rows: readonly AnalysisRow[]): string {
  return rows.map(({ eps }) => eps).sort((a, b) => parseEps(b, Infinity) - parseEps(a, Infinity))[0]!;
}
