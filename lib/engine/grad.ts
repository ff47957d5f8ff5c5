import { tf } from "./tensorflow.ts";
import type { Tensor } from "./tensorflow.ts";
import { flatten, isTensor, type MapTensors, mapTree } from "./tree.ts";

const kept: Tensor[] = [];

/**
 * Keeps a tensor that was made inside a differentiated function usable outside of it, until the traced program ends
 * (running statistics, logits of an inner forward pass). Returns the tensor.
 */
export function hold(tensor: Tensor): Tensor {
  kept.push(tf.keep(tensor));
  return tensor;
}

/** Disposes of what {@linkcode valueAndGrad} handed out; an engine calls it when a traced function has returned. */
export function disposeKept(): void {
  for (const tensor of kept.splice(0)) tensor.dispose();
}

/**
 * Value of a scalar function and its gradient with respect to a tree of tensors. Can be nested: the gradient can be
 * differentiated again.
 *
 * @param f From the tree to a scalar `value`, and whatever else it wants to hand out (`aux`, not differentiated).
 * @param at Where to differentiate: a tensor or a tree of tensors.
 * @returns value [], grad of the form of `at` (zeros where the value does not depend on a tensor), aux.
 * @throws {TypeError} If the value is not a scalar.
 *
 * @example Usage
 * ```ts
 * import { crossEntropy, sum, type Tensor, valueAndGrad } from "@kdiga/kdiga";
 *
 * // In a traced function: the input gradient of the cross-entropy, one row per image.
 * function inputGradientOf(logits: (x: Tensor) => Tensor, x: Tensor, y: Tensor): Tensor {
 *   return valueAndGrad((at: Tensor) => ({ value: sum(crossEntropy(logits(at), y)) }), x).grad;
 * }
 * ```
 */
export function valueAndGrad<T, A = undefined>(
  f: (at: T) => { readonly value: Tensor; readonly aux?: A },
  at: T,
): { readonly value: Tensor; readonly grad: MapTensors<T, Tensor>; readonly aux: A } {
  const tensors = flatten(at, isTensor).map(([, tensor]) => tensor);
  let aux: A | undefined;
  const run = (...xs: Tensor[]): Tensor => {
    let next = 0;
    const result = f(mapTree(at, isTensor, () => xs[next++]!) as T);
    if (result.value.rank !== 0) {
      throw new TypeError(`Cannot differentiate a value of shape [${result.value.shape}]: it must be a scalar`);
    }
    aux = result.aux;
    // The engine ends a scope of its own after f; what f hands out must outlive it.
    for (const [, tensor] of flatten(aux, isTensor)) hold(tensor);
    return result.value;
  };
  const { value, grads } = tf.engine().gradients(() => run(...tensors), tensors, undefined, true);
  const list = grads.map((grad, index) => grad ?? tf.zerosLike(tensors[index]!));
  let next = 0;
  return { value, grad: mapTree(at, isTensor, () => list[next++]) as MapTensors<T, Tensor>, aux: aux as A };
}
