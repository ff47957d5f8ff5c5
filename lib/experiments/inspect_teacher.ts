import {
  formatReliability,
  formatTeacher,
  type ReliabilityRow,
  rng,
  type TeacherRow,
  UsageError,
  writeFileAtomic,
} from "../core/mod.ts";
import { type DataSpec, type LoadedData, subset } from "../data/mod.ts";
import { disposeTree, type Engine, putTree } from "../engine/mod.ts";
import { checkShapes, inspect, type InspectOptions } from "../evaluation/mod.ts";
import { type Classifier, createModel, freeze } from "../models/mod.ts";
import { SCREEN_ENDINGS, writeFigures, writeReport } from "../report/mod.ts";
import { train } from "../training/mod.ts";
import { checkNames } from "./_check_names.ts";
import { evaluationSet } from "./_evaluated.ts";
import { loaded as loadedData } from "./_loaded.ts";
import { openModels } from "./_open_models.ts";
import type { SavedModel } from "./evaluate_models.ts";
import type { EvaluationSpec } from "./experiment.ts";
import type { RunEndEvent, RunEvent } from "./run.ts";

/** An inspection of a teacher. Plain JSON. */
export interface TeacherInspection {
  /** Images. */
  readonly data: DataSpec;
  /** Names the random starts. */
  readonly seed: number;
  /** Split, attacks and radius: the first one of `eps`. */
  readonly inspection: Pick<EvaluationSpec, "split" | "n" | "batchSize" | "attacks"> & { readonly eps: string };
  /**
   * Whether a small network is taught by the teacher for a short while, to make images on: a stand-in for students that
   * are not there yet.
   * @default {false}
   */
  readonly surrogate?: boolean;
}

/** Which teacher is inspected, and where. */
export interface InspectTeacherOptions {
  /** What computes. */
  readonly engine: Engine;
  /** The teacher. */
  readonly teacher: SavedModel;
  /** Students whose adversarial images the teacher is asked about. @default {none} */
  readonly students?: readonly SavedModel[];
  /** Where data lie that are not drawn by the program. */
  readonly data?: string;
  /** Folder of the rows. @default {"runs/inspection-<names>-<hash>"} */
  readonly out?: string;
}

/** What {@linkcode inspectTeacher} tells while it works. */
export type InspectTeacherEvent = Exclude<RunEvent, { readonly kind: "end" }> | RunEndEvent<TeacherRow>;

/** Name of the small network in rows. */
const SURROGATE = "surrogate";
const SURROGATE_IMAGES = 5000;

/**
 * Inspects a saved teacher before distillation ({@linkcode inspect}) into a folder: `teacher.csv`, `reliability.csv` (the
 * bins of its calibration), figures and a page.
 *
 * @param asked What to inspect on.
 * @param options Engine, networks, data and folder.
 * @returns Events as those of {@linkcode run}.
 * @throws {UsageError} If what is asked cannot be used.
 * @throws {DataError} If data are missing or damaged, or do not fit a network.
 * @throws {CheckpointError} If weights or their card cannot be read.
 * @throws {ChecksumError} If weights are not those of their card.
 * @throws {ExperimentError} If the folder is of another inspection, or the split is too small.
 */
export async function* inspectTeacher(
  asked: TeacherInspection,
  { engine, teacher, students = [], data: path, out }: InspectTeacherOptions,
): AsyncGenerator<InspectTeacherEvent, void, void> {
  const { data: spec, seed, inspection, surrogate = false } = asked;
  const saved = [teacher, ...students];
  checkNames([...saved.map(({ method }) => method), ...(surrogate ? [SURROGATE] : [])], "inspect");
  if (surrogate && spec.kind === "cifar10c") {
    throw new UsageError('Cannot train a surrogate on "cifar10c" as it has test images alone: give a --student');
  }
  const opened = yield* openModels({
    engine,
    models: saved,
    noun: "inspection",
    data: spec,
    path,
    seed,
    images: [inspection],
    choose: (data, loaded) => {
      const split = evaluationSet(inspection, data, "inspection");
      for (const [method, { model }] of loaded) checkShapes(method, model, split);
      return split;
    },
    asked,
    out,
  });
  const { folder, manifest, split, classifiers } = opened;
  const others = new Map([...classifiers].filter(([method]) => method !== teacher.method));
  let small: Classifier | undefined;
  const start = performance.now();
  try {
    if (surrogate) {
      const { data } = yield* loadedData(spec, path, { train: true, images: [] });
      small = yield* taught(engine, classifiers.get(teacher.method)!, data, seed);
      others.set(SURROGATE, small);
    }
    const options: InspectOptions = {
      method: teacher.method,
      teacher: classifiers.get(teacher.method)!,
      students: others,
      dataset: split,
      attacks: inspection.attacks,
      eps: inspection.eps,
      seed,
      batchSize: inspection.batchSize,
    };
    let found: { readonly rows: readonly TeacherRow[]; readonly bins: readonly ReliabilityRow[] } | undefined;
    for await (const event of inspect(engine, options)) {
      if (event.kind === "progress") yield event;
      else found = event;
    }
    const { rows, bins } = found!;
    await writeFileAtomic(folder.file("teacher.csv"), formatTeacher(rows));
    await writeFileAtomic(folder.file("reliability.csv"), formatReliability(bins));
    await manifest.spent(`inspect ${teacher.method}`, (performance.now() - start) / 1000);
    const figures = await writeFigures(folder.path, SCREEN_ENDINGS);
    const report = await writeReport(folder.path);
    await manifest.finish();
    yield { kind: "end", folder: folder.path, rows, figures, report };
  } finally {
    if (small !== undefined) disposeTree(small.weights);
    opened.dispose();
  }
}

/** A small network that the teacher has taught for two epochs, on the first of the training images. */
async function* taught(
  engine: Engine,
  teacher: Classifier,
  { train: all }: LoadedData,
  seed: number,
): AsyncGenerator<Extract<RunEvent, { readonly kind: "progress" }>, Classifier, void> {
  const images = Math.min(all.ids.length, SURROGATE_IMAGES);
  const dataset = "images" in all ? subset(all, Array.from({ length: images }, (_, i) => i)) : all;
  const model = createModel({ kind: "cnn", width: 16 }, { classes: all.classes.length, inputShape: all.imageShape });
  for await (
    const event of train(engine, {
      name: SURROGATE,
      model,
      objective: { kind: "kd", alpha: 0.5, temperature: 1 },
      optimizer: { kind: "sgd", momentum: 0.9 },
      schedule: { kind: "oneCycle", peak: 0.1 },
      epochs: 2,
      batchSize: Math.min(64, images),
      seed: rng(seed, SURROGATE).seed,
      dataset,
      teacher,
    })
  ) {
    if (event.kind === "step") {
      yield { kind: "progress", label: `train ${SURROGATE}`, done: event.done, total: event.total };
    } else if (event.kind === "end") return freeze(model, putTree(engine, event.weights));
  }
  throw new Error("training of the surrogate ended without its weights");
}
