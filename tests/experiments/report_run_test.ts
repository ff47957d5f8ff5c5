import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { float32, formatEvaluation, int32, wilson } from "../../lib/core/mod.ts";
import { type ImageFile, imageFileName, reportRun, saveImages } from "../../lib/experiments/mod.ts";
import { inTempFolder } from "./_tiny.ts";

const ROWS = [
  { method: "kd", attack: "clean", eps: "0", n: 3, correct: 2, ...wilson(2, 3) },
  { method: "kd", attack: "fgsm", eps: "8/255", n: 3, correct: 1, ...wilson(1, 3) },
];

/** Three images of 2 x 2 pixels: one that stands, one that is broken, one that was wrong already and is not changed. */
function images(attack: string, eps: string, margin: readonly number[]): ImageFile {
  const x = [0, 0.5, 1, 0.25, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2];
  return {
    method: "kd",
    attack,
    eps,
    norm: "Linf",
    seed: 3,
    weights: "ab".repeat(32),
    ids: Int32Array.of(7, 8, 9),
    x: float32([3, 2, 2, 1], x),
    xAdv: float32([3, 2, 2, 1], x.map((value, i) => i < 8 ? value + 0.01 : value)),
    y: int32([3], [1, 0, 2]),
    margin: Float32Array.from(margin),
  };
}

Deno.test("reportRun() shows saved images: the strongest attack at the largest radius, what it broke first", async () => {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/evaluation.csv`, formatEvaluation(ROWS));
    await Deno.mkdir(`${folder}/images`);
    for (
      const file of [
        images("fgsm", "8/255", [1, -1, -1]),
        images("pgd-20", "4/255", [-1, -1, -1]),
        images("pgd-5", "8/255", [1, 1, -1]),
      ]
    ) await saveImages(`${folder}/images/${imageFileName(file)}`, file);
    assertEquals(await reportRun(folder, { out: `${folder}/page.html` }), `${folder}/page.html`);
    const page = await Deno.readTextFile(`${folder}/page.html`);
    const [, shown = ""] = page.match(/<h2>Adversarial images<\/h2>([\s\S]*?)<\/section>/)!;
    assertStringIncludes(shown, "<h3>KD: FGSM at 8/255</h3>");
    assertEquals(shown.match(/(?<=<figcaption>)[^<]*/g), [
      "Image 8, class 0: broken",
      "Image 7, class 1: stands",
      "Image 9, class 2: wrong as it is",
    ]);
    assertEquals(shown.match(/<img [^>]*src="data:image\/png;base64,[^"]{80,}" alt="Image \d, [^"]*">/g)?.length, 3);
  });
});

Deno.test("reportRun() has no gallery where no image is saved, and refuses files that are none", async () => {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/evaluation.csv`, formatEvaluation(ROWS));
    assert(!(await Deno.readTextFile(await reportRun(folder))).includes("Adversarial images"));
    await Deno.mkdir(`${folder}/images`);
    await Deno.writeTextFile(`${folder}/images/a.safetensors`, "{}");
    await assertRejects(() => reportRun(folder), Error, "Cannot read");
  });
});
