import { float32, type NdArray, rng } from "../core/mod.ts";
import { createEngine, type Engine, readTree, type Tensor } from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import type { PerturbContext } from "./objective.ts";
import { type AnyObjective, objectiveOf } from "./spec.ts";
import {
  firstState,
  INPUTS,
  largest,
  lossesAt,
  noiseOf,
  SHAPE,
  take,
  termGradients,
  termsAt,
  type Tiny,
  type TinyInputs,
  tinyLogits,
} from "./_tiny_problem.ts";

/** What is asked of an objective. */
export type ObjectiveQuestion =
  /** Its terms are those that it names, in their order. */
  | "names"
  /** What it carries to the next step has the names and shapes of what it began with, and is finite. */
  | "state"
  /** It asks the networks as often as it says, inner attack included. */
  | "passes"
  /** What it perturbs has the shape of the images, is finite, and the same again for the same stream. */
  | "perturb"
  /** A term is finite. */
  | "finite"
  /** A term is the same, bit by bit, at the same weights and images. */
  | "determinism"
  /** A term alone moves the student's weights. */
  | "student"
  /** A term has no gradient by a teacher's weights. */
  | "teacher"
  /** A term's gradient by the student's weights is its slope, measured by central differences. */
  | "derivative"
  /** A term does not depend on the order of the images. */
  | "order"
  /** A term is a mean: it does not change where every image comes twice. */
  | "doubling"
  /** A term takes probabilities for labels: certain ones are the classes. */
  | "labels"
  /** A term that compares the networks is 0, without a gradient, where they are equal. */
  | "equality";

/** One answer. */
export interface ObjectiveCheck {
  /** What was asked. */
  readonly question: ObjectiveQuestion;
  /** The term; empty where it is asked of all of them. */
  readonly term: string;
  /** Whether it holds. */
  readonly ok: boolean;
  /** What was found, in words. */
  readonly found: string;
}

/** Options of {@linkcode checkObjective}. */
export interface CheckObjectiveOptions {
  /**
   * Where the terms are computed. "passes" and "perturb" are asked on the reference engine alone, which runs what it is
   * given at every call.
   * @default {the reference engine}
   */
  readonly engine?: Engine;
  /** Terms that compare student and teacher, for "equality". @default {none} */
  readonly comparing?: readonly string[];
  /** By what a term is multiplied where every image comes twice. @default {1, of every term} */
  readonly doubling?: Readonly<Record<string, number>>;
}

/**
 * Asks an objective whether it keeps the contract of all objectives, on a smooth network of three layers with 4 images:
 * what the tests of this library ask of each of its own. A term that aligns gradients is differentiated twice in
 * "derivative", so that a detached gradient, which shows in no loss curve, is found here.
 *
 * Central differences: h = 1e-2 along three directions of length 1 in the space of the student's weights; a slope may be
 * off by 1e-3 of itself and 3e-5 (less for terms of small gradients), which float32 needs.
 *
 * @param objective The objective, or a spec.
 * @param options Engine, and what is particular to its terms.
 * @returns An answer per question and term; the objective keeps the contract where every one is `ok`.
 * @throws {UsageError} If the objective refuses its own constants.
 *
 * @example Usage
 * ```ts
 * import { checkObjective, type OwnObjective } from "@kdiga/kdiga";
 *
 * async function brokenIn(mine: OwnObjective) {
 *   return (await checkObjective(mine)).filter(({ ok }) => !ok);
 * }
 * ```
 */
export async function checkObjective(
  objective: AnyObjective,
  options: CheckObjectiveOptions = {},
): Promise<ObjectiveCheck[]> {
  if (options.engine !== undefined) return await answers(options.engine, objective, options);
  await using engine = await createEngine("reference");
  return await answers(engine, objective, options);
}

