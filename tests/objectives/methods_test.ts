import { assert, assertEquals } from "@std/assert";
import * as objectives from "../../lib/objectives/mod.ts";

const { METHODS, OBJECTIVES, objectiveOf } = objectives;

Deno.test("METHODS has every objective, with presets that can be used and are the constants they are named by", () => {
  const exported = new Map<string, unknown>(Object.entries(objectives));
  const kinds = new Set<string>();
  const named = new Set<string>();
  for (const [name, { paper, others = [], releasedCode }] of Object.entries(METHODS)) {
    for (const preset of [paper, ...others, ...(releasedCode?.preset ? [releasedCode.preset] : [])]) {
      objectiveOf(preset.spec);
      kinds.add(preset.spec.kind);
      if (preset.name === undefined) continue;
      named.add(preset.name);
      assert(exported.get(preset.name) === preset.spec, `${preset.name} of ${name}`);
    }
  }
  assertEquals([...kinds].sort(), Object.keys(OBJECTIVES).sort());
  // And no preset is left out.
  const all = Object.keys(objectives).filter((name) =>
    /^[A-Z0-9_]+$/.test(name) && !/^(OBJECTIVES|METHODS)$/.test(name)
  );
  assertEquals([...named].sort(), all.sort());
});

Deno.test("METHODS says of released code where it stands and what it does otherwise", () => {
  for (const [name, { releasedCode }] of Object.entries(METHODS)) {
    if (releasedCode === undefined) continue;
    assert(/^[\w-]+\/[\w-]+@[0-9a-f]{7}\/\S+\.py/.test(releasedCode.source), `${name}: ${releasedCode.source}`);
    assert(releasedCode.differs.length > 0, name);
  }
});
