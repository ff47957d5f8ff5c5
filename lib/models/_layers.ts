/**
 * Layers: each says once which weights it has, and computes with them. A network is a sequence of layers.
 */
import { float32, type Rng, sizeOf } from "../core/mod.ts";
import type { Tensor } from "../engine/mod.ts";
import {
  add,
  batchNorm2d,
  constant,
  conv2d,
  div,
  gelu,
  hold,
  matMul,
  maxPool2d,
  mean,
  minimum,
  mul,
  pad,
  relu,
  reshape,
  rsqrt,
  slice,
  softplus,
  stopGradient,
  sub,
  tanh,
  transpose,
} from "../engine/mod.ts";
import type { Mode, Weights } from "./model.ts";
import type { ActivationName } from "./network_spec.ts";

/** First values of a weight. */
export type Initialiser = (rng: Rng, shape: readonly number[]) => Float32Array;

/** A weight that a layer has. */
export interface Declaration {
  /** Trained, or a running statistic. */
  readonly role: keyof Weights<unknown>;
  /** PyTorch's name. */
  readonly name: string;
  /** Shape in the layout of this library. */
  readonly shape: readonly number[];
  /** First values. */
  readonly init: Initialiser;
}

/** Uniform numbers that a layer takes for each image, in training. */
export interface Draw {
  /** Under which the layer finds them. */
  readonly name: string;
  /** How many. */
  readonly count: number;
}

/** What a forward pass carries along. */
export interface Context {
  /** All weights of the network. */
  readonly weights: Weights<Tensor>;
  /** Batch statistics or running ones. */
  readonly mode: Mode;
  /** Takes the running statistics after this pass; undefined where nobody asks for them. */
  readonly updated: Record<string, Tensor> | undefined;
  /** The numbers of each {@linkcode Draw} [B, count]; undefined where nothing is to be dropped. */
  readonly noise?: Readonly<Record<string, Tensor>> | undefined;
}

/** A function of a tensor and of weights. */
export interface Layer {
  /** The weights that it has, in PyTorch's order. */
  readonly declares: readonly Declaration[];
  /** The numbers that it takes. @default none */
  readonly draws?: readonly Draw[];
  /** Forward pass, traced. */
  readonly apply: (x: Tensor, context: Context) => Tensor;
}

/** The nonlinearities by name. */
export const ACTIVATIONS: { readonly [K in ActivationName]: (x: Tensor) => Tensor } = {
  relu,
  relu6: (x) => minimum(relu(x), 6),
  softplus,
  tanh,
  gelu: (x) => gelu(x),
  geluTanh: (x) => gelu(x, "tanh"),
};

/** U(-1/sqrt(fan_in), 1/sqrt(fan_in)): what PyTorch's kaiming_uniform_(a = sqrt(5)) comes to; for biases as well. */
export function uniformFanIn(fanIn: number): Initialiser {
  const bound = 1 / Math.sqrt(fanIn);
  return (rng, shape) => rng.uniform(shape, -bound, bound);
}

/** N(0, deviation^2). */
export function normal(deviation: number): Initialiser {
  return (rng, shape) => rng.normal(shape, 0, deviation);
}

/** N(0, 2 / fan_out), fan_out = KH * KW * O: PyTorch's kaiming_normal_(mode = "fan_out", nonlinearity = "relu"). */
export const normalFanOut: Initialiser = (rng, shape) => {
  const [height = 1, width = 1, , outputs = 1] = shape;
  return rng.normal(shape, 0, Math.sqrt(2 / (height * width * outputs)));
};