async function answers(
  engine: Engine,
  spec: AnyObjective,
  { comparing = [], doubling = {} }: CheckObjectiveOptions,
): Promise<ObjectiveCheck[]> {
  const objective = objectiveOf(spec);
  const found: ObjectiveCheck[] = [];
  const tell = (question: ObjectiveQuestion, term: string, ok: boolean, words: string) =>
    found.push({ question, term, ok, found: words });

  const { terms, state } = await lossesAt(engine, spec, INPUTS);
  const names = Object.keys(terms);
  const said = [...objective.termNames(spec)];
  tell("names", "", names.join() === said.join(), `${names.join(", ")} where it says ${said.join(", ")}`);
  tell("state", "", isCarried(firstState(spec), state), `${Object.keys(state).join(", ") || "nothing"} is carried`);
  if (engine.name === "reference") { for (const answer of await asked(engine, spec)) tell(...answer); }

  const at = (changed: Partial<TinyInputs>) => termsAt(engine, spec, { ...INPUTS, ...changed });
  const again = await at({});
  const permuted = await at(take(INPUTS, [2, 0, 3, 1]));
  const doubled = await at(take(INPUTS, [0, 1, 2, 3, 0, 1, 2, 3]));
  const certain = await at({ y: oneHot(INPUTS.y) });
  const equal = { ...INPUTS, teacher: INPUTS.student, naturalTeacher: INPUTS.student, xAdv: INPUTS.x };
  const alike = comparing.length === 0 ? {} : await termsAt(engine, spec, equal);
  const h = 1e-2;
  const slopes: { readonly toward: Tiny<NdArray>; readonly slope: Readonly<Record<string, number>> }[] = [];
  for (const name of ["a", "b", "c"]) {
    const toward = directionOf(name);
    const [below, above] = [
      await at({ student: moved(toward, -h) }),
      await at({ student: moved(toward, h) }),
    ];
    const slope = Object.fromEntries(names.map((term) => [term, (above[term]! - below[term]!) / (2 * h)]));
    slopes.push({ toward, slope });
  }

  for (const term of names) {
    const value = terms[term]!;
    const size = Math.max(1, Math.abs(value));
    const near = (other: number, tolerance: number) => Math.abs(other - value) <= tolerance;
    tell("finite", term, Number.isFinite(value), digits(value));
    tell("determinism", term, Object.is(again[term], value), `${digits(again[term]!)} after ${digits(value)}`);
    const { student, teacher, naturalTeacher } = await termGradients(engine, spec, term, INPUTS);
    const moves = largest(student);
    tell("student", term, moves > 1e-4, `largest derivative by a weight ${digits(moves)}`);
    const leak = Math.max(largest(teacher), largest(naturalTeacher));
    tell("teacher", term, leak === 0, `largest derivative by a teacher's weight ${digits(leak)}`);
    const pairs = slopes.map(({ toward, slope }) => ({ traced: dot(student, toward), measured: slope[term]! }));
    const excess = ({ traced, measured }: typeof pairs[number]) =>
      Math.abs(traced - measured) / (1e-3 * Math.abs(measured) + 3e-5 * Math.min(1, 10 * moves));
    const worst = pairs.reduce((a, b) => excess(b) > excess(a) ? b : a);
    tell("derivative", term, excess(worst) <= 1, `${digits(worst.traced)} where ${digits(worst.measured)} is measured`);
    tell("order", term, near(permuted[term]!, 1e-6 * size), `${digits(permuted[term]!)} after ${digits(value)}`);
    const twice = doubled[term]! / (doubling[term] ?? 1);
    tell("doubling", term, near(twice, 1e-5), `${digits(doubled[term]!)} after ${digits(value)}`);
    tell("labels", term, near(certain[term]!, 1e-6 * size), `${digits(certain[term]!)} after ${digits(value)}`);
    if (!comparing.includes(term)) continue;
    const left = largest((await termGradients(engine, spec, term, equal)).student);
    // A divergence's gradient is p_S - p_T, 0 up to rounding.
    const none = Math.abs(alike[term]!) <= 1e-6 && left < 2e-6;
    tell("equality", term, none, `${digits(alike[term]!)}, largest derivative by a weight ${digits(left)}`);
  }
  return found;
}

/** Whether a state goes on under the same names and shapes, with finite numbers. */
function isCarried(before: Readonly<Record<string, NdArray>>, after: Readonly<Record<string, NdArray>>): boolean {
  const shapes = (arrays: Readonly<Record<string, NdArray>>) =>
    Object.entries(arrays).map(([name, { shape, dtype }]) => `${name} ${dtype} [${shape}]`).sort().join();
  return shapes(before) === shapes(after) &&
    Object.values(after).every(({ data }) => data.every((value) => Number.isFinite(value)));
}

type Answer = readonly [question: ObjectiveQuestion, term: string, ok: boolean, words: string];

