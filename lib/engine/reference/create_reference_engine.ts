import { type NdArray, sizeOf, withoutDraws } from "../../core/mod.ts";
import type { CompileOptions, Engine, Program, ProgramStats, Value } from "../engine.ts";
import { disposeKept } from "../grad.ts";
import { tf } from "../tensorflow.ts";
import type { Tensor } from "../tensorflow.ts";
import { refusePromises } from "../refuse_promises.ts";
import { isInput, isStatic, signatureOf } from "../signature.ts";
import { isTensor, mapTree } from "../tree.ts";

/**
 * Makes the reference engine: TensorFlow.js's plain JavaScript kernels, eager, in this isolate. Slow and simple; what
 * every other engine must agree with.
 */
export function createReferenceEngine(): Engine {
  return {
    name: "reference",
    device: "cpu (plain JavaScript)",
    version: `tfjs ${tf.version["tfjs-core"]}`,
    compile,
    put: (array) => new ReferenceValue(onCpu(() => toTensor(array))),
    read: (value) => Promise.resolve(value instanceof ReferenceValue ? value.read() : value as NdArray),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

class ReferenceValue implements Value {
  readonly dtype: NdArray["dtype"];
  readonly shape: readonly number[];
  readonly tensor: Tensor;

  constructor(tensor: Tensor) {
    this.tensor = tensor;
    this.dtype = tensor.dtype as NdArray["dtype"];
    this.shape = tensor.shape;
  }

  read(): NdArray {
    // A copy: the backend's own array must not change under the reader's hands.
    return { dtype: this.dtype, shape: this.shape, data: this.tensor.dataSync().slice() } as NdArray;
  }

  dispose(): void {
    if (!this.tensor.isDisposed) this.tensor.dispose();
  }
}

/** Runs a function on the plain backend; the one that was active is so again at the end. */
function onCpu<T>(run: () => T): T {
  const before = tf.getBackend();
  if (before === "cpu") return run();
  tf.setBackend("cpu");
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

function compile<I, O>(fn: (inputs: I) => O, options: CompileOptions = {}): Program<I, O> {
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
      return mapTree(outputs, isTensor, (tensor) => new ReferenceValue(tf.keep(tf.clone(tensor))));
    } finally {
      engine.endScope();
      disposeKept();
      for (const tensor of mine) tensor.dispose();
    }
  };
  const program = (inputs: unknown) => new Promise((resolve) => resolve(onCpu(() => run(inputs))));
  const dispose = () => {
    stats.length = 0;
  };
  return Object.assign(program, { stats, dispose }) as unknown as Program<I, O>;
}
