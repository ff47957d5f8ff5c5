import {
  formatEps,
  meanInterval,
  parseEps,
  type Progress,
  type ReliabilityRow,
  rng,
  type TeacherImages,
  type TeacherRow,
  UsageError,
  wilson,
} from "../core/mod.ts";
import { type Dataset, gather } from "../data/mod.ts";
import type { Engine } from "../engine/mod.ts";
import type { Classifier } from "../models/mod.ts";
import { attackName, type AttackSpec, MAX_EPS, runAttack } from "../attacks/mod.ts";
import { logitsProgram } from "./_ascent.ts";
import { calibration } from "./calibration.ts";
import { checkShapes } from "./check_shapes.ts";
import { inputGradients } from "./input_gradients.ts";
import { localLinearity, type LocalLinearitySpec } from "./local_linearity.ts";

/** What to inspect. */
export interface InspectOptions {
  /** Name of the teacher, for messages. */
  readonly method: string;
  /** The teacher. */
  readonly teacher: Classifier;
  /** Networks that attacks are made on as well, to ask the teacher about the images: students, or what is like one. */
  readonly students: ReadonlyMap<string, Classifier>;
  /** Images; each id once. */
  readonly dataset: Dataset;
  /** Attacks on the teacher, all of Linf; the first one is made on the students. */
  readonly attacks: readonly AttackSpec[];
  /** Their radius in pixel units as text, above 0. */
  readonly eps: string;
  /** Seed of random starts. */
  readonly seed: number;
  /** Images per batch. */
  readonly batchSize: number;
  /** How local linearity is measured, in Linf. */
  readonly linearity?: Omit<LocalLinearitySpec, "norm">;
}

/** What {@linkcode inspect} tells. */
export type InspectEvent =
  /** How far it has come, in batches. */
  | ({ readonly kind: "progress" } & Progress)
  /** All that was found; the last event. */
  | { readonly kind: "end"; readonly rows: readonly TeacherRow[]; readonly bins: readonly ReliabilityRow[] };

/**
 * Inspects a teacher before distillation: accuracy, calibration ({@linkcode calibration}) and entropy on clean images, on
 * adversarial images of its own, and on those that were made on students (how far they transfer, and how sure the teacher
 * is of images that a student will ask it about); and at clean images the lengths of its input gradient and its local
 * linearity error.
 *
 * Source: Guo et al., "On calibration of modern neural networks" (2017); that a teacher is the better the higher its
 * entropy is at the student's adversarial images: "SAAD" (arXiv 2512.10275). Differs from the latter in making these
 * images by the cross-entropy of the label rather than by the divergence from the teacher.
 *
 * @param engine Where it runs.
 * @param options What to inspect.
 * @returns Events; the last one has the rows.
 * @throws {UsageError} If there are fewer than two images, no attack, or the radius cannot be used.
 * @throws {DataError} If images or a student do not fit, or logits are not finite.
 */
