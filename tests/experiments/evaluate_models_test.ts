import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type EvaluationRow,
  type EvidenceRow,
  ExperimentError,
  parseDistances,
  parseEvidence,
  parseImages,
  UsageError,
} from "../../lib/core/mod.ts";
import { createEngine, type Engine } from "../../lib/engine/mod.ts";
import { MASKING_CHECKS, smallestRadii } from "../../lib/evaluation/mod.ts";
import { evaluateModels, type ModelEvaluation, run } from "../../lib/experiments/mod.ts";
import { filesIn } from "../scripts/_task.ts";
import { inTempFolder, TINY } from "./_tiny.ts";

const ASKED: ModelEvaluation = { data: TINY.data, seed: TINY.seed, evaluation: TINY.evaluation };

/** Runs a body with a trained network in the folder `run`. */
async function withModel(body: (engine: Engine, folder: string, model: string) => Promise<void>): Promise<void> {
  await using engine = await createEngine("reference");
  await inTempFolder(async (folder) => {
    for await (const _ of run(TINY, { engine, out: `${folder}/run` }));
    await body(engine, folder, `${folder}/run/checkpoints/kd.safetensors`);
  });
}

async function rowsOf(
  engine: Engine,
  path: string,
  out: string,
  asked = ASKED,
  method = "kd",
): Promise<readonly EvaluationRow[]> {
  for await (const event of evaluateModels(asked, { engine, models: [{ method, path }], out })) {
    if (event.kind === "end") return event.rows;
  }
  throw new Error("no end");
}

const evidenceIn = async (folder: string): Promise<EvidenceRow[]> =>
  parseEvidence(await Deno.readTextFile(`${folder}/evidence.csv`)).rows;

Deno.test("evaluateModels() finds what the run that trained the network found, and goes on where it was stopped", async () => {
  await withModel(async (engine, folder, model) => {
    const rows = await rowsOf(engine, model, `${folder}/a`);
    const ofRun = (await evidenceIn(`${folder}/run`)).filter(({ method }) => method === "kd");
    assertEquals(await evidenceIn(`${folder}/a`), ofRun);
    assertEquals(rows.map(({ attack, eps }) => `${attack} ${eps}`), [
      "clean 0",
      "fgsm 2/255",
      "fgsm 8/255",
      "worst 2/255",
      "worst 8/255",
    ]);

    let left = 4;
    const models = [{ method: "kd", path: model }];
    for await (const _ of evaluateModels(ASKED, { engine, models, out: `${folder}/b` })) if (--left === 0) break;
    assert((await evidenceIn(`${folder}/b`)).length < ofRun.length);
    assertEquals(await rowsOf(engine, model, `${folder}/b`), rows);
    const [{ "manifest.json": _, ...a }, { "manifest.json": __, ...b }] = [
      await filesIn(`${folder}/a`),
      await filesIn(`${folder}/b`),
    ];
    assertEquals(b, a);
  });
});

Deno.test("evaluateModels() refuses a folder of another evaluation, too many images, and names that are none", async () => {
  await withModel(async (engine, folder, model) => {
    await rowsOf(engine, model, `${folder}/a`);
    const before = await filesIn(folder);
    const teacher = `${folder}/run/checkpoints/teacher.safetensors`;
    for (const [path, asked] of [[teacher, ASKED], [model, { ...ASKED, seed: 9 }]] as const) {
      await assertRejects(
        () => rowsOf(engine, path, `${folder}/a`, asked),
        ExperimentError,
        "as another one lies there",
      );
    }
    await assertRejects(
      () => rowsOf(engine, model, `${folder}/b`, { ...ASKED, evaluation: { ...TINY.evaluation, n: 21 } }),
      ExperimentError,
      'Cannot evaluate on 21 images as "shapes-12 test" (test) has 20: lower n',
    );
    await assertRejects(
      () => rowsOf(engine, model, `${folder}/b`, ASKED, "../kd"),
      UsageError,
      'Cannot name a network "../kd": write lower-case letters, digits, dots and hyphens',
    );
    const twice = [{ method: "kd", path: model }, { method: "kd", path: teacher }];
    await assertRejects(
      () => Array.fromAsync(evaluateModels(ASKED, { engine, models: twice, out: `${folder}/b` })),
      UsageError,
      'Cannot evaluate two networks named "kd": name each by --method, in their order',
    );
    assertEquals(await filesIn(folder), before);
  });
});

Deno.test("evaluateModels() evaluates several networks on the same images into one folder", async () => {
  await withModel(async (engine, folder) => {
    const models = ["teacher", "kd"].map((method) => ({
      method,
      path: `${folder}/run/checkpoints/${method}.safetensors`,
    }));
    for await (const _ of evaluateModels(ASKED, { engine, models, out: `${folder}/a` }));
    const ofRun = (await evidenceIn(`${folder}/run`)).filter(({ method }) => method !== "kdiga");
    assertEquals(await evidenceIn(`${folder}/a`), ofRun);
    const { weights } = JSON.parse(await Deno.readTextFile(`${folder}/a/manifest.json`));
    assertEquals(Object.keys(weights), ["teacher", "kd"]);
  });
});

