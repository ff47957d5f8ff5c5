import { assert, assertEquals, assertRejects } from "@std/assert";
import type { EvidenceRow } from "../../lib/core/mod.ts";
import type { AttackSpec } from "../../lib/attacks/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { adversarialImages, evaluate } from "../../lib/evaluation/mod.ts";
import { margins } from "../../lib/attacks/mod.ts";
import { ENGINES, TENSORFLOW_LIBRARY } from "../testing/engines.ts";
import { imagesFor, network } from "./_network.ts";

const CLASSIFIER = network();
const ATTACK: AttackSpec = { kind: "pgd", steps: 4 };

async function evidenceOn(engine: Engine, batchSize: number) {
  const dataset = await imagesFor(engine, CLASSIFIER, 23);
  const rows: EvidenceRow[] = [];
  const options = { method: "kd", classifier: CLASSIFIER, dataset, attacks: [{ attack: ATTACK }], seed: 5, batchSize };
  for await (const event of evaluate(engine, { ...options, eps: ["0.1"] })) {
    if (event.kind === "evidence") rows.push(...event.rows.filter(({ attack }) => attack !== "clean"));
  }
  const making = adversarialImages(engine, { classifier: CLASSIFIER, dataset, attack: ATTACK, rows, batchSize });
  let step = await making.next();
  let progress = 0;
  for (; !step.done; step = await making.next()) progress = step.value.done / step.value.total;
  return { rows, dataset, images: step.value, progress };
}

Deno.test("adversarialImages() gives the images of the evidence: their margins are those of its rows", async () => {
  for (const make of [ENGINES.reference!, TENSORFLOW_LIBRARY ? ENGINES.tensorflow! : ENGINES.onnxruntime!]) {
    await using engine = await make();
    const { rows, images, progress } = await evidenceOn(engine, 4);
    const { ids, xAdv, y } = images;
    const found = await margins(engine, CLASSIFIER, { x: xAdv, y, ids });
    rows.forEach(({ margin }, i) => assert(Math.abs(found[i]! - margin) < 1e-6, `${found[i]} for ${margin}`));
    assertEquals(Array.from(images.margin), rows.map(({ margin }) => Math.fround(margin)));
    assertEquals([images.method, images.attack, images.eps, images.norm, images.seed], [
      "kd",
      "pgd-4",
      "0.1",
      "Linf",
      5,
    ]);
    assertEquals(Array.from(ids), rows.map(({ image }) => image));
    assertEquals(progress, 1);
    // What was wrong already is the original.
    rows.forEach(({ cleanMargin }, i) => {
      const same = xAdv.data.subarray(4 * i, 4 * i + 4).every((pixel, k) => pixel === images.x.data[4 * i + k]);
      assertEquals(same, cleanMargin < 0);
    });
  }
});

Deno.test("adversarialImages() refuses no rows", async () => {
  const engine = await createEngine("reference");
  const dataset = await imagesFor(engine, CLASSIFIER, 5);
  const making = adversarialImages(engine, { classifier: CLASSIFIER, dataset, attack: ATTACK, rows: [], batchSize: 4 });
  await assertRejects(() => making.next(), RangeError, "it needs at least one");
});
