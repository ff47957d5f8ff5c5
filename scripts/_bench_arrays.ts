import {
  createModel,
  encodeSafetensors,
  float32,
  type ImagenetResnetSpec,
  int32,
  KDIGA_PAPER,
  type KdSpec,
  type Model,
  type ModelSpec,
  type NdArray,
  parseEps,
  PGD_AT,
  rng,
  type SgdSpec,
  toPyTorch,
  unitStarts,
  type VitSpec,
  type Weights,
} from "../mod.ts";

/** A network and a batch to measure with. */
export interface BenchCase {
  /**
   * A CIFAR ResNet-18, or a vision transformer of 12 blocks on patches of 4x4 with heads of 64: ViT-Tiny at width 192.
   * @default {"resnet18"}
   */
  readonly kind?: "resnet18" | "vit";
  /** Channels of the first stage of the ResNet-18, or numbers of a token. */
  readonly width: number;
  /** Images per call. */
  readonly batch: number;
  /**
   * Height and width of an image.
   * @default {32}
   */
  readonly size?: number;
  /** Another network, in place of those. */
  readonly spec?: ModelSpec;
  /**
   * Nonlinearity; a smooth one is for comparing, where a ReLU's kink makes percents of rounding.
   * @default {"relu", or "gelu" of a vision transformer}
   */
  readonly activation?: "relu" | "gelu" | "tanh";
}

/** What a step may need besides the student and the batch. */
export type BenchPart = "teacher" | "linear" | "matrices";

/** Networks and arrays of a case; the functions make the same anew at every call. */
export interface BenchArrays {
  /** Student and teacher. */
  readonly model: Model;
  /** A linear classifier, as a teacher whose input gradient costs next to nothing. */
  readonly linearModel: Model;
  /** Pixels [B, H, W, 3]. */
  readonly x: NdArray<"float32">;
  /** Classes [B]. */
  readonly y: NdArray<"int32">;
  /** Image ids [B]. */
  readonly ids: Int32Array;
  /** Weights of the student. */
  readonly student: () => Weights<NdArray>;
  /** Weights of the teacher. */
  readonly teacher: () => Weights<NdArray>;
  /** Weights of the linear classifier. */
  readonly linear: () => Weights<NdArray>;
  /** Factors of the matrix product, [MATMUL, MATMUL]. */
  readonly matrices: () => { readonly a: NdArray; readonly b: NdArray };
}

const CLASSES = 10;

/** Rows and columns of the matrices: large enough to be as fast as the engine gets. */
export const MATMUL = 1024;
/** Products in a row: one alone is over before the threads are at work, and says little of what they can do. */
export const PRODUCTS = 8;
/** Keeps the numbers of the products around 1; it costs nothing beside them. */
export const PRODUCT_FACTOR = 1 / Math.sqrt(MATMUL / 3);

/** Update of all training steps. */
export const OPTIMIZER: SgdSpec = { kind: "sgd", momentum: 0.9, weightDecay: 5e-4 };
/** Its rate. */
export const LEARNING_RATE = 0.1;
/** The attack, alone and within adversarial training. */
export const ATTACK = PGD_AT;
/** Where the attack starts. */
export const ATTACK_RNG = rng(4, "bench", "attack");
/** The distillation without gradients. */
export const KD: KdSpec = { kind: "kd", alpha: 0.5, temperature: 4 };
/** The distillation with gradients. */
export const KDIGA = KDIGA_PAPER;

/** The arrays of a case, from fixed seeds. */
export function benchArrays(one: BenchCase): BenchArrays {
  const { batch, size = 32 } = one;
  const shape = { classes: CLASSES, inputShape: [size, size, 3] } as const;
  const model = createModel(one.spec ?? specOf(one), shape);
  const linearModel = createModel({ kind: "mlp", hidden: [] }, shape);
  const random = rng(1, "bench");
  const images = [batch, ...shape.inputShape];
  const network = (role: string) => varied(model.init(random.child(role)), role);
  return {
    model,
    linearModel,
    x: float32(images, random.child("x").uniform(images)),
    y: int32([batch], Array.from({ length: batch }, (_, i) => i % CLASSES)),
    ids: Int32Array.from({ length: batch }, (_, i) => i),
    student: () => network("student"),
    teacher: () => network("teacher"),
    linear: () => linearModel.init(random.child("linear")),
    matrices: () => ({
      a: float32([MATMUL, MATMUL], random.child("a").uniform([MATMUL, MATMUL], -1, 1)),
      b: float32([MATMUL, MATMUL], random.child("b").uniform([MATMUL, MATMUL], -1, 1)),
    }),
  };
}

function specOf({ kind = "resnet18", width, ...one }: BenchCase): ImagenetResnetSpec<"resnet18"> | VitSpec {
  if (kind === "resnet18") return { kind, width, activation: one.activation ?? "relu" };
  const heads = Math.max(1, Math.floor(width / 64));
  return { kind, patch: 4, depth: 12, dim: width, heads, activation: one.activation ?? "gelu" };
}

/** Batch norm's zeros and ones moved a little: else a factor or a mean that is left out would not show. */
function varied({ parameters, buffers }: Weights<NdArray>, role: string): Weights<NdArray> {
  const random = rng(2, "bench", role);
  const vary = (arrays: Weights<NdArray>["parameters"]) =>
    Object.fromEntries(
      Object.entries(arrays).map(([name, array]) => {
        if (array.shape.length !== 1) return [name, array];
        const noise = random.child(name).uniform(array.shape, -0.2, 0.2);
        return [name, float32(array.shape, noise.map((value, i) => value + array.data[i]!))];
      }),
    );
  return { parameters: vary(parameters), buffers: vary(buffers) };
}

/**
 * What PyTorch needs to run the same steps, as a safetensors file: weights in its layouts, images as they are here, and
 * all settings.
 */
export function encodeCase(one: BenchCase, parts: ReadonlySet<BenchPart>): Uint8Array {
  const { model, linearModel: _, x, y, ids, ...arrays } = benchArrays(one);
  const prefixed = (role: string, weights: Weights<NdArray>) =>
    Object.entries(toPyTorch(weights)).map(([name, array]) => [`${role}.${name}`, array] as const);
  const tensors = Object.fromEntries([
    ["x", x],
    ["y", y],
    ["unit", unitStarts(x.shape, "Linf", ids, ATTACK_RNG, 0)],
    ...prefixed("student", arrays.student()),
    ...(parts.has("teacher") ? prefixed("teacher", arrays.teacher()) : []),
    ...(parts.has("linear") ? prefixed("linear", arrays.linear()) : []),
    ...(parts.has("matrices") ? Object.entries(arrays.matrices()) : []),
  ]);
  const { inputShape, classes } = model;
  const network = { spec: specOf(one), inputShape, classes };
  const linear = { spec: { kind: "mlp", hidden: [] }, inputShape, classes };
  const settings = {
    models: { student: network, teacher: network, linear },
    optimizer: { ...OPTIMIZER, learningRate: LEARNING_RATE },
    attack: { eps: parseEps(ATTACK.eps), stepSize: parseEps(ATTACK.stepSize!), steps: ATTACK.steps },
    kd: KD,
    kdiga: KDIGA,
    products: { count: PRODUCTS, factor: PRODUCT_FACTOR },
  };
  return encodeSafetensors({ tensors, metadata: { settings: JSON.stringify(settings) } });
}
