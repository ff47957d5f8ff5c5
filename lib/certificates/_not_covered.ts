import { UsageError } from "../core/mod.ts";
import type { KernelCall } from "../engine/mod.ts";

/** Refuses an operator that has no bounds. */
export function notCovered({ kernel, operands }: KernelCall): never {
  const product = Object.values(operands).filter((operand) => "value" in operand).length > 1;
  throw new UsageError(
    `Cannot bound the classifier as its operator "${kernel}"${product ? " of two tensors" : ""} is not covered: ` +
      "use a network of linear layers, convolutions, normalisation in evaluation mode, pools and nonlinearities",
  );
}
