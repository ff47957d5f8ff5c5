import { hold, type Tensor } from "../engine/mod.ts";
import type { Model } from "../models/mod.ts";
import type { Named } from "./optimizer.ts";
import type { BatchNormUpdates } from "./step.ts";

/** A student whose forward passes leave a trace. */
export interface TrackedStudent {
  /** Forward pass in training mode. */
  readonly forward: (x: Tensor) => Tensor;
  /** Running statistics after the passes so far. */
  readonly buffers: () => Named<Tensor>;
  /** Logits of the first pass; undefined before it. */
  readonly firstLogits: () => Tensor | undefined;
}

/**
 * Makes a student's forward pass that keeps the running statistics.
 *
 * @param model The student.
 * @param parameters Its parameters.
 * @param before Running statistics before the first pass.
 * @param updates Which passes move them.
 * @param noise What decides for every pass what is dropped [B, n].
 */
export function trackedStudent(
  model: Model,
  parameters: Named<Tensor>,
  before: Named<Tensor>,
  updates: BatchNormUpdates,
  noise?: Tensor,
): TrackedStudent {
  let buffers = before;
  let firstLogits: Tensor | undefined;
  const forward = (x: Tensor): Tensor => {
    const after = model.apply({ parameters, buffers }, x, "train", noise);
    if (firstLogits === undefined || updates === "every") buffers = holdNew(after.buffers, buffers);
    firstLogits ??= hold(after.logits);
    return after.logits;
  };
  return { forward, buffers: () => buffers, firstLogits: () => firstLogits };
}

/**
 * A pass may run inside a gradient of its own, whose scope ends before the step does. What the pass only handed on is
 * its giver's, and not held.
 */
function holdNew(after: Named<Tensor>, before: Named<Tensor>): Named<Tensor> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value === before[name] ? value : hold(value)]),
  );
}