export async function* inspect(engine: Engine, options: InspectOptions): AsyncGenerator<InspectEvent, void, void> {
  const { method, teacher, students, dataset, attacks, seed, batchSize, linearity = {} } = options;
  const n = dataset.ids.length;
  if (n < 2) throw new UsageError(`Cannot inspect "${method}" on ${n} images: use at least two`);
  const [first] = attacks;
  if (first === undefined) {
    throw new UsageError(`Cannot inspect "${method}" without an attack: name one, such as pgd-20`);
  }
  const other = attacks.find(({ norm = "Linf" }) => norm !== "Linf");
  if (other !== undefined) {
    throw new UsageError(`Cannot inspect "${method}" under ${attackName(other)}: attack in Linf`);
  }
  const radius = parseEps(options.eps, MAX_EPS.Linf);
  if (radius === 0) throw new UsageError(`Cannot inspect "${method}" at radius 0: write one above`);
  const eps = formatEps(options.eps, MAX_EPS.Linf);
  checkShapes(method, teacher, dataset);
  for (const [name, student] of students) checkShapes(name, student, dataset);
  const kinds: readonly Kind[] = [
    { images: "clean", source: "", eps: "0" },
    ...attacks.map((attack) => ({ images: attackName(attack), source: "", eps, attack, victim: teacher })),
    ...Array.from(
      students,
      ([source, victim]) => ({ images: attackName(first), source, eps, attack: first, victim }),
    ),
  ];
  const logits = kinds.map(() => [] as number[]);
  const measured = { "gradient-l1": [], "gradient-l2": [], "local-linearity": [] } as Record<Measured, number[]>;
  const size = Math.min(batchSize, n);
  const ask = logitsProgram(engine, teacher.logits);
  const stream = rng(seed, "inspect");
  const total = Math.ceil(n / size) * (kinds.length + 1);
  let done = 0;
  for (let from = 0; from < n; from += size) {
    const count = Math.min(size, n - from);
    const batch = gather(dataset, Array.from({ length: size }, (_, k) => k < count ? from + k : from), count);
    for (const [at, { images, source, attack, victim }] of kinds.entries()) {
      const detail = source === "" ? images : `${images} on ${source}`;
      yield { kind: "progress", label: `inspect ${method}`, done: done++, total, detail };
      const x = attack === undefined || victim === undefined
        ? batch.x
        : (await runAttack(engine, victim, batch, attack, radius, stream.child("attack"))).xAdv;
      const value = await ask({ weights: teacher.weights, x });
      const { data } = await engine.read(value);
      value.dispose();
      for (let k = 0; k < count * teacher.classes; k++) logits[at]!.push(data[k]!);
    }
    yield { kind: "progress", label: `inspect ${method}`, done: done++, total, detail: "local linearity" };
    const { gradient } = await inputGradients(engine, teacher, batch);
    const errors = await localLinearity(engine, teacher, batch, radius, stream.child("linearity"), {
      ...linearity,
      norm: "Linf",
    });
    const pixels = gradient.data.length / size;
    for (let k = 0; k < count; k++) {
      let [l1, squares] = [0, 0];
      for (const value of gradient.data.subarray(k * pixels, (k + 1) * pixels)) {
        l1 += Math.abs(value);
        squares += value * value;
      }
      measured["gradient-l1"].push(l1);
      measured["gradient-l2"].push(Math.sqrt(squares));
      measured["local-linearity"].push(errors[k]!);
    }
  }
  const bins: ReliabilityRow[] = [];
  const rows = kinds.flatMap(({ images, source, eps }, at): TeacherRow[] => {
    const kind: TeacherImages = { images, source, eps };
    const { correct, confidences, entropies, ece, bins: own } = calibration(
      logits[at]!,
      dataset.labels,
      teacher.classes,
    );
    bins.push(...own.filter((bin) => bin.n > 0).map((bin) => ({ ...kind, ...bin })));
    const { rate, low, high } = wilson(correct, n);
    return [
      { ...kind, quantity: "accuracy", n, value: rate, low, high },
      { ...kind, quantity: "ece", n, value: ece, low: "", high: "" },
      meanRow(kind, "confidence", confidences),
      meanRow(kind, "entropy", entropies),
    ];
  });
  const clean = { images: "clean", source: "", eps: "0" };
  for (const quantity of ["gradient-l1", "gradient-l2"] as const) {
    rows.push(meanRow(clean, quantity, measured[quantity]));
  }
  rows.push(meanRow({ ...clean, eps }, "local-linearity", measured["local-linearity"]));
  yield { kind: "end", rows, bins };
}

interface Kind extends TeacherImages {
  readonly attack?: AttackSpec;
  readonly victim?: Classifier;
}

type Measured = "gradient-l1" | "gradient-l2" | "local-linearity";

function meanRow(kind: TeacherImages, quantity: TeacherRow["quantity"], values: ArrayLike<number>): TeacherRow {
  const { mean, low, high } = meanInterval(values);
  return { ...kind, quantity, n: values.length, value: mean, low, high };
}
