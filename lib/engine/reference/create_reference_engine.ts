import { type NdArray, sizeOf, UsageError, withoutDraws } from "../../core/mod.ts";
import { registerBatchNormKernels } from "../batch_norm_kernels.ts";
import type { CompileOptions, Engine, Program, ProgramStats, Value } from "../engine.ts";
import { registerGeluKernels } from "../gelu_kernels.ts";
import { disposeKept } from "../grad.ts";
import { registerGroupedConvolutionKernels } from "../grouped_convolution_kernels.ts";
import { registerLayerNormKernels } from "../layer_norm_kernels.ts";
import { registerMaxPoolKernels } from "../max_pool_kernels.ts";
import { refusePromises } from "../refuse_promises.ts";
import { isInput, isStatic, signatureOf } from "../signature.ts";
import { tf } from "../tensorflow.ts";
import type { Tensor } from "../tensorflow.ts";
import { isTensor, mapTree } from "../tree.ts";

/** Kernels of TensorFlow.js that the reference engine can run: plain JavaScript, or a GPU through a browser's WebGL. */
export type ReferenceBackend = "cpu" | "webgl";

const DEVICES: { readonly [B in ReferenceBackend]: string } = {
  cpu: "cpu (plain JavaScript)",
  webgl: "gpu (WebGL)",
};

/**
 * Makes the reference engine: TensorFlow.js's plain JavaScript kernels, eager, in this isolate. Slow and simple; what
 * every other engine must agree with.
 *
 * @param backend Whose kernels; those of WebGL, which only a browser has, agree with the plain ones as far as the
 * browser's GPU computes in float32.
 * @returns The engine.
 * @throws {UsageError} If there is no WebGL.
 */
export function createReferenceEngine(backend: ReferenceBackend = "cpu"): Engine {
  if (backend === "webgl") prepareWebgl();
  return {
    name: "reference",
    device: DEVICES[backend],
    version: `tfjs ${tf.version["tfjs-core"]}`,
    compile: (fn, options = {}) => compile(backend, fn, options),
    put: (array) => new ReferenceValue(backend, on(backend, () => toTensor(array))),
    read: (value) => Promise.resolve(value instanceof ReferenceValue ? value.read() : value as NdArray),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Checks that there is WebGL, and registers our own kernels for it. */
function prepareWebgl(): void {
  if (!tf.findBackend("webgl")) {
    throw new UsageError(
      'Cannot compute on WebGL as there is none here: use a browser that has it, or the backend "cpu"',
    );
  }
  if (tf.getKernel("MaxPool2D", "webgl")) return;
  registerBatchNormKernels(tf, "webgl");
  registerGeluKernels(tf, "webgl");
  registerGroupedConvolutionKernels(tf, "webgl");
  registerLayerNormKernels(tf, "webgl");
  registerMaxPoolKernels(tf, "webgl");
}

class ReferenceValue implements Value {
  readonly dtype: NdArray["dtype"];
  readonly shape: readonly number[];
  readonly tensor: Tensor;
  readonly backend: ReferenceBackend;

  constructor(backend: ReferenceBackend, tensor: Tensor) {
    this.backend = backend;
    this.tensor = tensor;
    this.dtype = tensor.dtype as NdArray["dtype"];
    this.shape = tensor.shape;
  }

  read(): NdArray {
    // A copy: the backend's own array must not change under the reader's hands.
    return {
      dtype: this.dtype,
      shape: this.shape,
      data: on(this.backend, () => this.tensor.dataSync().slice()),
    } as NdArray;
  }

  dispose(): void {
    if (!this.tensor.isDisposed) this.tensor.dispose();
  }
}

/** Runs a function on a backend; the one that was active is so again at the end. */
function on<T>(backend: ReferenceBackend, run: () => T): T {
  const before = tf.getBackend();
  if (before === backend) return run();
  tf.setBackend(backend);
  try {
    return run();
  } finally {
    tf.setBackend(before);
  }
}

function toTensor(array: NdArray): Tensor {
  if (sizeOf(array.shape) !== array.data.length) {
    throw new TypeError(`Cannot use an array of ${array.data.length} elements as shape [${array.shape}]`);
  }
  return tf.tensor(array.data.slice(), [...array.shape], array.dtype);
}

function compile<I, O>(backend: ReferenceBackend, fn: (inputs: I) => O, options: CompileOptions): Program<I, O> {
  const name = options.name ?? (fn.name || "anonymous");
  const stats: ProgramStats[] = [];
  const run = (inputs: unknown): unknown => {
    const mine: Tensor[] = [];
    const tensors = mapTree(inputs, isInput, (node) => {
      if (isStatic(node)) return node;
      if (node instanceof ReferenceValue) return node.tensor;
      const tensor = toTensor(node as NdArray);
      mine.push(tensor);
      return tensor;
    });
    const signature = signatureOf(inputs);
    if (!stats.some((known) => known.signature === signature)) {
      stats.push({ signature, traceMs: 0, sessionMs: 0, nodes: 0, flops: 0 });
    }
    const engine = tf.engine();
    engine.startScope(name);
    try {
      const outputs = withoutDraws(name, () => fn(tensors as I));
      refusePromises(name, outputs);
      return mapTree(outputs, isTensor, (tensor) => new ReferenceValue(backend, tf.keep(tf.clone(tensor))));
    } finally {
      engine.endScope();
      disposeKept();
      for (const tensor of mine) tensor.dispose();
    }
  };
  const program = (inputs: unknown) => new Promise((resolve) => resolve(on(backend, () => run(inputs))));
  const dispose = () => {
    stats.length = 0;
  };
  return Object.assign(program, { stats, dispose }) as unknown as Program<I, O>;
}
