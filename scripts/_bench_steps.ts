import {
  adversarial,
  type Classifier,
  disposeTree,
  type Engine,
  freeze,
  inputGradient,
  type Leaf,
  type MapTensors,
  matMul,
  type Model,
  mul,
  type NdArray,
  type ObjectiveSpec,
  parseEps,
  perturb,
  putTree,
  readTree,
  scalar,
  sgd,
  slice,
  takeTree,
  type Tensor,
  toPyTorch,
  trainingStep,
  type Weights,
} from "../mod.ts";
import {
  ATTACK,
  ATTACK_RNG,
  benchArrays,
  type BenchCase,
  type BenchPart,
  KD,
  KDIGA,
  LEARNING_RATE,
  MATMUL,
  OPTIMIZER,
  PRODUCT_FACTOR,
  PRODUCTS,
} from "./_bench_arrays.ts";
import { countingEngine, type StepStats } from "./_bench_counting.ts";

/** What is measured; a row each. */
export type StepName =
  | "forward"
  | "input gradient"
  | "PGD-10 attack"
  | "cross-entropy step"
  | "adversarial step"
  | "KD step"
  | "KDIGA step"
  | "KDIGA step, linear teacher"
  | "matmul";

/** What each step needs besides student and batch, in the order of the rows. */
const STEP_PARTS: { readonly [N in StepName]: readonly BenchPart[] } = {
  "forward": [],
  "input gradient": [],
  "PGD-10 attack": [],
  "cross-entropy step": [],
  "adversarial step": [],
  "KD step": ["teacher"],
  "KDIGA step": ["teacher"],
  "KDIGA step, linear teacher": ["linear"],
  "matmul": ["matrices"],
};

/** The names of all steps. */
export const STEP_NAMES = Object.keys(STEP_PARTS) as readonly StepName[];

/** What some steps need besides student and batch. */
export function stepParts(names: readonly StepName[]): ReadonlySet<BenchPart> {
  return new Set(names.flatMap((name) => STEP_PARTS[name]));
}

/** Arrays by name, to be held against another program's. */
export type Numbers = Readonly<Record<string, NdArray>>;

/** Something that can be called again and again. */
export interface BenchStep {
  /** Name of its row. */
  readonly name: StepName;
  /** What is computed: "resnet18", "vit", "1024x1024". */
  readonly model: string;
  /** One call, until its outputs are there; the caller disposes of them. */
  readonly call: () => Promise<unknown>;
  /** Waits until everything sent to the engine so far is done. */
  readonly settle: () => Promise<unknown>;
  /** What its programs are and what they cost to make, after the first call; the operations of the last call. */
  readonly stats: () => StepStats;
  /**
   * What a call computes, weights in PyTorch's layouts. Two attacks part where a gradient is nearly 0, as its sign
   * decides: where there is one, the rest is what comes of the other program's images.
   */
  readonly numbers: (xAdv: NdArray | undefined) => Promise<Numbers>;
}

/** The steps of a case, and how to give back what they hold on the engine. */
export interface BenchSteps {
  /** The steps, in the order asked for. */
  readonly steps: readonly BenchStep[];
  /** Gives back programs and values. */
  readonly dispose: () => void;
}

/**
 * Makes what is measured of a case: a CIFAR ResNet-18 or a vision transformer of the given width, forward, input
 * gradient and attack in evaluation mode, whole training steps (terms, gradients, update), and a product of square matrices, whose speed is
 * what the others are held against. Weights, velocity and batch stay on the engine.
 *
 * "PGD-10 attack" and "adversarial step" draw their random start, as each step of a training must; a peer is given it.
 * "KDIGA step" contains the teacher, of the same width: its forward pass and its input gradient. The linear teacher's
 * cost next to nothing, so that step stands for one whose teacher gradient is given.
 */
