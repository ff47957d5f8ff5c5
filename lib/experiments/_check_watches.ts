import { MAX_EPS, validateSpec } from "../attacks/mod.ts";
import { parseEps, UsageError } from "../core/mod.ts";
import { eps } from "./_schema_fields.ts";
import type { Experiment } from "./experiment.ts";
import { type Check, flag, integer, number, object, oneOf, optional } from "./schema.ts";
import { networksOf } from "./teacher.ts";
import { type AlarmSpec, bestName, watchAttack, type WatchSpec } from "./watch.ts";

/** Fields of a watch. */
export const WATCH_CHECK: Check = object<WatchSpec>({
  every: optional(integer()),
  n: integer(),
  eps,
  steps: optional(integer()),
  stepSize: optional(eps),
  batchSize: optional(integer()),
  select: optional(oneOf("last", "bestValidation")),
  alarm: optional(object<AlarmSpec>({ share: number(0, 1), action: oneOf("report", "stop", "rollBack") })),
  theory: optional(flag),
});

/** Checks what the watches of an experiment would find out only after training began. */
export function checkWatches(experiment: Experiment): void {
  const { data, teacher, students } = experiment;
  const networks = networksOf(experiment);
  for (const network of networks) {
    const { name, epochs, watch, average } = network;
    if (watch === undefined) continue;
    const fail = (why: string, advice: string): never => {
      throw new UsageError(`Cannot watch "${name}" as ${why}: ${advice}`);
    };
    if (!("validation" in data) || !data.validation) {
      fail("its data have no validation images", 'set some aside by "data.validation", or leave the watch out');
    }
    if (epochs === 0) fail("it is not trained", "leave the watch out, or train it for some epochs");
    if (watch.theory === true && (teacher === undefined || !students.includes(network))) {
      fail("the theory compares with a teacher and it has none", 'leave "watch.theory" to students of one');
    }
    if (average?.kind === "swa" && average.weights !== "last") {
      fail(
        "the running statistics of its average are taken when training is over",
        'keep one of kind "ema", or set "average.weights" to "last"',
      );
    }
    if (networks.some((other) => other.name === bestName(name))) {
      fail(`its best weights are named "${bestName(name)}", as another network is`, "rename that one");
    }
    validateSpec(watchAttack(watch), [parseEps(watch.eps, MAX_EPS.Linf)], "watch");
  }
}
