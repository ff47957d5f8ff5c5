import { float32, int32, type NdArray, scalar, sizeOf } from "../core/mod.ts";
import {
  add,
  broadcastTo,
  cachedProgram,
  clip,
  disposeTree,
  div,
  type Engine,
  maximum,
  mul,
  oneHot,
  reshape,
  sqrt,
  square,
  sum,
  takeTree,
  type Tensor,
  type Value,
  valueAndGrad,
  zeros,
  zerosLike,
} from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { elementBounds, type Ends, marginBounds, operandsOf, type Setting, settingOf } from "./_margins.ts";
import { type Network, widen } from "./_network.ts";
import { RELAXATIONS } from "./_relaxations.ts";
import type { CertifiedNorm, CrownSpec, SlopeOptimisation } from "./bound_spec.ts";

/** What all programs take. */
interface Images<T> {
  readonly x: T;
  readonly y: T;
  readonly eps: T;
}

type Traced<More = unknown> = Images<Tensor> & { readonly weights: Weights<Tensor> } & More;
type EndsOf<T> = { readonly lower: T; readonly upper: T };

/** Numbers of the factors that a backward pass holds of its largest value: 64 MiB. */
const FACTORS = 2 ** 24;

/**
 * Lower bounds of margins by linear relaxation.
 *
 * @param engine Where it runs.
 * @param classifier Whose margins.
 * @param batch Images, classes, radii.
 * @param norm Norm of the balls.
 * @param spec How.
 * @returns Bounds [B, classes].
 */
export async function crownMargins(
  engine: Engine,
  classifier: Classifier,
  batch: Images<NdArray>,
  norm: CertifiedNorm,
  { intermediate = "ibp", optimise }: CrownSpec,
): Promise<NdArray> {
  const known = intermediate === "crown" ? await intermediateBounds(engine, classifier, batch, norm) : [];
  if (optimise) return await optimised(engine, classifier, batch, norm, known, optimise);
  const { logits, weights, classes } = classifier;
  const program = cachedProgram(
    engine,
    logits,
    `margins by crown, ${norm}, ${classes}`,
    () => ({ weights, x, y, eps, known }: Traced<{ readonly known: readonly Ends[] }>) =>
      marginBounds(settingOf((x) => logits(weights, x), { x, eps, norm }, known), y, classes, "lines"),
  );
  return await takeTree(engine, await program({ weights, ...batch, known })) as NdArray;
}

/** Intervals of every operand of a nonlinear kernel, each by linear bounds that use those before it. */
async function intermediateBounds(
  engine: Engine,
  { logits, weights }: Classifier,
  { x, eps }: Images<NdArray>,
  norm: CertifiedNorm,
): Promise<EndsOf<NdArray>[]> {
  const intervals = cachedProgram(
    engine,
    logits,
    `intervals, ${norm}`,
    () => ({ weights, x, eps }: Omit<Traced, "y">) => {
      const { network, boxes } = settingOf((x) => logits(weights, x), { x, eps, norm });
      const operands = operandsOf(network).map(({ id, exact }) => {
        const { lower, upper } = boxes.get(id)!;
        return { lower, upper, exact: add(zeros([]), exact ? 1 : 0) };
      });
      // A program needs an output, and a linear network has no operands.
      return { operands, eps };
    },
  );
  const { operands: found } = await takeTree(engine, await intervals({ weights, x, eps }));
  const batch = x.shape[0]!;
  const elementsOf = ({ shape }: NdArray) => sizeOf(shape) / batch;
  const largest = Math.max(...found.map(({ lower }) => elementsOf(lower)));
  const rows = Math.max(1, Math.floor(FACTORS / (2 * batch * largest)));
  const known: EndsOf<NdArray>[] = [];
  for (const [place, { lower, upper, exact }] of found.entries()) {
    if (exact.data[0] === 1) {
      known.push({ lower, upper });
      continue;
    }
    const elements = elementsOf(lower);
    const count = Math.min(rows, elements);
    const refine = cachedProgram(
      engine,
      logits,
      `interval ${place} by crown, ${norm}`,
      () => (inputs: Omit<Traced<{ readonly known: readonly Ends[]; readonly rows: Tensor }>, "y">) => {
        const { weights, x, eps, known, rows } = inputs;
        const setting = settingOf((x) => logits(weights, x), { x, eps, norm }, known);
        return elementBounds(setting, operandsOf(setting.network)[place]!.id, oneHot(rows, elements));
      },
    );
    const [low, high] = [lower.data.slice() as Float32Array, upper.data.slice() as Float32Array];
    for (let from = 0; from < elements; from += count) {
      // The last row fills the last part up.
      const part = Int32Array.from({ length: count }, (_, i) => Math.min(from + i, elements - 1));
      const bounds = await takeTree(engine, await refine({ weights, x, eps, known, rows: int32([count], part) }));
      for (let image = 0; image < batch; image++) {
        part.forEach((element, i) => {
          const at = image * elements + element;
          // What is no number tells nothing.
          const [below, above] = [bounds.lower.data[image * count + i]!, bounds.upper.data[image * count + i]!];
          if (below > low[at]!) low[at] = below;
          if (above < high[at]!) high[at] = above;
        });
      }
    }
    known.push({ lower: float32(lower.shape, low), upper: float32(upper.shape, high) });
  }
  return known;
}

