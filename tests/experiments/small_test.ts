import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { createEngine } from "../../lib/engine/mod.ts";
import { checkExperiment, type NetworkExperiment, networksOf, PRESETS, run, small } from "../../lib/experiments/mod.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

for (const [name, preset] of Object.entries(PRESETS)) {
  Deno.test(`small() of ${name} is an experiment, smaller, with the same networks, attacks and objectives`, () => {
    const before = structuredClone(preset);
    const made = small(preset);
    assertEquals(preset, before);
    assertEquals(checkExperiment(made).name, `${name}-small`);
    const networks = networksOf(preset);
    for (const [i, network] of networksOf(made).entries()) {
      const { name, model, objective, optimizer, schedule } = networks[i]!;
      assertEquals([network.name, network.model.kind, network.objective.kind], [name, model.kind, objective.kind]);
      assertEquals([network.optimizer, network.schedule, network.epochs], [optimizer, schedule, 1]);
      assertLessOrEqual(network.batchSize, 64);
    }
    assertEquals(made.evaluation.attacks.map(({ kind }) => kind), preset.evaluation.attacks.map(({ kind }) => kind));
    const { eps } = preset.evaluation;
    assertEquals(made.evaluation.eps, [...new Set([eps[0]!, eps.at(-1)!])]);
    assertLessOrEqual(made.evaluation.n, 64);
    const { teacher: _, naturalTeacher: __, ...again } = small(made);
    const { teacher: ___, naturalTeacher: ____, ...once } = made;
    assertEquals(again, { ...once, name: `${name}-small-small` }, "what is small stays as it is");
  });

  Deno.test({
    name: `small() of ${name} runs from the teacher to the figures`,
    ignore: preset.data.kind !== "shapes", // presets_test.ts has those that need files
    fn: () =>
      inTempFolder(async (folder) => {
        await using engine = await createEngine();
        for await (const event of run(small(preset), { engine, out: `${folder}/run` })) {
          if (event.kind !== "end") continue;
          const methods = networksOf(preset).map(({ name }) => name);
          assertEquals([...new Set(event.rows.map(({ method }) => method))], methods);
          assert(event.figures.some((path) => path.endsWith("/training_curves.png")));
          assert(event.figures.some((path) => path.endsWith("/robustness_bars.png")));
          return;
        }
        assert(false, "the run has an end");
      }),
  });
}

Deno.test("small() leaves out weights that were trained before, and what is said of them by name", () => {
  const optimizer = {
    kind: "sgd",
    frozen: ["layer1.1.*"],
    learningRates: [{ match: "layer3.1.*", factor: 0.1 }],
  } as const;
  const teacher = { ...TINY.teacher, optimizer, epochs: 0, pretrained: { weights: "a.safetensors" } };
  const { pretrained, epochs, optimizer: left } = networksOf(small({ ...TINY, teacher }))[0]!;
  assertEquals<unknown>([pretrained, epochs, left], [undefined, 1, { kind: "sgd" }]);
});

Deno.test("small() trains on some images of ImageNet, and leaves the test images, of which few are decoded", () => {
  const plain = { kind: "imagenet", seed: 1, crops: "centre", testCount: 5000, validation: 1000 } as const;
  for (const [trainCount, expected] of [[undefined, 320], [0, 320], [100, 100]] as const) {
    const data = trainCount === undefined ? plain : { ...plain, trainCount };
    assertEquals(small({ ...TINY, data }).data, { ...plain, trainCount: expected, validation: 64 });
  }
});

Deno.test("small() takes weights for an average after every epoch, as there may be fewer steps than from one to the next", () => {
  const average = { kind: "swa", from: 0.9, every: 1000 } as const;
  const ema = { kind: "ema", decay: 0.9 } as const;
  const made = small({
    ...TINY,
    teacher: { ...TINY.teacher, average },
    students: [{ ...TINY.students[0]!, average: ema }],
  });
  assertEquals<unknown>([(made.teacher as NetworkExperiment).average, made.students[0]!.average], [{
    kind: "swa",
    from: 0.9,
  }, ema]);
});

Deno.test("small() shortens an analysis as well", () => {
  const analysis = { n: 1000, batchSize: 100, eps: ["0", "4/255", "8/255"], linearity: { signed: true } } as const;
  const made = checkExperiment(small({ ...PRESETS.quickstart!, analysis }));
  assertEquals(made.analysis, {
    n: 64,
    batchSize: 64,
    eps: ["0", "8/255"],
    attack: { kind: "pgd", steps: 5 },
    linearity: { signed: true, steps: 5, starts: 1 },
  });
  assertEquals(small(made).analysis, made.analysis);
});

Deno.test("small() shrinks the experiment that makes a teacher, and trains one in place of a file", () => {
  const { teacher, ...rest } = TINY;
  const data = PRESETS.quickstart!.data;
  const borrowed = { ...rest, data, teacher: { experiment: "quickstart", network: "teacher" } };
  assertEquals(checkExperiment(small(borrowed)).teacher, {
    experiment: small(PRESETS.quickstart!),
    network: "teacher",
  });
  const made = checkExperiment(small({ ...rest, teacher: { checkpoint: "a.safetensors", name: "wrn" } }));
  assertEquals(made.teacher, {
    ...teacher,
    name: "wrn",
    model: { kind: "mlp", hidden: [6] },
    objective: { kind: "natural" },
    epochs: 1,
  });
});