export function benchSteps(engine: Engine, one: BenchCase, names: readonly StepName[] = STEP_NAMES): BenchSteps {
  const arrays = benchArrays(one);
  const { model, ids } = arrays;
  const network = one.spec?.kind ?? one.kind ?? "resnet18";
  const held: unknown[] = [];
  const disposals: (() => void)[] = [];
  const put = <T>(tree: T) => {
    const values = putTree(engine, tree);
    held.push(values);
    return values;
  };
  const on = put({ x: arrays.x, y: arrays.y, learningRate: scalar(LEARNING_RATE), progress: scalar(0.5) });
  const { x, y, progress } = on;
  const student = once(() => put(arrays.student()));
  const optimizerState = once(() => put(sgd.init(OPTIMIZER, arrays.student().parameters)));
  const teacher = once(() => put(arrays.teacher()));

  const counted = () => {
    const counting = countingEngine(engine);
    disposals.push(counting.dispose);
    return counting;
  };
  const step = (
    name: StepName,
    model: string,
    { reset, stats }: ReturnType<typeof counted>,
    call: () => Promise<unknown>,
    numbers: BenchStep["numbers"],
  ): BenchStep => ({
    name,
    model,
    call: () => {
      reset();
      return call();
    },
    settle: () => engine.read(progress),
    stats,
    numbers,
  });

  /** A step of one program, whose output `small` is read: then the others are there, also on a device that queues. */
  const single = <I, O extends { readonly small: Tensor }>(
    name: StepName,
    model: string,
    fn: (inputs: I) => O,
    inputs: MapTensors<I, Leaf>,
    numbersOf: (outputs: MapTensors<O, NdArray>) => Numbers,
  ): BenchStep => {
    const counting = counted();
    const program = counting.engine.compile(fn, { name });
    const call = async () => {
      const outputs = await program(inputs);
      await engine.read((outputs as { readonly small: Leaf }).small);
      return outputs;
    };
    const numbers = async () => numbersOf(await takeTree(engine, await call()) as unknown as MapTensors<O, NdArray>);
    return step(name, model, counting, call, numbers);
  };

  const training = (name: StepName, objective: ObjectiveSpec, taught?: Classifier): BenchStep => {
    const fn = trainingFn(model, objective, taught);
    const inputs = { ...on, ...student(), optimizerState: optimizerState(), teacher: taught?.weights, xAdv: undefined };
    return single(name, network, fn, inputs, trainingNumbers);
  };

  const classifier = () => freeze(model, student());
  const gradientFn = ({ weights, x, y }: Seen) => {
    const { gradient, crossEntropy } = inputGradient((x) => model.logits(weights, x), x, y);
    return { gradient, small: crossEntropy };
  };
  const gradientNumbers = ({ gradient, small }: { readonly gradient: NdArray; readonly small: NdArray }) => ({
    gradient,
    crossEntropy: small,
  });

  const makers: { readonly [N in StepName]: () => BenchStep } = {
    "forward": () => {
      const fn = ({ weights, x }: Seen) => ({ small: model.logits(weights, x) });
      return single("forward", network, fn, { weights: student(), x, y }, ({ small }) => ({ logits: small }));
    },
    "input gradient": () =>
      single("input gradient", network, gradientFn, { weights: student(), x, y }, gradientNumbers),
    "PGD-10 attack": () => {
      const counting = counted();
      const { eps, kind: _, ...pgd } = ATTACK;
      const call = async () => {
        const spec = { ...pgd, kind: "pgd" } as const;
        const xAdv = await perturb(counting.engine, classifier(), { x, y, ids }, spec, parseEps(eps), ATTACK_RNG);
        await engine.read(xAdv);
        return xAdv;
      };
      const numbers = async (theirs: NdArray | undefined) => {
        const own = await call();
        const program = engine.compile(gradientFn, { name: "gradient at the attack's end" });
        const at = async (x: Leaf) =>
          gradientNumbers(await takeTree(engine, await program({ weights: student(), x, y })));
        const loss = mean((await at(own)).crossEntropy.data);
        const there = theirs && await at(theirs);
        own.dispose();
        program.dispose();
        return { attackLoss: scalar(loss), ...there };
      };
      return step("PGD-10 attack", network, counting, call, numbers);
    },
    "cross-entropy step": () => training("cross-entropy step", { kind: "natural" }),
    "adversarial step": () => {
      const counting = counted();
      const program = counting.engine.compile(trainingFn(model, ATTACK, undefined), { name: "adversarial step" });
      const inputs = { ...on, ...student(), optimizerState: optimizerState(), teacher: undefined };
      // As train() does, the attack gets the batch from memory.
      const context = {
        ...arrays,
        engine: counting.engine,
        student: classifier,
        teacher: undefined,
        progress: 0,
        rng: ATTACK_RNG,
      };
      const call = async () => {
        const xAdv = await adversarial.perturb!(context, ATTACK);
        const outputs = await program({ ...inputs, xAdv });
        disposeTree(xAdv);
        await engine.read(outputs.small);
        return outputs;
      };
      const numbers = async (theirs: NdArray | undefined) => {
        const own = await call();
        const { terms } = await readTree(engine, { terms: own.terms });
        disposeTree(own);
        const attackLoss = terms["ce"]!;
        if (theirs === undefined) return { attackLoss };
        return { attackLoss, ...trainingNumbers(await takeTree(engine, await program({ ...inputs, xAdv: theirs }))) };
      };
      return step("adversarial step", network, counting, call, numbers);
    },
    "KD step": () => training("KD step", KD, freeze(model, teacher())),
    "KDIGA step": () => training("KDIGA step", KDIGA, freeze(model, teacher())),
    "KDIGA step, linear teacher": () =>
      training("KDIGA step, linear teacher", KDIGA, freeze(arrays.linearModel, put(arrays.linear()))),
    "matmul": () =>
      single("matmul", `${PRODUCTS} x ${MATMUL}x${MATMUL}`, product, put(arrays.matrices()), ({ product }) => ({
        product,
      })),
  };
  return {
    steps: names.map((name) => makers[name]()),
    dispose: () => {
      for (const dispose of disposals) dispose();
      disposeTree(held);
    },
  };
}

interface Seen {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
}

function trainingFn(model: Model, objective: ObjectiveSpec, teacher: Classifier | undefined) {
  const make = trainingStep({ model, teacher: teacher?.logits, objective, optimizer: OPTIMIZER });
  return (inputs: Parameters<typeof make>[0]) => {
    const { accuracy, ...outputs } = make(inputs);
    return { ...outputs, small: accuracy };
  };
}

type Trained = MapTensors<ReturnType<ReturnType<typeof trainingFn>>, NdArray>;

function trainingNumbers({ parameters, buffers, optimizerState, terms }: Trained): Numbers {
  const groups = {
    updated: toPyTorch({ parameters, buffers }),
    velocity: toPyTorch({ parameters: optimizerState["velocity"]!, buffers: {} }),
    term: terms,
  };
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, arrays]) =>
      Object.entries(arrays).map(([name, array]) => [`${group}.${name}`, array])
    ),
  );
}

function product({ a, b }: { readonly a: Tensor; readonly b: Tensor }) {
  let product = a;
  for (let i = 0; i < PRODUCTS; i++) product = mul(matMul(product, b), PRODUCT_FACTOR);
  return { product, small: slice(product, [0, 0], [1, 1]) };
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