/** One number everywhere. */
export function filled(value: number): Initialiser {
  return (_, shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/** Layers one after another. */
export function sequence(...layers: readonly Layer[]): Layer {
  return {
    declares: layers.flatMap((layer) => layer.declares),
    draws: layers.flatMap((layer) => layer.draws ?? []),
    apply: (x, context) => layers.reduce((y, layer) => layer.apply(y, context), x),
  };
}

/** body(x) + shortcut(x). */
export function residual(body: Layer, shortcut: Layer): Layer {
  return {
    declares: [...body.declares, ...shortcut.declares],
    draws: [...body.draws ?? [], ...shortcut.draws ?? []],
    apply: (x, context) => add(body.apply(x, context), shortcut.apply(x, context)),
  };
}

/** A function without weights as a layer. */
export function plain(apply: (x: Tensor) => Tensor): Layer {
  return { declares: [], apply };
}

/** What a convolution is. */
export interface ConvSettings {
  /** Channels in. */
  readonly inputs: number;
  /** Channels out. */
  readonly outputs: number;
  /** Height and width of the filter, odd; (size - 1) / 2 zeros are put on each side. */
  readonly size: number;
  /** Step between outputs, in pixels. */
  readonly stride: number;
  /** Groups of channels, each seen by its own filters; as many as channels: depthwise. @default {1} */
  readonly groups?: number;
  /** First filters; PyTorch's default where omitted. */
  readonly init?: Initialiser;
}

/** Convolution without bias: [B, H, W, inputs] -> [B, ceil(H / stride), ceil(W / stride), outputs]. */
export function conv(name: string, settings: ConvSettings): Layer {
  const filter = filterOf(name, settings);
  return {
    declares: [filter],
    apply: (x, context) => convolve(x, weight(context, filter), settings),
  };
}

function filterOf(name: string, { inputs, outputs, size, groups = 1, init }: ConvSettings): Declaration {
  const seen = inputs / groups;
  return {
    role: "parameters",
    name: `${name}.weight`,
    shape: [size, size, seen, outputs],
    init: init ?? uniformFanIn(size * size * seen),
  };
}

function convolve(x: Tensor, filter: Tensor, { stride, size, groups }: ConvSettings): Tensor {
  return conv2d(x, filter, stride, (size - 1) / 2, groups);
}

/** x W + b: [..., inputs] -> [..., outputs]; first values are PyTorch's default where omitted. */
export function linear(
  name: string,
  inputs: number,
  outputs: number,
  { init = uniformFanIn(inputs), biasInit = init }: { readonly init?: Initialiser; readonly biasInit?: Initialiser } =
    {},
): Layer {
  const matrix: Declaration = { role: "parameters", name: `${name}.weight`, shape: [inputs, outputs], init };
  const bias: Declaration = { role: "parameters", name: `${name}.bias`, shape: [outputs], init: biasInit };
  return {
    declares: [matrix, bias],
    apply: (x, context) => {
      const rows = x.rank === 2 ? x : reshape(x, [sizeOf(x.shape) / inputs, inputs]);
      const y = add(matMul(rows, weight(context, matrix)), weight(context, bias));
      return x.rank === 2 ? y : reshape(y, x.shape.with(-1, outputs));
    },
  };
}

/** Added to variances, PyTorch's default. */
const EPSILON = 1e-5;
/** Share of the batch in the running statistics of batch norm, PyTorch's default. */
export const BATCH_NORM_MOMENTUM = 0.1;

/**
 * Batch normalisation over [B, H, W] per channel: (x - mean) * gamma / sqrt(var + 1e-5) + beta. "train" uses the mean
 * and the biased variance of the batch, and moves the running ones by 0.1 towards them, the variance unbiased, times
 * n / (n - 1).
 *
 * Source: Ioffe and Szegedy (2015), algorithm 1; PyTorch's BatchNorm2d.
 *
 * @throws {TypeError} In "train", if there is one value per channel: its variance is 0 / 0.
 */
export function batchNorm(name: string, channels: number): Layer {
  const norm = normOf(name, channels);
  return {
    declares: norm.declares,
    apply: (x, context) => {
      if (context.mode === "train") return norm.train(x, context);
      const { scale, shift } = norm.frozen(context);
      return add(mul(x, scale), shift);
    },
  };
}

/**
 * A convolution and the batch normalisation of its outputs. The same function as the two layers one after the other; in
 * "eval" the filters are multiplied by the scale instead of the images.
 *
 * @param name Of the convolution.
 * @param normName Of the normalisation.
 * @param settings The convolution.
 */
export function convNorm(name: string, normName: string, settings: ConvSettings): Layer {
  const filter = filterOf(name, settings);
  const norm = normOf(normName, settings.outputs);
  return {
    declares: [filter, ...norm.declares],
    apply: (x, context) => {
      const w = weight(context, filter);
      if (context.mode === "train") return norm.train(convolve(x, w, settings), context);
      const { scale, shift } = norm.frozen(context);
      return add(convolve(x, mul(w, scale), settings), shift);
    },
  };
}

/** The weights of a batch normalisation, what it does in "train", and the affine map that it is in "eval". */
function normOf(name: string, channels: number): {
  readonly declares: readonly Declaration[];
  readonly train: (x: Tensor, context: Context) => Tensor;
  readonly frozen: (context: Context) => { readonly scale: Tensor; readonly shift: Tensor };
} {
  const declare = (role: Declaration["role"], field: string, value: number): Declaration => (
    { role, name: `${name}.${field}`, shape: [channels], init: filled(value) }
  );
  const gamma = declare("parameters", "weight", 1);
  const beta = declare("parameters", "bias", 0);
  const runningMean = declare("buffers", "running_mean", 0);
  const runningVariance = declare("buffers", "running_var", 1);
  return {
    declares: [gamma, beta, runningMean, runningVariance],
    train: (x, context) => {
      const n = sizeOf(x.shape) / channels;
      if (n < 2) {
        throw new TypeError(
          `Cannot normalise "${name}" by the statistics of one value per channel: use a larger batch or "eval"`,
        );
      }
      const { y, mean, variance } = batchNorm2d(x, weight(context, gamma), weight(context, beta), EPSILON);
      if (context.updated) {
        const move = (running: Declaration, batch: Tensor, factor: number) => {
          const moved = add(
            mul(weight(context, running), 1 - BATCH_NORM_MOMENTUM),
            mul(stopGradient(batch), BATCH_NORM_MOMENTUM * factor),
          );
          context.updated![running.name] = hold(moved);
        };
        move(runningMean, mean, 1);
        move(runningVariance, variance, n / (n - 1));
      }
      return y;
    },
    frozen: (context) => {
      const scale = mul(weight(context, gamma), rsqrt(add(weight(context, runningVariance), EPSILON)));
      return { scale, shift: sub(weight(context, beta), mul(weight(context, runningMean), scale)) };
    },
  };
}

/** Largest of each 3x3 window, every second one, as after the stem for ImageNet: [B, H, W, C] -> [B, H / 2, W / 2, C]. */
export const maxPool: Layer = plain((x) => maxPool2d(x, 3, 2, 1));

/** Mean over all pixels: [B, H, W, C] -> [B, C]. */
export const globalAveragePool: Layer = plain((x) => mean(x, [1, 2]));

/** [B, H, W, C] -> [B, C * H * W], channels first as in PyTorch, so that the weights that follow are PyTorch's. */
export const flattenImages: Layer = plain((x) => {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  return reshape(channels === 1 ? x : transpose(x, [0, 3, 1, 2]), [batch, channels * height * width]);
});

/** (x - mean) / std per channel, constants of the network; what is omitted costs nothing. */
export function normalise(means: readonly number[] | undefined, stds: readonly number[] | undefined): Layer {
  const constantOf = (values: readonly number[]) => constant(float32([values.length], values));
  return plain((x) => {
    const centred = means ? sub(x, constantOf(means)) : x;
    return stds ? div(centred, constantOf(stds)) : centred;
  });
}

/**
 * Every second pixel and zero channels on both sides, as many as needed: [B, H, W, inputs] -> [B, ceil(H / stride),
 * ceil(W / stride), outputs]; the shortcut without weights.
 *
 * Source: He et al., "Deep residual learning for image recognition" (2016), section 3.3, option A.
 */
export function optionAShortcut(inputs: number, outputs: number, stride: 1 | 2): Layer {
  return plain((x) => {
    const y = stride === 2 ? everySecondPixel(x) : x;
    const side = (outputs - inputs) / 2;
    return side === 0 ? y : pad(y, [[0, 0], [0, 0], [0, 0], [side, side]]);
  });
}

/** x[:, ::2, ::2, :], by reshapes and slices, whose gradients can be differentiated again. */
function everySecondPixel(x: Tensor): Tensor {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const rows = Math.ceil(height / 2);
  const columns = Math.ceil(width / 2);
  const isEven = height === 2 * rows && width === 2 * columns;
  const even = isEven ? x : pad(x, [[0, 0], [0, 2 * rows - height], [0, 2 * columns - width], [0, 0]]);
  const row = 2 * columns * channels;
  const evenRows = slice(reshape(even, [batch, rows, 2 * row]), [0, 0, 0], [batch, rows, row]);
  const pairs = reshape(evenRows, [batch, rows, columns, 2 * channels]);
  return slice(pairs, [0, 0, 0, 0], [batch, rows, columns, channels]);
}

/** The tensor of a weight; a missing one, or one of another shape that would broadcast without a word, is an error. */
export function weight(context: Context, { role, name, shape }: Declaration): Tensor {
  const tensor = context.weights[role][name];
  if (tensor === undefined) {
    throw new TypeError(
      `Cannot apply the network as its ${role} lack "${name}": pass the weights of init or loadWeights`,
    );
  }
  if (tensor.shape.join() !== shape.join()) {
    throw new TypeError(
      `Cannot apply the network as "${name}" has the shape [${tensor.shape}] where [${shape}] was expected: ` +
        "pass the weights of init or loadWeights",
    );
  }
  return tensor;
}
