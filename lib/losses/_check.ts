import type { Tensor } from "../engine/mod.ts";

/**
 * Checks what a loss was given, so that a wrong shape cannot broadcast without a word.
 *
 * @param name Name of the loss, for the message.
 * @param logits Should be float32 [B, classes] with at least two classes.
 * @param y Should be int32 [B].
 * @throws {TypeError} If they are not.
 */
export function checkLogitsAndLabels(name: string, logits: Tensor, y: Tensor): void {
  checkLogits(name, logits);
  if (y.dtype !== "int32" || y.shape.length !== 1 || y.shape[0] !== logits.shape[0]) {
    throw new TypeError(
      `Cannot take ${name} at labels of type ${y.dtype}[${y.shape}]: it needs int32[${logits.shape[0]}], ` +
        `one class for each row of the logits`,
    );
  }
}

/**
 * The same for a loss that takes probabilities of the classes as well.
 *
 * @param name Name of the loss, for the message.
 * @param logits Should be float32 [B, classes] with at least two classes.
 * @param y Should be int32 [B] or float32 [B, classes].
 * @throws {TypeError} If they are not.
 */
export function checkLogitsAndTargets(name: string, logits: Tensor, y: Tensor): void {
  if (y.shape.length !== 2) return checkLogitsAndLabels(name, logits, y);
  checkLogits(name, logits);
  if (y.dtype !== "float32" || y.shape.join() !== logits.shape.join()) {
    throw new TypeError(
      `Cannot take ${name} at probabilities of type ${y.dtype}[${y.shape}]: it needs float32[${logits.shape}], ` +
        `one for each class of each row of the logits`,
    );
  }
}

/**
 * Checks the logits of a loss.
 *
 * @param name Name of the loss, for the message.
 * @param logits Should be float32 [B, classes] with at least two classes.
 * @throws {TypeError} If they are not.
 */
export function checkLogits(name: string, logits: Tensor): void {
  if (logits.dtype !== "float32" || logits.shape.length !== 2 || logits.shape[1]! < 2) {
    throw new TypeError(
      `Cannot take ${name} of logits of type ${logits.dtype}[${logits.shape}]: ` +
        `it needs float32[batch, classes] with two classes or more`,
    );
  }
}
