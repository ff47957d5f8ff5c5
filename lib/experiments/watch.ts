import type { PgdSpec } from "../attacks/mod.ts";
import type { AlarmAction } from "../core/mod.ts";

/**
 * How a network is watched while it is trained, on validation images alone: the weights that training would hand out if
 * it ended there, the moving average where one is kept for that. Plain JSON.
 */
export interface WatchSpec {
  /** Epochs between two looks; the last epoch is looked at whatever it is. @default {1} */
  readonly every?: number;
  /** The first n validation images. */
  readonly n: number;
  /** Radius of the attack in pixel units, Linf. */
  readonly eps: string;
  /** Steps of PGD, from a random start. @default {5} */
  readonly steps?: number;
  /** Length of a step in pixel units. @default {that of PGD} */
  readonly stepSize?: string;
  /** Images per batch; changes the time it takes, not the accuracies. @default {100} */
  readonly batchSize?: number;
  /**
   * Which weights the run hands on, as the teacher of its students for one: the last, or those of the epoch of highest
   * accuracy under the attack (of equal ones that of the higher clean accuracy, then the earlier). Both are kept, evaluated
   * and reported whichever it is, the latter under the name of the network with ".best" behind.
   * @default {"last"}
   */
  readonly select?: "last" | "bestValidation";
  /** Against catastrophic overfitting. @default {none} */
  readonly alarm?: AlarmSpec;
  /** Measure both sides of the theory's bound against the teacher. @default {false} */
  readonly theory?: boolean;
}

/**
 * Tells that the accuracy under the watch's attack has broken down, as it does within an epoch or two where training with
 * one step of attack overfits to that step.
 *
 * Source: Wong, Rice, Kolter, "Fast is better than free: revisiting adversarial training" (2020), section 5.3, which
 * looks at PGD accuracy on training images to stop before. Differs in looking at validation images.
 */
export interface AlarmSpec {
  /** It goes off below this share of the best accuracy so far, such as 0.5. */
  readonly share: number;
  /** Say so; end with the weights there are; or end with those of the last look before. */
  readonly action: AlarmAction;
}

/**
 * The attack of a watch.
 *
 * @param watch The watch.
 * @returns PGD of its steps, from a random start.
 */
export function watchAttack({ steps = 5, stepSize }: WatchSpec): PgdSpec {
  return { kind: "pgd", steps, ...(stepSize === undefined ? {} : { stepSize }) };
}

/**
 * Names the weights that were best on validation images, in rows and files.
 *
 * @param name Name of the network: "kd".
 * @returns "kd.best".
 */
export function bestName(name: string): string {
  return `${name}.best`;
}

/**
 * Names the weights that a network hands on.
 *
 * @param network Its name, and how it is watched.
 * @returns "kd.best" where the watch selects the best, else "kd".
 */
export function selectedName({ name, watch }: { readonly name: string; readonly watch?: WatchSpec }): string {
  return watch?.select === "bestValidation" ? bestName(name) : name;
}
