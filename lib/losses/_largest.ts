import { argMax, mul, oneHot, stopGradient, sub, sum, type Tensor } from "../engine/mod.ts";

/**
 * The largest logits of each row, in falling order; of equal ones that of the lower class first.
 *
 * Traced. Which classes they are is found first and held constant, then each is a linear function of the logits, so the
 * gradient is exact wherever they are unique.
 *
 * @param logits z [B, C], |z| < 1e38.
 * @param count How many, at most C.
 * @returns As many logits [B].
 */
export function largest(logits: Tensor, count: number): Tensor[] {
  const classes = logits.shape[1]!;
  const found: Tensor[] = [];
  let rest = stopGradient(logits);
  for (let k = 0; k < count; k++) {
    const first = oneHot(argMax(rest, -1), classes);
    found.push(sum(mul(logits, first), -1));
    rest = sub(rest, mul(first, 2e38));
  }
  return found;
}
