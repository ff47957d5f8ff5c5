import { UsageError } from "../core/mod.ts";
import { objectiveOf, type TeacherRole } from "../objectives/mod.ts";
import { checkExperiment, type Experiment, type NetworkExperiment } from "./experiment.ts";
import { override } from "./override.ts";
import { type Check, integer, list, object, optional, text } from "./schema.ts";
import { isTrained, presetOf, resolveExperiment, TEACHER_ROLES, type TeacherSpec } from "./teacher.ts";

/** Every combination of some values, seeds and methods: a run each. */
export interface SweepGrid {
  /** Seeds. @default {that of the base} */
  readonly seeds?: readonly number[];
  /** Names of students, each trained in a run of its own. @default {one run of all students} */
  readonly methods?: readonly string[];
  /** Values by the path of what they replace, as `override()` reads it: {"students.kdiga.objective.weight": [1, 4]}. */
  readonly values?: Readonly<Record<string, readonly unknown[]>>;
}

/** Many runs of one experiment with some of its values replaced, which share one teacher. Plain JSON. */
export interface Sweep {
  /** First part of the names of its runs, lower case. */
  readonly name: string;
  /** What is varied, or the name of its preset. */
  readonly base: string | Experiment;
  /** Runs one by one: the overrides of each, as `override()` reads them. @default {none} */
  readonly runs?: readonly (readonly string[])[];
  /** Runs by combination; the sweep has those of every grid. @default {none} */
  readonly grids?: readonly SweepGrid[];
}

/** One run of a sweep. */
export interface SweepRun {
  /** The experiment; its teachers are borrowed. */
  readonly experiment: Experiment;
  /** Names of the networks whose rows the sweep takes from it. */
  readonly methods: readonly string[];
}

/** What a sweep comes to. */
export interface SweepPlan {
  /** Runs that make the teachers, each once, to be finished first. */
  readonly origins: readonly SweepRun[];
  /** The other runs, in the order of their declaration. */
  readonly runs: readonly SweepRun[];
}

const sweep: Check = object<Sweep>({
  name: text(/^[a-z0-9][a-z0-9.-]*$/, "a name of lower-case letters, digits, dots and hyphens"),
  base: (value) => {
    if (typeof value === "string") presetOf(value, "base");
    else checkExperiment(value);
  },
  runs: optional(list(list(text()))),
  grids: optional(list(object<SweepGrid>({
    seeds: optional(list(integer(0))),
    methods: optional(list(text())),
    values: optional((value, path) => {
      for (const [key, values] of Object.entries(value ?? {})) list(() => {})(values, `${path}.${key}`);
    }),
  }))),
});

/**
 * Checks what came from JSON, every run of it too.
 *
 * @param value What was parsed.
 * @returns The same value, as a sweep.
 * @throws {UsageError} If it cannot be used; the message says what and where.
 */
export function checkSweep(value: unknown): Sweep {
  sweep(value, "");
  expandSweep(value as Sweep);
  return value as Sweep;
}

/**
 * The runs of a sweep. A pure function.
 *
 * Each is named after the sweep, its method where it has one, the values that it replaces and its seed:
 * "study-kdiga-weight-4-s1". Where a value other than the seed is replaced, the students concerned are renamed likewise
 * ("kdiga-weight-4"), so that rows of different experiments have different names. A teacher that the base trains becomes
 * an experiment of its own with the base's seed, which the runs borrow it from.
 *
 * @param sweep The sweep.
 * @param change Applied to each run before its teacher is set apart, such as `small`. @default {nothing}
 * @returns Its runs, all checked.
 * @throws {UsageError} If an override leads nowhere, a method is no student, or two runs are the same.
 */
export function expandSweep(
  sweep: Sweep,
  change: (experiment: Experiment) => Experiment = (experiment) => experiment,
): SweepPlan {
  const base = resolveExperiment(typeof sweep.base === "string" ? presetOf(sweep.base, "base") : sweep.base);
  const declared = [
    ...(sweep.runs ?? []).map((overrides) => ({ overrides, method: undefined })),
    ...(sweep.grids ?? []).flatMap((grid) => combinations(grid, base)),
  ];
  const origins = new Map<string, SweepRun>();
  const runs = declared.map(({ overrides, method }): SweepRun => {
    const made = varied(sweep.name, base, overrides, method);
    const changed = { ...change(made), name: made.name };
    const experiment = checkExperiment(borrowing(sweep.name, changed, base.seed, origins));
    return { experiment, methods: experiment.students.map((student) => student.name) };
  });
  const names = runs.map(({ experiment }) => experiment.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new UsageError(`Cannot use the sweep as two of its runs are "${twice}": leave one of them out`);
  }
  if (runs.length === 0) throw new UsageError('Cannot use the sweep as it has no runs: write "runs" or "grids"');
  return { origins: [...origins.values()], runs };
}

