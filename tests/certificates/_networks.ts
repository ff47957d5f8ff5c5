/**
 * Small networks with their values in float64, written apart from the library: what bounds are held against.
 */
import { float32, type NdArray, rng } from "../../lib/core/mod.ts";
import {
  add,
  averagePool2d,
  concat,
  conv2d,
  gelu,
  matMul,
  maxPool2d,
  mean,
  minimum,
  mul,
  relu,
  reshape,
  sigmoid,
  softplus,
  sub,
  tanh,
  type Tensor,
  transpose,
  zerosLike,
} from "../../lib/engine/mod.ts";
import type { Classifier, Weights } from "../../lib/models/mod.ts";

/** A classifier and the same function of one image in float64. */
export interface Exact {
  readonly classifier: Classifier;
  readonly logits: (pixels: ArrayLike<number>) => number[];
}

/** y = x W + b in float64; W [inputs, outputs] row-major. */
function dense(x: ArrayLike<number>, w: NdArray, b: ArrayLike<number>): Float64Array {
  const outputs = w.shape[1]!;
  return Float64Array.from({ length: outputs }, (_, j) => {
    let y = b[j]!;
    for (let i = 0; i < x.length; i++) y += x[i]! * w.data[i * outputs + j]!;
    return y;
  });
}

/** Phi by its power series, Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...). */
function normalDistribution(x: number): number {
  if (x > 8) return 1;
  if (x < -8) return 0;
  let [sum, term] = [x, x];
  for (let k = 1; k < 200; k++) {
    term *= x * x / (2 * k + 1);
    sum += term;
  }
  return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
}

/** Nonlinearities: ours, and in float64. */
export const NONLINEAR: Readonly<Record<string, readonly [ours: (x: Tensor) => Tensor, exact: (x: number) => number]>> =
  {
    relu: [relu, (x) => Math.max(x, 0)],
    relu6: [(x) => minimum(relu(x), 6), (x) => Math.min(Math.max(x, 0), 6)],
    tanh: [tanh, Math.tanh],
    sigmoid: [sigmoid, (x) => 1 / (1 + Math.exp(-x))],
    softplus: [softplus, (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0)],
    gelu: [(x) => gelu(x), (x) => x * normalDistribution(x)],
  };

/** f = relu(x - y) - relu(2 x - y) on x in [-1, 2], y in [-2, 1], given as pixels; logits (f, 0). */
export const TOY: Classifier = {
  classes: 2,
  inputShape: [1, 1, 2],
  logits: ({ parameters }, x) => {
    const plane = sub(mul(reshape(x, [x.shape[0]!, 2]), 3), parameters.low!);
    const f = matMul(relu(matMul(plane, parameters.w!)), parameters.v!);
    return concat([f, zerosLike(f)], 1);
  },
  weights: {
    parameters: { low: float32([2], [1, 2]), w: float32([2, 2], [1, 2, -1, -1]), v: float32([2, 1], [1, -1]) },
    buffers: {},
  },
};

/** A fully connected network of random weights: inputs, hidden units, ..., classes. */
export function randomMlp(units: readonly number[], seed: number, nonlinear = "relu", scale = 1): Exact {
  const draws = rng(seed, "mlp");
  const layers = units.slice(1).map((outputs, i) => {
    const inputs = units[i]!;
    return {
      w: float32([inputs, outputs], draws.child(2 * i).normal(inputs * outputs, 0, scale * Math.sqrt(2 / inputs))),
      b: float32([outputs], draws.child(2 * i + 1).normal(outputs, 0, 0.3 * scale)),
    };
  });
  const [ours, exact] = NONLINEAR[nonlinear]!;
  const parameters = Object.fromEntries(layers.flatMap(({ w, b }, i) => [[`w${i}`, w], [`b${i}`, b]]));
  return {
    classifier: {
      classes: units.at(-1)!,
      inputShape: [1, 1, units[0]!],
      logits: ({ parameters }: Weights<Tensor>, x) => {
        let y = reshape(x, [x.shape[0]!, -1]);
        for (let i = 0; i < layers.length; i++) {
          y = add(matMul(i === 0 ? y : ours(y), parameters[`w${i}`]!), parameters[`b${i}`]!);
        }
        return y;
      },
      weights: { parameters, buffers: {} },
    },
    logits: (pixels) => {
      let y: Float64Array = Float64Array.from(pixels);
      layers.forEach(({ w, b }, i) => y = dense(i === 0 ? y : y.map(exact), w, b.data));
      return Array.from(y);
    },
  };
}

