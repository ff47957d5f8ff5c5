import { float32, int32, type NdArray, sizeOf, UsageError } from "../core/mod.ts";
import {
  abs,
  broadcastTo,
  cachedProgram,
  type Engine,
  type KernelCall,
  mul,
  oneHot,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  takeTree,
  type Tensor,
  valueAndGrad,
} from "../engine/mod.ts";
import type { Classifier, Weights } from "../models/mod.ts";
import { apply } from "./_boxes.ts";
import type { CertifiedNorm } from "./bound_spec.ts";
import { checkImages } from "./_check_images.ts";
import { LINEAR_KERNELS } from "./_linear_kernels.ts";
import { marginFactors } from "./_margin_factors.ts";
import { type Network, recordNetwork } from "./_network.ts";

/** What a piecewise linear classifier is around one image, and what that certifies. */
export interface LocalCertificate {
  /** Margins m_k = z_y - z_k at the image [classes]; 0 at the class itself. */
  readonly margins: Float32Array;
  /** Their gradients by the pixels [classes, pixels]. */
  readonly gradients: Float32Array;
  /** Radius of the largest ball in which the classifier is the linear function that it is at the image. */
  readonly regionRadius: number;
  /** min_k m_k / ||grad m_k||_q, q dual to the norm: where that linear function changes its class; 0 where misclassified. */
  readonly marginRadius: number;
  /** The smaller of the two: no image within it is misclassified. */
  readonly radius: number;
}

/** Images, and how far from them is asked. */
export interface LocalQuestion {
  /** Pixels [n, H, W, C]. */
  readonly x: NdArray<"float32">;
  /** Classes [n]. */
  readonly y: NdArray<"int32">;
  /** Norm of the balls. */
  readonly norm: CertifiedNorm;
  /** Units that are differentiated at once. @default {64} */
  readonly batchSize?: number;
}

/**
 * The exact certificate of the linear region of each image. A network of linear layers and ReLUs is affine on the
 * polytope where no unit changes its sign, so that the largest ball inside is min_u |t_u| / ||grad t_u||_q over all
 * inputs t_u of ReLUs (of minimum and maximum with a constant c, t_u = input - c), and within it
 * m_k(x + d) = m_k + d . grad m_k >= m_k - ||d|| ||grad m_k||_q. A backward pass for every unit: for networks of up to
 * some 10^5 units. Balls are not cut to [0,1].
 *
 * Numbers are computed in float32 and not rounded outwards: they are right to about 1e-5 of themselves, and a bound that
 * must hold is to be had from {@linkcode boundMargins}.
 *
 * @param engine Where it runs.
 * @param classifier The network.
 * @param question Images and norm.
 * @returns A certificate per image.
 * @throws {UsageError} If the network has an operator that is not piecewise linear, or is a max-pool, or is random.
 * @throws {DataError} If images do not fit the classifier, or a pixel or class is out of range.
 * @throws {RangeError} If no unit is to be differentiated at once.
 *
 * Source: Croce, Andriushchenko, Hein, "Provable robustness of ReLU networks via maximization of linear regions" (2019),
 * theorem 3.1.
 */
export async function localCertificates(
  engine: Engine,
  classifier: Classifier,
  { x, y, norm, batchSize = 64 }: LocalQuestion,
): Promise<LocalCertificate[]> {
  checkImages(classifier, { x, y, norm });
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`Cannot differentiate ${batchSize} units at once: it needs an integer of 1 or more`);
  }
  const { inputShape, classes, weights } = classifier;
  const size = sizeOf(inputShape);
  const certificates: LocalCertificate[] = [];
  for (const [i, label] of y.data.entries()) {
    const image = float32([1, ...inputShape], x.data.subarray(i * size, (i + 1) * size));
    const asked = { weights, x: image, y: int32([1], [label]) };
    const at = await takeTree(engine, await marginProgram(engine, classifier, norm)(asked)) as AtImage<NdArray>;
    let regionRadius = Infinity;
    for (const [kink, { data }] of at.inputs.entries()) {
      const program = kinkProgram(engine, classifier, norm, kink, batchSize);
      for (let from = 0; from < data.length; from += batchSize) {
        const units = int32(
          [batchSize],
          Array.from({ length: batchSize }, (_, r) => Math.min(from + r, data.length - 1)),
        );
        const { norms } = await takeTree(engine, await program({ weights, x: image, units })) as { norms: NdArray };
        for (const [r, unit] of units.data.entries()) {
          // A unit that does not depend on the pixels changes nowhere.
          const length = norms.data[r]!;
          if (length > 0) regionRadius = Math.min(regionRadius, Math.abs(data[unit]!) / length);
        }
      }
    }
    const margins = at.margins.data as Float32Array;
    let marginRadius = Infinity;
    for (let k = 0; k < classes; k++) {
      if (k === label) continue;
      const margin = Math.max(0, margins[k]!);
      marginRadius = Math.min(marginRadius, margin === 0 ? 0 : margin / at.norms.data[k]!);
    }
    certificates.push({
      margins,
      gradients: at.gradients.data as Float32Array,
      regionRadius,
      marginRadius,
      radius: Math.min(regionRadius, marginRadius),
    });
  }
  return certificates;
}