/** What it asks of the networks, counted call by call, and what it perturbs. */
async function asked(engine: Engine, spec: AnyObjective): Promise<Answer[]> {
  const objective = objectiveOf(spec);
  const calls = { student: 0, teacher: 0 };
  const counted = (who: keyof typeof calls) => (weights: Weights<Tensor>, x: Tensor) => {
    calls[who]++;
    return tinyLogits(weights.parameters as unknown as Tiny<Tensor>, x);
  };
  const classifier = (who: keyof typeof calls, parameters: Tiny<NdArray>): Classifier => ({
    ...SHAPE,
    logits: counted(who),
    weights: { parameters, buffers: {} },
  });
  const student = classifier("student", INPUTS.student);
  const teacher = classifier("teacher", INPUTS.teacher);
  const context: PerturbContext = {
    engine,
    student: () => student,
    teacher,
    naturalTeacher: classifier("teacher", INPUTS.naturalTeacher),
    x: INPUTS.x as NdArray<"float32">,
    y: INPUTS.y,
    ids: Int32Array.from(INPUTS.ids),
    progress: 0.5,
    rng: rng(1, "perturb", 0),
  };
  const perturbed = async (): Promise<NdArray | undefined> => {
    const leaf = await objective.perturb?.(context, spec);
    return leaf === undefined ? undefined : (await readTree(engine, { leaf })).leaf;
  };
  const xAdv = await perturbed();
  const { student: ours, teacher: theirs } = calls;
  const again = await perturbed();
  Object.assign(calls, { student: ours, teacher: theirs });
  const program = engine.compile(
    ({ weights, taught, ...batch }: {
      readonly weights: Weights<Tensor>;
      readonly taught: Weights<Tensor>;
      readonly x: Tensor;
      readonly y: Tensor;
      readonly xAdv: Tensor | undefined;
      readonly state: Readonly<Record<string, Tensor>>;
      readonly noise: Tensor | undefined;
      readonly progress: Tensor;
    }) => {
      const { x, y, xAdv, ...context } = batch;
      const tells = (at: Tensor) => teacher.logits(taught, at);
      const pair = { student: (at: Tensor) => student.logits(weights, at), teacher: tells, naturalTeacher: tells };
      return objective.losses(pair, { x, y, xAdv }, spec, context).terms;
    },
  );
  await readTree(
    engine,
    await program({
      weights: student.weights,
      taught: teacher.weights,
      x: INPUTS.x,
      y: INPUTS.y,
      xAdv,
      state: firstState(spec),
      noise: noiseOf(spec, INPUTS.ids),
      progress: float32([], [0.95]),
    }),
  );
  const { studentForward, teacherForward } = objective.passes(spec);
  const counts = (student: number, teacher: number) => `${student} of the student, ${teacher} of teachers`;
  const passes: Answer = [
    "passes",
    "",
    calls.student === studentForward && calls.teacher === teacherForward,
    `${counts(calls.student, calls.teacher)} where it says ${counts(studentForward, teacherForward)}`,
  ];
  if (xAdv === undefined) return [passes];
  const same = again !== undefined && xAdv.data.every((value, i) => Object.is(value, again.data[i]));
  const fits = xAdv.shape.join() === INPUTS.x.shape.join() && xAdv.data.every((value) => Number.isFinite(value));
  return [passes, ["perturb", "", fits && same, `[${xAdv.shape}], ${same ? "the same" : "another"} the second time`]];
}

function oneHot({ shape, data }: NdArray): NdArray<"float32"> {
  const rows = float32([shape[0]!, SHAPE.classes]);
  data.forEach((label, row) => rows.data[row * SHAPE.classes + label] = 1);
  return rows;
}

/** A direction of length 1 in the space of weights. */
function directionOf(name: string): Tiny<NdArray> {
  const normal = mapTiny(INPUTS.student, ({ shape }, key) => float32(shape, rng(2, name, key).normal([...shape])));
  const length = Math.sqrt(dot(normal, normal));
  return mapTiny(normal, ({ shape, data }) => float32(shape, Array.from(data, (value) => value / length)));
}

/** The student's weights, moved. */
function moved(toward: Tiny<NdArray>, by: number): Tiny<NdArray> {
  return mapTiny(
    INPUTS.student,
    ({ shape, data }, key) => float32(shape, Array.from(data, (value, i) => value + by * toward[key].data[i]!)),
  );
}

function dot(a: Tiny<NdArray>, b: Tiny<NdArray>): number {
  const products = mapTiny(a, ({ data }, key) => Array.from(data, (value, i) => value * b[key].data[i]!));
  return Object.values(products).flat().reduce((sum, product) => sum + product, 0);
}

function mapTiny<T, R>(tiny: Tiny<T>, map: (leaf: T, key: keyof Tiny<T>) => R): Tiny<R> {
  return Object.fromEntries(
    Object.entries(tiny).map(([key, leaf]) => [key, map(leaf, key as keyof Tiny<T>)]),
  ) as unknown as Tiny<R>;
}

const digits = (value: number): string => String(Number(value.toPrecision(5)));
