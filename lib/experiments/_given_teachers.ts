import { ChecksumError } from "../core/mod.ts";
import { cardPath, type LoadedWeights, loadWeights } from "../models/mod.ts";
import type { TeacherRole } from "../objectives/mod.ts";
import { exists } from "./_files.ts";
import type { Experiment } from "./experiment.ts";
import { isFinished, type TeacherOrigin } from "./manifest.ts";
import type { RunEvent, RunOptions } from "./run.ts";
import { runName } from "./run_folder.ts";
import { type BorrowedTeacher, isTrained, networksOf, type SavedTeacher, TEACHER_ROLES } from "./teacher.ts";
import { selectedName } from "./watch.ts";

/** A teacher that is not trained in the run that it teaches in. */
export interface GivenTeacher {
  readonly loaded: LoadedWeights;
  readonly origin: TeacherOrigin;
}

/**
 * Loads the teachers of an experiment that come from elsewhere; an experiment that makes one is run first.
 *
 * @param experiment The experiment.
 * @param options Of its run.
 * @param run What runs another experiment.
 */
export async function* givenTeachers(
  experiment: Experiment,
  options: RunOptions,
  run: (experiment: Experiment, options: RunOptions) => AsyncGenerator<RunEvent, void, void>,
): AsyncGenerator<RunEvent, ReadonlyMap<TeacherRole, GivenTeacher>, void> {
  const given = new Map<TeacherRole, GivenTeacher>();
  for (const role of TEACHER_ROLES) {
    const spec = experiment[role];
    if (spec === undefined || isTrained(spec)) continue;
    given.set(role, "checkpoint" in spec ? await saved(spec) : yield* borrowed(spec, experiment, options, run));
  }
  return given;
}

async function saved({ checkpoint, sha256 }: SavedTeacher): Promise<GivenTeacher> {
  const loaded = await loadWeights(checkpoint);
  if (sha256 !== undefined && loaded.card.sha256 !== sha256) {
    const advice = "take that file, or write this one's SHA-256";
    throw new ChecksumError(checkpoint, sha256, loaded.card.sha256, advice);
  }
  return { loaded, origin: { run: null, path: checkpoint, sha256: loaded.card.sha256 } };
}

async function* borrowed(
  { experiment, network }: BorrowedTeacher,
  { data: { kind } }: Experiment,
  { data, out: _, runs = "runs", ...options }: RunOptions,
  run: (experiment: Experiment, options: RunOptions) => AsyncGenerator<RunEvent, void, void>,
): AsyncGenerator<RunEvent, GivenTeacher, void> {
  if (typeof experiment === "string") throw new TypeError(`the preset "${experiment}" is not written out`);
  const name = await runName(experiment);
  const folder = `${runs}/${name}`;
  const chosen = networksOf(experiment).find(({ name }) => name === network);
  const path = `${folder}/checkpoints/${chosen === undefined ? network : selectedName(chosen)}.safetensors`;
  if (!await isFinished(folder) || !await exists(cardPath(path))) {
    const same = data === undefined || experiment.data.kind !== kind ? {} : { data };
    for await (const event of run(experiment, { ...options, ...same, runs })) if (event.kind !== "end") yield event;
  }
  const loaded = await loadWeights(path);
  return { loaded, origin: { run: name, path, sha256: loaded.card.sha256 } };
}