/** A convolution in float64: x [H, W, I], filter [K, K, I / g, O]. */
function convolve(x: Image, filter: NdArray, stride: number, padding: number, groups: number): Image {
  const [size = 0, , seen = 0, outputs = 0] = filter.shape;
  const side = (length: number) => Math.floor((length + 2 * padding - size) / stride) + 1;
  const [height, width] = [side(x.height), side(x.width)];
  const data = new Float64Array(height * width * outputs);
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      for (let o = 0; o < outputs; o++) {
        const first = Math.floor(o / (outputs / groups)) * seen;
        let y = 0;
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) {
            const [row, column] = [r * stride + i - padding, c * stride + j - padding];
            if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
            for (let k = 0; k < seen; k++) {
              y += x.data[(row * x.width + column) * x.channels + first + k]! *
                filter.data[((i * size + j) * seen + k) * outputs + o]!;
            }
          }
        }
        data[(r * width + c) * outputs + o] = y;
      }
    }
  }
  return { height, width, channels: outputs, data };
}

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float64Array;
}

const perChannel = (x: Image, f: (value: number, channel: number) => number): Image => ({
  ...x,
  data: x.data.map((value, i) => f(value, i % x.channels)),
});

/** The largest or the mean (zeros around it counted in) of each window. */
function pool(x: Image, size: number, stride: number, padding: number, kind: "max" | "mean"): Image {
  const side = (length: number) => Math.floor((length + 2 * padding - size) / stride) + 1;
  const [height, width] = [side(x.height), side(x.width)];
  const data = new Float64Array(height * width * x.channels);
  data.forEach((_, at) => {
    const [k, place] = [at % x.channels, Math.floor(at / x.channels)];
    const [r, c] = [Math.floor(place / width), place % width];
    let y = kind === "max" ? -Infinity : 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const [row, column] = [r * stride + i - padding, c * stride + j - padding];
        if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
        const value = x.data[(row * x.width + column) * x.channels + k]!;
        y = kind === "max" ? Math.max(y, value) : y + value / size ** 2;
      }
    }
    data[at] = y;
  });
  return { height, width, channels: x.channels, data };
}

/**
 * A network of everything that images go through: normalisation; a strided convolution with batch norm's scale and shift
 * and ReLU; a residual sum of a grouped convolution; a depthwise convolution; a pool; flattening channels first; a linear
 * layer. For images [5, 5, 2].
 */