/** A place where a network bends: the input of a nonlinear kernel, and at which value of it. */
interface Kink {
  readonly call: KernelCall;
  readonly id: number;
  readonly at: Tensor | undefined;
}

/** Where a network bends, in its order. */
function kinksOf({ calls }: Network): Kink[] {
  return calls.flatMap((call): Kink[] => {
    const operands = Object.values(call.operands);
    const inputs = operands.flatMap((it) => "value" in it ? [it.value.id] : []);
    const constants = operands.flatMap((it) => "constant" in it ? [it.constant] : []);
    if (call.kernel === "Relu") return [{ call, id: inputs[0]!, at: undefined }];
    if (["Minimum", "Maximum"].includes(call.kernel) && inputs.length === 1) {
      return [{ call, id: inputs[0]!, at: constants[0]! }];
    }
    if (!Object.hasOwn(LINEAR_KERNELS, call.kernel)) {
      throw new UsageError(
        `Cannot find the linear region of a classifier with the operator "${call.kernel}": use one of linear layers, ` +
          "convolutions, normalisation in evaluation mode, average pools and ReLUs",
      );
    }
    return [];
  });
}

/** Values of a network at images, up to the input of a call where one is given. */
function replay({ calls }: Network, x: Tensor, until?: KernelCall): Map<number, Tensor> {
  const values = new Map([[0, x]]);
  for (const call of calls) {
    if (call === until) break;
    const operands = Object.fromEntries(
      Object.entries(call.operands).flatMap(([key, it]) => "value" in it ? [[key, values.get(it.value.id)!]] : []),
    );
    apply(call, operands).forEach((tensor, i) => values.set(call.outputs[i]!.id, tensor));
  }
  return values;
}

/** How far the inputs of a kink are from where it bends, [rows, units]. */
function distanceFrom({ id, at }: Kink, values: ReadonlyMap<number, Tensor>): Tensor {
  const value = values.get(id)!;
  return reshape(at === undefined ? value : sub(value, at), [value.shape[0]!, -1]);
}

/** ||g||_q of each row, q dual to the norm of the ball. */
function dualNorms(gradient: Tensor, norm: CertifiedNorm): Tensor {
  const rows = reshape(gradient, [gradient.shape[0]!, -1]);
  return norm === "Linf" ? sum(abs(rows), 1) : sqrt(sum(square(rows), 1));
}

interface AtImage<T> {
  readonly margins: T;
  readonly gradients: T;
  readonly norms: T;
  readonly inputs: readonly T[];
}

interface ImageInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly y: Tensor;
}

function marginProgram(engine: Engine, { logits, classes }: Classifier, norm: CertifiedNorm) {
  return cachedProgram(engine, logits, `local margins, ${norm}`, () => ({ weights, x, y }: ImageInputs) => {
    const of = (x: Tensor) => logits(weights, x);
    const network = recordNetwork(of, x.shape);
    const values = replay(network, x);
    const factors = reshape(marginFactors(y, classes), [classes, classes]);
    const copies = broadcastTo(x, [classes, ...x.shape.slice(1)]);
    const { grad, aux } = valueAndGrad((at: Tensor) => {
      const margins = sum(mul(of(at), factors), 1);
      return { value: sum(margins), aux: margins };
    }, copies);
    return {
      margins: aux,
      gradients: reshape(grad, [classes, -1]),
      norms: dualNorms(grad, norm),
      inputs: kinksOf(network).map((kink) => reshape(distanceFrom(kink, values), [-1])),
    };
  });
}

interface KinkInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
  readonly units: Tensor;
}

/** Dual norms of the gradients of some inputs of a kink [rows]. */
function kinkProgram(engine: Engine, { logits }: Classifier, norm: CertifiedNorm, kink: number, rows: number) {
  const key = `linear region, kink ${kink}, ${rows} units, ${norm}`;
  return cachedProgram(engine, logits, key, () => ({ weights, x, units }: KinkInputs) => {
    const copies = broadcastTo(x, [rows, ...x.shape.slice(1)]);
    const network = recordNetwork((x) => logits(weights, x), copies.shape);
    const it = kinksOf(network)[kink]!;
    const { grad } = valueAndGrad((at: Tensor) => {
      const distances = distanceFrom(it, replay(network, at, it.call));
      const [, width = 0] = distances.shape;
      return { value: sum(width === 1 ? distances : mul(distances, oneHot(units, width))) };
    }, copies);
    return { norms: dualNorms(grad, norm) };
  });
}
