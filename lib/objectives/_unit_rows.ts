import { add, mul, rsqrt, sign, square, sub, sum, type Tensor } from "../engine/mod.ts";

/** Rows [B, n] brought to length 1; a row of 0 stays 0, with no gradient. */
export function unitRows(rows: Tensor): Tensor {
  const squares = sum(square(rows), 1, true);
  const positive = sign(squares);
  return mul(rows, mul(positive, rsqrt(add(squares, sub(1, positive)))));
}
