/** Probabilities of the classes, softmax of logits. */
export function probabilitiesOf(logits: Float32Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const exps = Float64Array.from(logits, (logit) => Math.exp(logit - top));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((exp) => exp / sum);
}

/** Margin z_y - max_{k != y} z_k in float32, as the library's: negative where an image is misclassified. */
export function marginOf(logits: Float32Array, label: number): number {
  let other = -Infinity;
  logits.forEach((logit, k) => other = k === label ? other : Math.max(other, logit));
  return Math.fround(logits[label]! - other);
}

/** The class of the highest logit; of equal ones the first. */
export function topClass(logits: Float32Array): number {
  return logits.reduce((top, logit, k) => logit > logits[top]! ? k : top, 0);
}
