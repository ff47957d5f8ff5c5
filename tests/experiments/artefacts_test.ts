import { assert, assertEquals } from "@std/assert";
import { type EvaluationRow, wilson } from "../../lib/core/mod.ts";
import { ARTEFACTS, expandSweep, networksOf, PRESETS, SWEEPS } from "../../lib/experiments/mod.ts";
import { viewsOf } from "../report/_spec.ts";
import { attackName, componentsOf } from "../../lib/attacks/mod.ts";

/** Rows that the run or sweep of an artefact would have. */
function rowsOf(name: string): EvaluationRow[] {
  const { from } = ARTEFACTS[name]!;
  const experiments = "preset" in from
    ? [PRESETS[from.preset]!]
    : [...expandSweep(SWEEPS[from.sweep]!).origins, ...expandSweep(SWEEPS[from.sweep]!).runs].map((run) =>
      run.experiment
    );
  const methods = new Set(experiments.flatMap((experiment) => networksOf(experiment).map((network) => network.name)));
  const { attacks, eps } = experiments[0]!.evaluation;
  const names = attacks.flatMap((attack) => [
    attackName(attack),
    ...(attack.kind === "autoattack" ? componentsOf(attack).map(({ spec }) => `autoattack.${attackName(spec)}`) : []),
  ]);
  const row = { n: 100, correct: 40, ...wilson(40, 100) };
  return [...methods].flatMap((method) => [
    { method, attack: "clean", eps: "0", ...row },
    ...[...names, "worst"].flatMap((attack) => eps.map((eps) => ({ method, attack, eps, ...row }))),
  ]);
}

for (const [name, { wants = () => true, make }] of Object.entries(ARTEFACTS)) {
  Deno.test(`the artefact ${name} is made of rows that its run has`, () => {
    const rows = rowsOf(name).filter(wants);
    assert(rows.length > 0);
    const made = make({ rows });
    const text = typeof made === "string" ? made : JSON.stringify(made);
    assertEquals([text.includes("KDIGA"), text.includes("autoattack.")], [true, false]);
  });
}

Deno.test("the artefact study-weights has all four weights, that of the study's own students among them", () => {
  const { wants, make } = ARTEFACTS["study-weights"]!;
  const made = make({ rows: rowsOf("study-weights").filter(wants!) });
  if (typeof made === "string") throw new Error("it is a figure");
  const points = viewsOf(made).flatMap(({ rows }) => rows).filter(({ attack, n }) => attack === "PGD-20" && n === 100);
  assertEquals([...new Set(points.map(({ weight }) => weight))], [1, 4, 16, 64]);
});