Deno.test("evaluateModels() saves images without a second attack, and the same ones wherever it was stopped", async () => {
  await withModel(async (engine, folder, model) => {
    const attacks: ModelEvaluation["evaluation"]["attacks"] = [
      { kind: "pgd", steps: 3 },
      { kind: "autoattack", version: [{ kind: "fgsm" }, { kind: "apgd", steps: 4 }] },
    ];
    const asked = { ...ASKED, evaluation: { ...ASKED.evaluation, attacks } };
    let calls = 0;
    const counted: Engine = {
      ...engine,
      compile: (fn, options) => {
        const program = engine.compile(fn, options);
        const call = (inputs: Parameters<typeof program>[0]) => {
          calls++;
          return program(inputs);
        };
        return Object.assign(call, { stats: program.stats, dispose: () => program.dispose() });
      },
    };
    const models = [{ method: "kd", path: model }];
    const events = async (out: string, images?: string, stop = Infinity): Promise<number> => {
      let seen = 0;
      const options = { engine: counted, models, out: `${folder}/${out}` };
      const saved = images === undefined ? options : { ...options, images: `${folder}/${images}` };
      for await (const _ of evaluateModels(asked, saved)) if (++seen >= stop) break;
      return seen;
    };
    await events("without");
    const without = calls;
    const all = await events("a", "a-images");
    assertEquals(calls - without, without, "no call more than without images");
    const expected = await filesIn(`${folder}/a-images`);
    assertEquals(Object.keys(expected).length, 4);

    // Asked for afterwards, they are made anew.
    await events("without", "without-images");
    assertEquals(await filesIn(`${folder}/without-images`), expected);
    for (const stop of [6, Math.floor(all / 2), all - 4]) {
      await events(`b${stop}`, `b${stop}-images`, stop);
      await events(`b${stop}`, `b${stop}-images`);
      assertEquals(await filesIn(`${folder}/b${stop}-images`), expected, `stopped at event ${stop} of ${all}`);
    }
  });
});

Deno.test("evaluateModels() says in the report on masked gradients that L1 is not checked", async () => {
  await withModel(async (engine, folder, path) => {
    const attacks = [{ kind: "apgd", norm: "L1", steps: 2 }] as const;
    const asked = { ...ASKED, evaluation: { ...ASKED.evaluation, attacks, eps: ["2"], n: 4 } };
    const options = { engine, models: [{ method: "kd", path }], out: `${folder}/a`, masking: true };
    for await (const _ of evaluateModels(asked, options));
    const [report] = JSON.parse(await Deno.readTextFile(`${folder}/a/masking.json`));
    assertEquals(report.rows.length, MASKING_CHECKS.length);
    assertEquals([report.n, report.eps, report.rows[0]], [0, "2", {
      check: "random-outputs",
      method: "kd",
      status: "skipped",
      value: null,
      reason: "not checked: the checks know Linf and L2 alone; evaluate under one of them as well",
    }]);
  });
});

Deno.test("evaluateModels() writes the smallest radius of every image", async () => {
  await withModel(async (engine, folder, model) => {
    await rowsOf(engine, model, `${folder}/a`);
    const images = parseImages(await Deno.readTextFile(`${folder}/a/images.csv`)).rows;
    assertEquals(images, smallestRadii(await evidenceIn(`${folder}/a`)));
    assertEquals(images.length, 20);
  });
});

Deno.test("evaluateModels() finds distances where they are asked for: 0 for images that are wrong already", async () => {
  await withModel(async (engine, folder, path) => {
    const fab = { kind: "fab", steps: 10 } as const;
    const asked = { ...ASKED, evaluation: { ...ASKED.evaluation, attacks: [{ kind: "fgsm" as const }] } };
    const options = { engine, models: [{ method: "kd", path }], out: `${folder}/a`, distances: fab };
    for await (const _ of evaluateModels(asked, options));
    const text = await Deno.readTextFile(`${folder}/a/distances.csv`);
    const { rows } = parseDistances(text);
    const clean = (await evidenceIn(`${folder}/a`)).filter(({ attack }) => attack === "clean");
    assertEquals(rows.map(({ image }) => image), clean.map(({ image }) => image));
    rows.forEach(({ distance, ...row }, i) => {
      assertEquals(row, { method: "kd", image: clean[i]!.image, attack: "fab-steps-10", norm: "Linf" });
      assertEquals(distance === 0, clean[i]!.success === 1);
      assert(distance >= 0 && distance <= 1);
    });
    // Those of the attack are kept; of another one they are made anew.
    await Deno.writeTextFile(`${folder}/a/distances.csv`, text.replace("kd,", "KD,"));
    for await (const _ of evaluateModels(asked, options));
    assert((await Deno.readTextFile(`${folder}/a/distances.csv`)).includes("KD,"));
    for await (const _ of evaluateModels(asked, { ...options, distances: { kind: "ddn", norm: "L2", steps: 20 } }));
    const other = parseDistances(await Deno.readTextFile(`${folder}/a/distances.csv`)).rows;
    assertEquals([other.length, other[0]!.norm, other[0]!.attack], [20, "L2", "ddn-l2-steps-20"]);
  });
});
