import { MAX_EPS, validateSpec } from "../attacks/mod.ts";
import { parseEps, UsageError } from "../core/mod.ts";
import { eps } from "./_schema_fields.ts";
import type { Experiment } from "./experiment.ts";
import { type Check, flag, integer, number, object, oneOf, optional } from "./schema.ts";
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
export function checkWatches({ data, teacher, students }: Experiment): void {
  const names = [teacher, ...students].map(({ name }) => name);
  for (const network of [teacher, ...students]) {
    const { name, epochs, watch } = network;
    if (watch === undefined) continue;
    const fail = (why: string, advice: string): never => {
      throw new UsageError(`Cannot watch "${name}" as ${why}: ${advice}`);
    };
    if (!("validation" in data) || !data.validation) {
      fail("its data have no validation images", 'set some aside by "data.validation", or leave the watch out');
    }
    if (epochs === 0) fail("it is not trained", "leave the watch out, or train it for some epochs");
    if (watch.theory === true && network === teacher) {
      fail("the theory compares with a teacher and it has none", 'leave "watch.theory" to students');
    }
    if (names.includes(bestName(name))) {
      fail(`its best weights are named "${bestName(name)}", as another network is`, "rename that one");
    }
    validateSpec(watchAttack(watch), [parseEps(watch.eps, MAX_EPS.Linf)], "watch");
  }
}
