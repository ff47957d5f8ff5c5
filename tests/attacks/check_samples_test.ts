import { assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { checkSamples } from "../../lib/attacks/mod.ts";

const SAME = "of a classifier without random outputs as they would all be alike";

Deno.test("checkSamples() refuses to average where nothing is drawn, in ensembles too", () => {
  for (const spec of [{ kind: "fgsm" }, { kind: "pgd", steps: 2 }, { kind: "apgd" }] as const) {
    const message = `Cannot average over 3 samples ${SAME}: leave samples out`;
    assertThrows(() => checkSamples({ ...spec, samples: 3 }, {}), UsageError, message);
    assertThrows(
      () => checkSamples({ kind: "autoattack", version: [{ ...spec, samples: 3 }] }, {}),
      UsageError,
      message,
    );
    checkSamples({ ...spec, samples: 1 }, {});
    checkSamples({ ...spec, samples: 3 }, { noise: () => [] });
  }
  assertThrows(
    () => checkSamples({ kind: "autoattack", version: "rand" }, {}),
    UsageError,
    `Cannot average over 20 samples ${SAME}: use another version than "rand"`,
  );
  checkSamples({ kind: "autoattack" }, {});
  checkSamples({ kind: "autoattack", version: "rand" }, { noise: () => [] });
});
