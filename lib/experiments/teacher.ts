import { UsageError } from "../core/mod.ts";
import type { TeacherRole } from "../objectives/mod.ts";
import type { Experiment, NetworkExperiment } from "./experiment.ts";
import { PRESETS } from "./presets/mod.ts";

/** A teacher from a file: weights with their model card beside them. */
export interface SavedTeacher {
  /** Path of the safetensors file. */
  readonly checkpoint: string;
  /** SHA-256 of the file, hexadecimal; another file is refused. @default {any file} */
  readonly sha256?: string;
  /** Its name in rows and figures. @default {"teacher", "natural-teacher"} */
  readonly name?: string;
  /** Whether it is evaluated and analysed beside the students. @default {false} */
  readonly evaluate?: boolean;
}

/** A teacher that another experiment trains: its run folder is found by its content, and made first where it is not. */
export interface BorrowedTeacher {
  /** The other experiment, or the name of its preset. */
  readonly experiment: string | Experiment;
  /** The network of it that teaches. */
  readonly network: string;
  /** Its name in rows and figures. @default {"teacher", "natural-teacher"} */
  readonly name?: string;
  /** Whether it is evaluated and analysed beside the students. @default {false} */
  readonly evaluate?: boolean;
}

/** A teacher of an experiment: trained in the same run, taken from a file, or made by another experiment. */
export type TeacherSpec = NetworkExperiment | SavedTeacher | BorrowedTeacher;

/** The teachers that an experiment may have, in the order in which they are trained. */
export const TEACHER_ROLES: readonly TeacherRole[] = ["teacher", "naturalTeacher"];

/** Whether a teacher is trained in the run that it teaches in. */
export function isTrained(teacher: TeacherSpec): teacher is NetworkExperiment {
  return "epochs" in teacher;
}

/** Name of a teacher in rows and figures. */
export function teacherName(role: TeacherRole, { name }: TeacherSpec): string {
  return name ?? (role === "teacher" ? "teacher" : "natural-teacher");
}

/** The networks that an experiment trains, in order: its own teachers, then its students. */
export function networksOf(experiment: Experiment): readonly NetworkExperiment[] {
  const teachers = TEACHER_ROLES.flatMap((role) => experiment[role] ?? []).filter(isTrained);
  return [...teachers, ...experiment.students];
}

/**
 * An experiment with the presets that its teachers are made by written out, so that its hash is of all that it says.
 *
 * @param experiment The experiment.
 * @returns The same where nothing is to be written out.
 * @throws {UsageError} If there is no preset of a name.
 */
export function resolveExperiment(experiment: Experiment): Experiment {
  let resolved = experiment;
  for (const role of TEACHER_ROLES) {
    const teacher = experiment[role];
    if (teacher === undefined || !("experiment" in teacher)) continue;
    const origin = typeof teacher.experiment === "string"
      ? presetOf(teacher.experiment, `${role}.experiment`)
      : teacher.experiment;
    resolved = { ...resolved, [role]: { ...teacher, experiment: resolveExperiment(origin) } };
  }
  return resolved;
}

/** A preset by its name; `path` says where the name stands. */
export function presetOf(name: string, path: string): Experiment {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name]!;
  throw new UsageError(
    `Cannot use the experiment as "${path}" is "${name}": it must be an experiment or the name of a preset, one of ${
      Object.keys(PRESETS).join(", ")
    }`,
  );
}