/** Slopes, their moments, and the best bounds so far. */
interface Ascent<T> {
  readonly slopes: readonly T[];
  readonly first: readonly T[];
  readonly second: readonly T[];
  readonly best: T;
}

/** The places of the calls below which slopes are free. */
function freeCalls({ network, boxes }: Setting): number[] {
  return network.calls.flatMap((call, at) => RELAXATIONS[call.kernel]?.lines?.(call, boxes).free ? [at] : []);
}

/**
 * The best bounds over slopes: for each margin of its own, by Adam on the bound, slopes kept between 0 and 1. Every
 * slope between 0 and 1 gives a bound, so that the best one seen is a bound whatever the ascent does.
 *
 * Source: Xu et al., "Fast and complete: enabling complete verification with rapid and massively parallel incomplete
 * verifiers" (2021), section 3.1; rate 0.1, decay 0.98 as in the released code.
 * Differs: intervals before nonlinearities stay as they are.
 */
async function optimised(
  engine: Engine,
  { logits, weights, classes }: Classifier,
  batch: Images<NdArray>,
  norm: CertifiedNorm,
  known: readonly EndsOf<NdArray>[],
  { steps, rate = 0.1 }: SlopeOptimisation,
): Promise<NdArray> {
  type Known = { readonly known: readonly Ends[] };
  const setUp = ({ weights, x, eps, known }: Traced<Known>): readonly [Setting, Network] => {
    const setting = settingOf((x) => logits(weights, x), { x, eps, norm }, known);
    return [setting, widen(setting.network, setting.logits, x.shape, classes)];
  };
  const start = cachedProgram(engine, logits, `slopes, ${norm}, ${classes}`, () => {
    return (inputs: Traced<Known>): Ascent<Tensor> => {
      const [setting, wide] = setUp(inputs);
      const images = inputs.x.shape[0]!;
      const slopes = freeCalls(setting).map((at) => {
        const call = setting.network.calls[at]!;
        const { slope } = RELAXATIONS[call.kernel]!.lines!(call, setting.boxes).lower;
        const elements = sizeOf(slope.shape) / images;
        return broadcastTo(reshape(slope, [images, 1, elements]), [images, classes, elements]);
      });
      const best = marginBounds(setting, inputs.y, classes, "lines", wide);
      return {
        slopes,
        first: slopes.map((slope) => zerosLike(slope)),
        second: slopes.map((slope) => zerosLike(slope)),
        best,
      };
    };
  });
  type Step<T> = { readonly state: Ascent<T>; readonly rate: T; readonly bias: T; readonly spread: T };
  const climb = cachedProgram(engine, logits, `better slopes, ${norm}, ${classes}`, () => {
    return (inputs: Traced<Known & Step<Tensor>>): Ascent<Tensor> => {
      const [setting, wide] = setUp(inputs);
      const free = freeCalls(setting);
      const { state, rate, bias, spread } = inputs;
      const { grad, aux } = valueAndGrad((slopes: readonly Tensor[]) => {
        const chosen = new Map(free.map((at, i) => [at, slopes[i]!]));
        const bounds = marginBounds(setting, inputs.y, classes, "lines", wide, chosen);
        return { value: sum(bounds), aux: bounds };
      }, state.slopes);
      const first = state.first.map((m, i) => add(mul(m, 0.9), mul(grad[i]!, 0.1)));
      const second = state.second.map((v, i) => add(mul(v, 0.999), mul(square(grad[i]!), 0.001)));
      const slopes = state.slopes.map((slope, i) => {
        const step = div(div(first[i]!, bias), add(sqrt(div(second[i]!, spread)), 1e-8));
        return clip(add(slope, mul(step, rate)), 0, 1);
      });
      return { slopes, first, second, best: maximum(state.best, aux) };
    };
  });
  const shared = { weights, ...batch, known };
  let state = await start(shared) as Ascent<Value>;
  // One more than steps: the last one looks at where the last step has led.
  for (let t = 1; t <= steps + 1 && state.slopes.length > 0; t++) {
    const before = state;
    const numbers = {
      rate: scalar(rate * 0.98 ** (t - 1)),
      bias: scalar(1 - 0.9 ** t),
      spread: scalar(1 - 0.999 ** t),
    };
    state = await climb({ ...shared, state: before, ...numbers }) as Ascent<Value>;
    disposeTree(before);
  }
  const best = await engine.read(state.best);
  disposeTree(state);
  return best;
}
