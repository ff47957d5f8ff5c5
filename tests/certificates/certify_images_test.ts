import { assert, assertEquals, assertRejects } from "@std/assert";
import { float32, int32, rng, UsageError } from "../../lib/core/mod.ts";
import { certifiedRadii, certifyImages } from "../../lib/certificates/mod.ts";
import { createEngine } from "../../lib/engine/mod.ts";
import { randomMlp } from "./_networks.ts";

Deno.test("images are certified at the radii up to their certified radius, and not beyond", async () => {
  await using engine = await createEngine("reference");
  const { classifier } = randomMlp([3, 5, 2], 4);
  const question = {
    x: float32([4, 1, 1, 3], rng(1, "x").uniform(12, 0, 1)),
    y: int32([4], [0, 1, 0, 1]),
    ids: [3, 4, 5, 6],
    name: "net",
    norm: "Linf",
    method: { kind: "ibp" },
  } as const;
  const radii = await certifiedRadii(engine, classifier, { ...question, largest: 0.5, tolerance: 1e-4 });
  const eps = ["0", "1/255", "8/255", "0.2"];
  const rows = await certifyImages(engine, classifier, { ...question, eps });
  assertEquals(rows.map((row) => [row.eps, row.image]), eps.flatMap((at) => [3, 4, 5, 6].map((id) => [at, id])));
  for (const row of rows) {
    const { radius, certified } = radii.find(({ image }) => image === row.image)!;
    const at = { "0": 0, "1/255": 1 / 255, "8/255": 8 / 255, "0.2": 0.2 }[row.eps]!;
    if (Math.abs(at - radius) > 2e-4) assertEquals(row.certified, certified && at <= radius, JSON.stringify(row));
    assertEquals(row.certified, row.lowerMargin > 0);
    assertEquals(row.certificate, "ibp");
  }
  assert(rows.some((row) => row.certified) && rows.some((row) => !row.certified));
  await assertRejects(() => certifyImages(engine, classifier, { ...question, eps: ["2"] }), UsageError, "2/255");
});
