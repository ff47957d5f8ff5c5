import { float32, int32, type NdArray, scalar } from "../core/mod.ts";
import { add, type MapTensors, mul, reshape, type Tensor, zerosLike } from "../engine/mod.ts";
import { ownTarget, unknownTarget } from "./_aim.ts";
import { type Iterated, iterated } from "./_iterated.ts";
import { planOf } from "./_plan.ts";
import { LOSS, unitL1 } from "./_programs.ts";
import type { FgsmSpec, PgdSpec } from "./attack.ts";
import { unitStarts } from "./random_start.ts";
import { NOT_LOOKED, type Slot, type SlotAttack, type SlotSetting, whereSlot } from "./slot_attack.ts";
import { project, steepestStep } from "./threat_model.ts";

type State = {
  /** Where the next step begins [B, H, W, C]. */
  readonly at: Tensor;
  /** Gradient there, or what has accumulated of it [B, H, W, C]. */
  readonly climb: Tensor;
};

type Trial = {
  /** Point of the unit ball where it starts [B, H, W, C]. */
  readonly start: Tensor;
  /** Class to be reached [B], int32; 0 where there is none. */
  readonly target: Tensor;
  /** Logits of the clean image [B, classes]. */
  readonly clean: Tensor;
};

type Feeds = {
  /** Length of a step [B]. */
  readonly length: Tensor;
};

/**
 * PGD or FGSM against a classifier with random outputs, over slots: each step follows the mean gradient over `samples`
 * draws. FGSM is its one step from the image itself.
 *
 * @param spec Its settings.
 * @param setting Classifier, radius and stream; starts are those of {@linkcode pgd}.
 * @returns The attack.
 */
export function expectedPgd(spec: FgsmSpec | PgdSpec, setting: SlotSetting): SlotAttack {
  const { inputShape, rng, eps, classes } = setting;
  const plan = planOf(spec, eps);
  const { norm, loss, steps, stepSize, restarts, randomStart, momentum, target } = plan;
  const attack: Iterated<State, Trial, Feeds> = {
    key: `pgd${randomStart ? "" : " from clean"} ${norm} ${loss}${
      momentum === undefined ? "" : ` momentum ${momentum}`
    }${target === undefined ? "" : " t"}`,
    steps: steps + 1,
    trials: restarts,
    state: (shape) => ({ at: float32(shape), climb: float32(shape) }),
    trial: (slot) =>
      ({
        start: randomStart
          ? float32(inputShape, unitStarts([1, ...inputShape], norm, Int32Array.of(slot.id), rng, slot.trial).data)
          : float32(inputShape),
        target: int32([], [targetOf(slot, target, classes)]),
        clean: float32([classes], slot.clean ?? new Float32Array(classes)),
      }) as MapTensors<Trial, NdArray>,
    feeds: () => ({ length: scalar(stepSize) }),
    loss: (logits, y, trial) =>
      LOSS[loss](logits, y, { clean: trial.clean, ...target === undefined ? {} : { target: trial.target } }),
    place: ({ x, fresh, eps, state: { at, climb }, trial, feeds }) => {
      const step = mul(steepestStep(climb, norm), reshape(feeds.length, [-1, 1, 1, 1]));
      return project(whereSlot(fresh, add(x, mul(trial.start, eps)), add(at, step)), x, norm, eps);
    },
    update: ({ fresh, state }, at, { grad, looked }) => {
      const gathered = () => {
        const now = unitL1(grad);
        return whereSlot(fresh, now, add(mul(state.climb, momentum!), now));
      };
      // The clean image has been judged already: a lucky draw of it is no news.
      const margin = randomStart ? looked : whereSlot(fresh, add(zerosLike(looked), NOT_LOOKED), looked);
      return { state: { at, climb: momentum === undefined ? grad : gathered() }, looked: at, margin };
    },
  };
  return iterated(attack, setting, spec.samples ?? 1);
}

/** The class that an image is led to; 0 where there is none. */
function targetOf({ id, label, order }: Slot, target: PgdSpec["target"], classes: number): number {
  if (target === undefined) return 0;
  if (target === "leastLikely") return order.at(-1)!;
  if (target === "next") return (label + 1) % classes;
  if (target >= classes) throw unknownTarget(target, classes);
  if (target === label) throw ownTarget(target, id);
  return target;
}
