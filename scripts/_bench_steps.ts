import {
  createModel,
  disposeTree,
  type Engine,
  float32,
  freeze,
  inputGradient,
  int32,
  KDIGA_PAPER,
  type Leaf,
  type MapTensors,
  matMul,
  type Model,
  type ModelSpec,
  mul,
  type ObjectiveSpec,
  type OptimizerSpec,
  type ProgramStats,
  putTree,
  rng,
  scalar,
  sgd,
  slice,
  type Tensor,
  trainingStep,
  type Weights,
} from "../mod.ts";

/** A network and a batch to measure with. */
export interface BenchCase {
  /** Channels of the first stage of the ResNet-18. */
  readonly width: number;
  /** Images per call. */
  readonly batch: number;
}

/** What is measured; a row each. */
export type StepName =
  | "forward"
  | "input gradient"
  | "cross-entropy step"
  | "KDIGA step"
  | "KDIGA step, linear teacher"
  | "matmul";

/** Something that can be called again and again. */
export interface BenchStep {
  /** Name of its row. */
  readonly name: StepName;
  /** What is computed: "resnet18", "1024x1024". */
  readonly model: string;
  /** One call, until its outputs are there; the caller disposes of them. */
  readonly call: () => Promise<unknown>;
  /** Waits until everything sent to the engine so far is done. */
  readonly settle: () => Promise<unknown>;
  /** What the program is and what it cost to make, after the first call. */
  readonly stats: () => ProgramStats;
}

/** The steps of a case, and how to give back what they hold on the engine. */
export interface BenchSteps {
  /** The steps, in the order of the rows. */
  readonly steps: readonly BenchStep[];
  /** Gives back programs and values. */
  readonly dispose: () => void;
}

const SHAPE = { classes: 10, inputShape: [32, 32, 3] } as const;
const OPTIMIZER: OptimizerSpec = { kind: "sgd", momentum: 0.9, weightDecay: 5e-4 };

/** Rows and columns of the matrices: large enough to be as fast as the engine gets. */
const MATMUL = 1024;
/** Products in a row: one alone is over before the threads are at work, and says little of what they can do. */
const PRODUCTS = 8;

/**
 * Makes what is measured of a case: a CIFAR ResNet-18 of the given width, forward and input gradient in evaluation
 * mode, whole training steps (terms, gradients, update) of cross-entropy and KDIGA, and a product of square
 * matrices, whose speed is what the others are held against. Weights, velocity and batch stay on the engine.
 *
 * "KDIGA step" contains the teacher, of the same width: its forward pass and its input gradient. The linear teacher's
 * cost next to nothing, so that step stands for one whose teacher gradient is given.
 */
export function benchSteps(engine: Engine, { width, batch }: BenchCase): BenchSteps {
  const model = createModel({ kind: "resnet18", width }, SHAPE);
  const random = rng(1, "bench");
  const arrays = model.init(random.child("student"));
  const on = putTree(engine, {
    weights: arrays,
    velocity: sgd.init(OPTIMIZER, arrays.parameters),
    x: float32([batch, 32, 32, 3], random.child("x").uniform([batch, 32, 32, 3])),
    y: int32([batch], Array.from({ length: batch }, (_, i) => i % SHAPE.classes)),
    learningRate: scalar(0.1),
    progress: scalar(0.5),
  });
  const { weights, velocity, x, y, learningRate, progress } = on;
  const held: unknown[] = [on];
  const disposals: (() => void)[] = [];

  /** A step whose output `small` is read with every call: then the others are there, also on a device that queues. */
  const step = <I, O extends { readonly small: Tensor }>(
    name: StepName,
    model: string,
    fn: (inputs: I) => O,
    inputs: MapTensors<I, Leaf>,
  ): BenchStep => {
    const program = engine.compile(fn, { name });
    disposals.push(() => program.dispose());
    return {
      name,
      model,
      call: async () => {
        const outputs = await program(inputs) as { readonly small: Leaf };
        await engine.read(outputs.small);
        return outputs;
      },
      settle: () => engine.read(progress),
      stats: () => program.stats[0]!,
    };
  };

  const training = (name: StepName, objective: ObjectiveSpec, teacherSpec?: ModelSpec): BenchStep => {
    const teacher = teacherSpec && teacherOf(engine, createModel(teacherSpec, SHAPE));
    held.push(teacher?.weights);
    const make = trainingStep({ model, teacher: teacher?.logits, objective, optimizer: OPTIMIZER });
    const fn = (inputs: Parameters<typeof make>[0]) => {
      const { accuracy, ...outputs } = make(inputs);
      return { ...outputs, small: accuracy };
    };
    const inputs = { ...weights, velocity, teacher: teacher?.weights, x, y, xAdv: undefined, learningRate, progress };
    return step(name, "resnet18", fn, inputs);
  };

  const seen = { weights, x, y };
  interface Seen {
    readonly weights: Weights<Tensor>;
    readonly x: Tensor;
    readonly y: Tensor;
  }
  const forward = ({ weights, x }: Seen) => ({ small: model.logits(weights, x) });
  const gradient = ({ weights, x, y }: Seen) => {
    const { gradient, crossEntropy } = inputGradient((x) => model.logits(weights, x), x, y);
    return { gradient, small: crossEntropy };
  };

  return {
    steps: [
      step("forward", "resnet18", forward, seen),
      step("input gradient", "resnet18", gradient, seen),
      training("cross-entropy step", { kind: "natural" }),
      training("KDIGA step", KDIGA_PAPER, { kind: "resnet18", width }),
      training("KDIGA step, linear teacher", KDIGA_PAPER, { kind: "mlp", hidden: [] }),
      step("matmul", `${PRODUCTS} x ${MATMUL}x${MATMUL}`, product, matrices(engine, MATMUL, held)),
    ],
    dispose: () => {
      for (const dispose of disposals) dispose();
      disposeTree(held);
    },
  };
}

function teacherOf(engine: Engine, model: Model) {
  const weights = putTree(engine, model.init(rng(2, "bench", "teacher")));
  return { ...freeze(model, weights), weights };
}

function product({ a, b }: { readonly a: Tensor; readonly b: Tensor }) {
  let product = a;
  // The factor keeps the numbers around 1; it costs nothing beside the product.
  for (let i = 0; i < PRODUCTS; i++) product = mul(matMul(product, b), 1 / Math.sqrt(MATMUL / 3));
  return { product, small: slice(product, [0, 0], [1, 1]) };
}

function matrices(engine: Engine, size: number, held: unknown[]) {
  const random = rng(3, "bench", "matmul");
  const values = putTree(engine, {
    a: float32([size, size], random.child("a").uniform([size, size], -1, 1)),
    b: float32([size, size], random.child("b").uniform([size, size], -1, 1)),
  });
  held.push(values);
  return values;
}