export function randomConvolutions(seed: number, pooling: "max" | "mean", nonlinear = "relu"): Exact {
  const draws = rng(seed, "convolutions");
  const normal = (shape: number[], key: string, std: number) =>
    float32(shape, draws.child(key).normal(shape.reduce((a, b) => a * b), 0, std));
  const p = {
    mean: float32([2], [0.4, 0.5]),
    std: float32([2], [0.25, 0.3]),
    stem: normal([3, 3, 2, 4], "stem", 0.35),
    scale: normal([4], "scale", 1),
    shift: normal([4], "shift", 0.5),
    grouped: normal([3, 3, 2, 4], "grouped", 0.35),
    depthwise: normal([3, 3, 1, 4], "depthwise", 0.5),
    w: normal([16, 3], "w", 0.5),
    b: normal([3], "b", 0.3),
  };
  const [ours, exact] = NONLINEAR[nonlinear]!;
  return {
    classifier: {
      classes: 3,
      inputShape: [5, 5, 2],
      weights: { parameters: p, buffers: {} },
      logits: ({ parameters: t }: Weights<Tensor>, x) => {
        const normalised = x.rank === 4 ? mul(sub(x, t.mean!), 1) : x;
        const scaled = mul(normalised, reshape(t.std!, [1, 1, 1, 2]));
        const stem = ours(add(conv2d(scaled, mul(t.stem!, t.scale!), 2, 1), t.shift!));
        const sum = ours(add(conv2d(stem, t.grouped!, 1, 1, 2), stem));
        const deep = ours(conv2d(sum, t.depthwise!, 1, 1, 4));
        const pooled = pooling === "max" ? maxPool2d(deep, 2, 1, 0) : averagePool2d(deep, 3, 2, 1);
        const flat = reshape(transpose(pooled, [0, 3, 1, 2]), [x.shape[0]!, 16]);
        return add(matMul(flat, t.w!), t.b!);
      },
    },
    logits: (pixels) => {
      const x: Image = { height: 5, width: 5, channels: 2, data: Float64Array.from(pixels) };
      const scaled = perChannel(x, (value, k) => (value - p.mean.data[k]!) * p.std.data[k]!);
      const stem = perChannel(
        convolve(scaled, p.stem, 2, 1, 1),
        (value, k) => exact(value * p.scale.data[k]! + p.shift.data[k]!),
      );
      const side = convolve(stem, p.grouped, 1, 1, 2);
      const sum = { ...side, data: side.data.map((value, i) => exact(value + stem.data[i]!)) };
      const deep = perChannel(convolve(sum, p.depthwise, 1, 1, 4), exact);
      const pooled = pooling === "max" ? pool(deep, 2, 1, 0, "max") : pool(deep, 3, 2, 1, "mean");
      const flat = Float64Array.from({ length: 16 }, (_, i) => pooled.data[(i % 4) * 4 + Math.floor(i / 4)]!);
      return Array.from(dense(flat, p.w, p.b.data));
    },
  };
}

/** The same network with the mean over pixels in place of the linear layer's many inputs: logits of four channels. */
export const meanOfPixels = (x: Tensor): Tensor => mean(x, [1, 2]);

/** The smallest margin z_y - z_k for each k over points near x, in float64: random ones, corners, and a climb from each. */
export function smallestMargins(
  { logits, classifier }: Exact,
  x: ArrayLike<number>,
  y: number,
  eps: number,
  norm: "Linf" | "L2",
  count: number,
  seed: number,
): number[] {
  const draws = rng(seed, "points");
  const least = new Array<number>(classifier.classes).fill(Infinity);
  const see = (point: ArrayLike<number>): number[] => {
    const z = logits(point);
    const margins = z.map((other) => z[y]! - other);
    margins.forEach((margin, k) => least[k] = Math.min(least[k]!, margin));
    return margins;
  };
  const inside = (d: Float64Array): Float64Array => {
    const length = Math.hypot(...d);
    const factor = norm === "L2" && length > eps ? eps / length : 1;
    return d.map((each, i) => Math.min(1, Math.max(0, x[i]! + each * factor)));
  };
  for (let trial = 0; trial < count; trial++) {
    const own = draws.child(trial);
    const corner = trial % 2 === 0;
    const d = Float64Array.from(own.uniform(x.length, -1, 1), (u) => (corner ? Math.sign(u) : u) * eps);
    let best = see(inside(d));
    if (trial % 100 !== 0) continue;
    // Coordinate by coordinate to whatever lowers one of the margins.
    const k = (y + 1 + Math.floor(trial / 100) % (classifier.classes - 1)) % classifier.classes;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < d.length; i++) {
        for (const value of [-eps, eps]) {
          const before = d[i]!;
          d[i] = value;
          const now = see(inside(d));
          if (now[k]! < best[k]!) best = now;
          else d[i] = before;
        }
      }
    }
  }
  return least;
}