/** Overrides of each combination of a grid. */
function combinations(
  { seeds, methods, values = {} }: SweepGrid,
  base: Experiment,
): { readonly overrides: readonly string[]; readonly method: string | undefined }[] {
  const lists = Object.entries(values).map(([path, list]) => list.map((value) => `${path}=${JSON.stringify(value)}`));
  const products = lists.reduce<string[][]>(
    (made, list) => made.flatMap((some) => list.map((one) => [...some, one])),
    [[]],
  );
  return (methods ?? [undefined]).flatMap((method) =>
    products.flatMap((some) => (seeds ?? [base.seed]).map((seed) => ({ overrides: [...some, `seed=${seed}`], method })))
  );
}

/** The base with some values replaced, of one method where one is named. */
function varied(
  name: string,
  base: Experiment,
  overrides: readonly string[],
  method: string | undefined,
): Experiment {
  const known = base.students.map((student) => student.name);
  if (method !== undefined && !known.includes(method)) {
    throw new UsageError(
      `Cannot use the method "${method}" as the base has no such student: it has ${known.join(", ")}`,
    );
  }
  const made = overrides.reduce(override, base);
  const labels = overrides.flatMap((assignment): Label[] => {
    const [path = ""] = assignment.split("=", 1);
    const keys = path.split(".");
    if (path === "seed" || path === "name" || keys.at(-1) === "name") return [];
    const of = keys[0] === "students" ? known[Number(keys[1])] ?? keys[1] : TEACHER_ROLES.find((it) => it === keys[0]);
    return [{ of, text: labelOf(keys.at(-1)!, assignment.slice(path.length + 1)) }];
  });
  // What changes a teacher changes those that it teaches.
  const isTeacher = (of: string | undefined) => TEACHER_ROLES.some((role) => role === of);
  const renamed = (network: NetworkExperiment, key: string): NetworkExperiment => {
    const own = labels.filter(({ of }) => of === undefined || of === key || isTeacher(of) && !isTeacher(key));
    return { ...network, name: [network.name, ...own.map(({ text }) => text)].join("-") };
  };
  const { teacher, naturalTeacher } = made;
  return {
    ...made,
    name: [name, ...method === undefined ? [] : [method], ...labels.map(({ text }) => text), `s${made.seed}`].join("-"),
    ...(teacher !== undefined && isTrained(teacher) ? { teacher: renamed(teacher, "teacher") } : {}),
    ...(naturalTeacher !== undefined && isTrained(naturalTeacher)
      ? { naturalTeacher: renamed(naturalTeacher, "naturalTeacher") }
      : {}),
    students: made.students.flatMap((student, i) => {
      const own = known[i] ?? student.name;
      return method === undefined || own === method ? [renamed(student, own)] : [];
    }),
  };
}

/** What is said of networks that an override changes: one of them, or, where `of` is undefined, all. */
interface Label {
  readonly of: string | undefined;
  readonly text: string;
}

/** "weight-4" of a key and a value. */
function labelOf(key: string, value: string): string {
  return `${key}-${value}`.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-").replace(/-$/, "");
}

/** The experiment with its own teachers in experiments of their own, which are added to those that are there. */
function borrowing(name: string, experiment: Experiment, seed: number, origins: Map<string, SweepRun>): Experiment {
  const { teacher: _, naturalTeacher: __, ...rest } = experiment;
  const { data, evaluation, analysis } = experiment;
  const teachers: { [K in TeacherRole]?: TeacherSpec } = {};
  for (const role of TEACHER_ROLES.filter((role) => isUsed(role, experiment))) {
    const spec = experiment[role]!;
    const given = isTrained(spec)
      ? {
        experiment: {
          name: `${name}-${spec.name}`,
          seed,
          data,
          teacher: spec,
          students: [],
          evaluation,
          ...(analysis === undefined ? {} : { analysis }),
        },
        network: spec.name,
      }
      : spec;
    teachers[role] = given;
    if (!("experiment" in given) || typeof given.experiment === "string") continue;
    origins.set(JSON.stringify([given.experiment, given.network]), {
      experiment: given.experiment,
      methods: [given.network],
    });
  }
  return { ...rest, ...teachers };
}

/** Whether a run has a use for a teacher: a student needs it, or is compared with it. */
function isUsed(role: TeacherRole, experiment: Experiment): boolean {
  if (experiment[role] === undefined) return false;
  return role === "teacher" && experiment.analysis !== undefined ||
    experiment.students.some(({ objective }) => objectiveOf(objective).needs(objective).includes(role));
}
