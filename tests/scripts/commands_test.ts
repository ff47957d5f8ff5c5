/**
 * The commands as a person meets them: each a process of its own, with the permissions that deno.json gives its task.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  ANALYSIS_COLUMNS,
  BRACKET_COLUMNS,
  type BracketRow,
  EVALUATION_COLUMNS,
  type EvaluationRow,
  FIGURE_ENDINGS,
  loadImages,
  MASKING_CHECKS,
  type MaskingRow,
  PRESETS,
  RELEASED_LOCAL_LINEARITY,
  saveImages,
  SCREEN_ENDINGS,
  sha256Hex,
} from "../../mod.ts";
import { gzip, tar } from "../data/_tiny_cifar10.ts";
import { writeTinyFolder } from "../data/_tiny_folder.ts";
import { npy } from "../testing/npy.ts";
import { filesIn, inTempFolder, runTask, SCRIPT_TASKS, startTask, taskArgs } from "./_task.ts";
import { TINY } from "./_tiny_experiment.ts";

/** A smaller one, where nothing depends on what is learned. */
const SMALLEST = {
  ...TINY,
  teacher: { ...TINY.teacher, model: { kind: "mlp", hidden: [8] }, epochs: 1 },
  students: [{ ...TINY.students[1]!, model: { kind: "mlp", hidden: [8] }, epochs: 1 }],
  evaluation: { ...TINY.evaluation, attacks: [{ kind: "fgsm" }], n: 32 },
};

/** Runs a body with a folder that holds `tiny.json`. */
async function withExperiment(body: (folder: string) => Promise<void>, experiment: unknown = SMALLEST): Promise<void> {
  await inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/tiny.json`, JSON.stringify(experiment));
    await body(folder);
  });
}

/** Runs a task that must fail: nothing on standard output, and one line for the person at the end of the other. */
async function failure(
  folder: string,
  name: string,
  ...args: readonly string[]
): Promise<[code: number, line: string]> {
  const { code, out, err } = await runTask(folder, name, ...args);
  assertEquals(out, "", "nothing on standard output");
  const lines = err.trimEnd().split("\n");
  assert(!/^\s+at |^error: /m.test(err), `no stack: ${err}`);
  return [code, lines.at(-1)!];
}

const KINDS = '"fgsm", "pgd", "apgd", "fab", "ddn", "square", "autoattack"';

Deno.test("the tasks of deno.json are those that these tests know", () => {
  assertEquals([...SCRIPT_TASKS].sort(), [
    "analyze",
    "autoattack-peer",
    "bench",
    "bounds-peer",
    "check:torch",
    "evaluate",
    "explore",
    "fetch",
    "figures",
    "gallery",
    "inspect-teacher",
    "methods",
    "notebooks",
    "objective-peer",
    "report",
    "reproduce",
    "run",
    "setup",
    "sweep",
    "test",
    "verify",
  ]);
});

for (const name of SCRIPT_TASKS) {
  Deno.test(`${name} --help says what it does and names its flags`, async () => {
    await inTempFolder(async (folder) => {
      const { code, out, err } = await runTask(folder, name, "--help");
      assertEquals([code, err], [0, ""]);
      assertMatch(out, new RegExp(`^[A-Z].*\n(.*\n)*\nUsage: deno task ${name} .*\\[flags\\]\n\n(  --.*\n)+$`));
      assertMatch(out, /^ {2}--json +print one JSON document on standard output, progress on standard error$/m);
    });
  });

  Deno.test(`${name} refuses a flag that it does not know, and names those that it knows`, async () => {
    await inTempFolder(async (folder) => {
      const [code, line] = await failure(folder, name, "--nonsense");
      assertEquals(code, 2);
      assertMatch(
        line,
        new RegExp(
          `^UsageError: Cannot run ${name} with the flag "--nonsense" as it is not known: ` +
            "known flags are (--[a-z0-9-]+, )*--json, --help$",
        ),
      );
    });
  });

  Deno.test(`${name} grants no more than it needs`, () => {
    const granted = taskArgs(name).filter((arg) => arg.startsWith("--allow-")).map((arg) => arg.slice(8));
    const library =
      "env=TENSORFLOW_LIBRARY,HOME,XDG_CACHE_HOME,VIRTUAL_ENV,CONDA_PREFIX,LOCALAPPDATA,TF_CPP_MIN_LOG_LEVEL";
    const indexes = "APPDATA,XDG_CONFIG_HOME,XDG_CONFIG_DIRS,PIP_CONFIG_FILE,PIP_INDEX_URL," +
      "PIP_EXTRA_INDEX_URL,UV_DEFAULT_INDEX,UV_INDEX,UV_INDEX_URL,UV_EXTRA_INDEX_URL";
    const needed: Readonly<Record<string, readonly string[]>> = {
      run: ["read", "write", "ffi", library, "run=git"],
      sweep: ["read", "write", "run"],
      reproduce: ["read", "write", "run"],
      evaluate: ["read", "write", "ffi", library, "run=git"],
      analyze: ["read", "write", "ffi", library, "run=git"],
      "inspect-teacher": ["read", "write", "ffi", library, "run=git"],
      verify: ["read", "ffi", library],
      explore: ["read", "write", "net=127.0.0.1", "run"],
      figures: ["read", "write"],
      report: ["read", "write"],
      methods: ["read", "write"],
      fetch: ["read", "write", "net"],
      gallery: ["read", "write"],
      notebooks: ["read", "write", "ffi", "net=127.0.0.1", "run"],
      bench: ["read", "write", "ffi", library, "sys=loadavg,cpus", "run"],
      "autoattack-peer": ["read", "write", "ffi", library, "run"],
      "bounds-peer": ["read", "write", "ffi", library, "run"],
      "check:torch": ["read", "write", "ffi", library, "run"],
      "objective-peer": ["read", "write", "ffi", library, "run"],
      setup: ["read", "write", "ffi", "net", "sys=statfs", `${library},${indexes}`, "run"],
      test: ["read", "write", "run"],
    };
    assertEquals(granted, [...needed[name]!]);
  });
}

/** Whether a run draws a file of a figure as well, or `deno task figures` alone. */
const isForScreens = (path: string): boolean => !/\.pdf$|_300dpi\.png$/.test(path);

const checkRows = (rows: readonly EvaluationRow[], methods: readonly string[]) => {
  for (const row of rows) assertEquals(Object.keys(row), [...EVALUATION_COLUMNS]);
  assertEquals([...new Set(rows.map(({ method }) => method))], [...methods]);
};

Deno.test("run, evaluate and figures print one JSON document with --json, and the same rows of the same network", async () => {
  await withExperiment(async (folder) => {
    const ran = await runTask(folder, "run", "tiny.json", "--json");
    assertEquals(ran.code, 0, ran.err);
    const run = JSON.parse(ran.out);
    assertEquals(Object.keys(run), ["folder", "rows", "figures", "report", "seconds"]);
    assertMatch(run.folder, /^runs\/tiny-[0-9a-f]{8}$/);
    checkRows(run.rows, ["teacher", "kdiga"]);
    assertMatch(ran.err, /^train kdiga {2}\d+ % /m);
    for (const path of run.figures) assert((await Deno.stat(`${folder}/${path}`)).size > 0);

    const model = `${run.folder}/checkpoints/kdiga.safetensors`;
    const args = ["--model", model, "--attack", "fgsm", "--eps", "1/255,8/255", "--n", "32", "--batch", "16", "--json"];
    const evaluated = await runTask(folder, "evaluate", ...args);
    assertEquals(evaluated.code, 0, evaluated.err);
    const evaluation = JSON.parse(evaluated.out);
    assertEquals(Object.keys(evaluation), [
      "folder",
      "rows",
      "figures",
      "report",
      "seconds",
      "classes",
      "paired",
      "masking",
    ]);
    assertEquals(evaluation.paired, []);
    assertEquals(evaluation.masking.length, 1);
    assertEquals(
      evaluation.masking[0].rows.map(({ check }: MaskingRow) => check),
      [...MASKING_CHECKS],
    );
    assertMatch(evaluation.folder, /^runs\/evaluation-kdiga-[0-9a-f]{8}$/);
    assertEquals(evaluation.rows, run.rows.filter(({ method }: EvaluationRow) => method === "kdiga"));
    const before = await filesIn(`${folder}/${evaluation.folder}`);
    const again = await runTask(folder, "evaluate", ...args);
    assertMatch(again.err, new RegExp(`^going on in ${evaluation.folder}$`, "m"));
    const after = await filesIn(`${folder}/${evaluation.folder}`);
    assertEquals({ ...after, "manifest.json": "" }, { ...before, "manifest.json": "" });

    const drawn = await runTask(folder, "figures", `${run.folder}/`, "--json");
    assertEquals([drawn.code, drawn.err], [0, ""]);
    const { folder: of, figures } = JSON.parse(drawn.out);
    assertEquals(of, run.folder);
    assertEquals(figures.filter(isForScreens), run.figures);
  });
});

Deno.test("evaluate compares networks on the same images, and prints classes where they are asked for", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const models = ["kdiga", "teacher"].flatMap((name) => ["--model", `run/checkpoints/${name}.safetensors`]);
    const card = { name: "Fast", "clean_acc": "83.34", "autoattack_acc": "43.21", eps: "8/255" };
    await Deno.writeTextFile(`${folder}/fast.json`, JSON.stringify(card));
    const cards = ["--reference", "fast.json", "--export-cards", "cards"];
    const args = [...models, "--attack", "fgsm", "--eps", "8/255", "--n", "32", "--out", "both", ...cards];
    const { code, out, err } = await runTask(folder, "evaluate", ...args, "--per-class");
    assertEquals(code, 0, err);
    assertMatch(out, /^\nMethod .*\n-+\nTeacher +32 .*\nKDIGA +32 /);
    assertMatch(out, /\nFast \(card\) +- +83\.3 +- +43\.2\n/);
    const exported = JSON.parse(await Deno.readTextFile(`${folder}/cards/kdiga.json`));
    assertEquals([exported.name, exported.eps, exported.images, exported.attacks], ["kdiga", "8/255", 32, ["fgsm"]]);
    const curve = await Deno.readTextFile(`${folder}/both/figures/robustness_curve_fgsm.vl.json`);
    assert(curve.includes("Dotted: Fast under AutoAttack"));
    assert((await Deno.readTextFile(`${folder}/both/report.html`)).includes("Fast (card)"));
    assertMatch(out, /\nMethod, class +n +Clean +FGSM 8\/255 +Worst case 8\/255\n-+\nTeacher, [a-z]+ +\d/);
    assertMatch(out, /\nCheck +Verdict\n-+\nKDIGA, random-outputs: the same batch twice: .* pass\n/);
    assertMatch(out, /\nAttack .* p\n-+\nKDIGA - Teacher, Clean +32 .*\nKDIGA - Teacher, FGSM 8\/255 +32 /);
    const { paired, classes } = JSON.parse((await runTask(folder, "evaluate", ...args, "--json")).out);
    assertEquals(paired.map(({ attack, n }: { attack: string; n: number }) => [attack, n]), [
      ["clean", 32],
      ["fgsm", 32],
      ["worst", 32],
    ]);
    assertEquals(Object.keys(classes[0]), ["method", "attack", "eps", "label", "n", "correct", "rate", "low", "high"]);
    assertEquals(await failure(folder, "evaluate", ...models, "--method", "a"), [
      2,
      "UsageError: Cannot name 2 networks by 1 names: write --method once for each --model, or never",
    ]);
  });
});

Deno.test("analyze prints a table or one JSON document, and figures draws its figures again", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const [teacher, kdiga] = ["teacher", "kdiga"].map((name) => `run/checkpoints/${name}.safetensors`);
    const args = ["--model", kdiga!, "--teacher", teacher!, "--eps", "0,8/255", "--n", "32", "--batch", "16"];
    const { code, out, err } = await runTask(folder, "analyze", ...args, "--steps", "3", "--attack", "pgd-2");
    assertEquals(code, 0, err);
    assertMatch(err, /^analyse kdiga {2}\d+ % /m);
    assertMatch(
      out,
      /^\nMethod +n +Local linearity 8\/255 +Cross-entropy 8\/255 .* +Cosine to teacher 8\/255\n-+\nTeacher +32 .* - +-\nKDIGA +32 .*\]\n/,
    );
    assertMatch(
      out,
      /\nLocal linearity: absolute error, best iterate of projected gradient ascent in Linf, 3 steps of 0.25 eps, 2 random starts; images by pgd-2\.\n/,
    );
    assertMatch(out, /^runs\/analysis-teacher-kdiga-[0-9a-f]{8}\/figures\/analysis_curve_local-linearity.svg$/m);

    const json = await runTask(folder, "analyze", ...args, "--linearity", "released-code", "--out", "a", "--json");
    assertEquals(json.code, 0, json.err);
    const { rows, figures, ...rest } = JSON.parse(json.out);
    assertEquals(Object.keys(rest), ["folder", "report", "seconds"]);
    assertEquals(Object.keys(rows[0]), [...ANALYSIS_COLUMNS]);
    assertEquals(rows.length, 2 * 3 + 2 * 5);
    const { analysis } = JSON.parse(await Deno.readTextFile(`${folder}/a/experiment.json`));
    assertEquals(analysis.linearity, { ...RELEASED_LOCAL_LINEARITY });
    assertEquals(analysis.attack, { kind: "pgd", steps: 10 });
    const drawn = await runTask(folder, "figures", "a", "--json");
    const { folder: of, figures: all } = JSON.parse(drawn.out);
    assertEquals(of, "a");
    assertEquals(all.filter(isForScreens), figures);
    const before = await filesIn(`${folder}/a`);
    const again = await runTask(folder, "analyze", ...args, "--linearity", "released-code", "--out", "a");
    assertMatch(again.err, /^going on in a$/m);
    assertEquals({ ...await filesIn(`${folder}/a`), "manifest.json": "" }, { ...before, "manifest.json": "" });
  });
});

Deno.test("inspect-teacher prints a table, and refuses what it cannot use", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const model = ["--model", "run/checkpoints/teacher.safetensors"];
    const student = ["--student", "run/checkpoints/kdiga.safetensors"];
    const { code, out } = await runTask(
      folder,
      "inspect-teacher",
      ...model,
      ...student,
      "--attack",
      "pgd-2",
      "--n",
      "8",
    );
    assertEquals(code, 0);
    assertMatch(out, /^Images +n +Accuracy \(%\) +ECE \(%\)/m);
    assertMatch(out, /^PGD-2 8\/255 on KDIGA +8 /m);
    const cases = [
      [[], "UsageError: Cannot inspect without a teacher: write --model FILE"],
      [[...model, "--eps", "0,8/255"], "UsageError: Cannot inspect at the radii 0,8/255: write one, such as 8/255"],
    ] as const;
    for (const [args, line] of cases) assertEquals(await failure(folder, "inspect-teacher", ...args), [2, line]);
  });
});

Deno.test("analyze refuses what it cannot use, and leaves no folder", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const before = Object.keys(await filesIn(folder));
    const model = ["--model", "run/checkpoints/kdiga.safetensors"];
    assertEquals(await failure(folder, "analyze"), [
      2,
      "UsageError: Cannot analyse without a network: write --model FILE",
    ]);
    const cases: [args: string[], code: number, line: string][] = [
      [["--n", "1"], 2, "UsageError: Cannot analyse on 1 images as means have intervals: use at least two"],
      [
        ["--n", "65"],
        1,
        'ExperimentError: Cannot evaluate on 65 images as "shapes-12 test" (test) has 64: ' +
        "lower n (analysis.n of an experiment, --n of a command)",
      ],
      [
        ["--linearity", "signed"],
        2,
        "UsageError: Cannot use --linearity signed as it is not known: write one of absolute, released-code",
      ],
      [
        ["--attack", "fgsm,pgd-5"],
        2,
        'UsageError: Cannot analyse under the attacks "fgsm,pgd-5": write one, such as pgd-10',
      ],
      [
        ["--attack", "apgd-ce-l1"],
        2,
        "UsageError: Cannot analyse under apgd-ce-l1: local linearity is measured in Linf and L2",
      ],
      [
        ["--attack", "pgd-5-l2", "--linearity", "released-code"],
        2,
        "UsageError: Cannot analyse L2 attacks beside local linearity in Linf as a radius means another thing to each: " +
        "use one norm, Linf or L2",
      ],
      [["--steps", "0"], 2, "UsageError: Cannot use --steps 0: write an integer of at least 1"],
      [
        ["--teacher", "nowhere"],
        1,
        'CheckpointError: Cannot load "nowhere" as there is no such file: check the path',
      ],
    ];
    for (const [args, code, line] of cases) {
      assertEquals(await failure(folder, "analyze", ...model, ...args), [code, line]);
    }
    assertEquals(Object.keys(await filesIn(folder)), before);
  });
});

Deno.test("evaluate saves images that verify finds as the evidence says, and other networks find as they do", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const model = ["--model", "run/checkpoints/kdiga.safetensors"];
    const asked = ["--attack", "fgsm", "--eps", "1/255,8/255", "--n", "24", "--out", "a", "--save-images", "images"]
      .concat("--skip-masking");
    const evaluated = await runTask(folder, "evaluate", ...model, ...asked);
    assertEquals(evaluated.code, 0, evaluated.err);
    const files = await filesIn(`${folder}/images`);
    assertEquals(Object.keys(await filesIn(`${folder}/a`)).includes("masking.json"), false);
    assertEquals(Object.keys(files), ["kdiga_fgsm_1-255.safetensors", "kdiga_fgsm_8-255.safetensors"]);
    assertEquals((await runTask(folder, "evaluate", ...model, ...asked)).code, 0);
    assertEquals(await filesIn(`${folder}/images`), files);

    const { code, out, err } = await runTask(folder, "verify", "images", ...model);
    assertEquals(code, 0, err);
    assertMatch(
      out,
      /^\nImages +n +Evidence +float32 +8 bits +Originals +Broken claims\n-+\nKDIGA, FGSM 1\/255 +24 .* 24 +0\n/,
    );
    const teacher = ["--model", "run/checkpoints/teacher.safetensors", "--json"];
    const transfer = await runTask(folder, "verify", "images/kdiga_fgsm_8-255.safetensors", ...teacher);
    assertEquals(transfer.code, 0);
    assertEquals(JSON.parse(transfer.out).rows[0].transfer, true);

    // A success that is claimed of an image that fools nobody: the margin of an image that holds, turned round.
    const path = `${folder}/images/kdiga_fgsm_1-255.safetensors`;
    const images = await loadImages(path);
    const margin = images.margin.map((value) => value < 0 ? value : -value - 1);
    await saveImages(path, { ...images, margin });
    const lied = images.margin.filter((value) => value >= 0).length;
    const caught = await runTask(folder, "verify", "images", ...model, "--json");
    assertEquals([caught.code, JSON.parse(caught.out).rows[0].claims.length], [lied > 0 ? 1 : 0, lied]);

    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, bytes.length - 8));
    const [status, line] = await failure(folder, "verify", "images", ...model);
    assertEquals(status, 1);
    assertMatch(line, /^CheckpointError: Cannot read "images\/kdiga_fgsm_1-255.safetensors" as safetensors as /);
    assertEquals(await failure(folder, "verify", "nowhere", ...model), [
      1,
      'DataError: Cannot verify "nowhere" as there is no such file or folder: check the path',
    ]);
    assertEquals(await failure(folder, "verify", "images"), [
      2,
      "UsageError: Cannot verify without a network: write --model FILE",
    ]);
  });
});

Deno.test("run and evaluate print a table where no JSON is asked for, and no progress on standard output", async () => {
  await withExperiment(async (folder) => {
    const { code, out } = await runTask(folder, "run", "tiny.json", "--out", "a", "--set", "students.kdiga.epochs=2");
    assertEquals(code, 0);
    assertMatch(out, /^\nMethod +n +Clean +FGSM 8\/255\n-+\nTeacher +32 .*\nKDIGA +32 .*\n\nAccuracy in percent/);
    assertMatch(out, /\na \(\d+\.\d s\)\n$/);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/a/experiment.json`)).students[0].epochs, 2);
  });
});

Deno.test("run --show prints the experiment without running it", async () => {
  await withExperiment(async (folder) => {
    const { code, out } = await runTask(folder, "run", "tiny.json", "--show", "--json", "--set", "seed=5");
    assertEquals([code, JSON.parse(out)], [0, { ...SMALLEST, seed: 5 }]);
    assertEquals(Object.keys(await filesIn(folder)), ["tiny.json"]);
  });
});

Deno.test("run refuses keys that are not known, with their path and the known ones", async () => {
  const { teacher, evaluation } = SMALLEST;
  await withExperiment(async (folder) => {
    assertEquals(await failure(folder, "run", "tiny.json"), [
      2,
      'UsageError: Cannot use the experiment as "teacher.optimizer.momentun" is not known: ' +
      "known keys are weightDecay, noDecay, frozen, learningRates, clip, kind, momentum, nesterov",
    ]);
    assertEquals(Object.keys(await filesIn(folder)), ["tiny.json"]);
  }, { ...SMALLEST, teacher: { ...teacher, optimizer: { kind: "sgd", momentun: 0.9 } } });
  await withExperiment(async (folder) => {
    assertEquals(await failure(folder, "run", "tiny.json"), [
      2,
      'UsageError: Cannot use the experiment as "evaluation.attacks.1.kind" is "cw": it must be one of ' + KINDS,
    ]);
    assertEquals(await failure(folder, "run", "tiny.json", "--set", "evaluation.attack=1"), [
      2,
      'UsageError: Cannot use the experiment as "evaluation.attacks.1.kind" is "cw": it must be one of ' + KINDS,
    ]);
  }, { ...SMALLEST, evaluation: { ...evaluation, attacks: [{ kind: "fgsm" }, { kind: "cw" }] } });
});

Deno.test("run refuses what it cannot read or set", async () => {
  await withExperiment(async (folder) => {
    const presets = Object.keys(PRESETS).join(", ");
    await Deno.writeTextFile(`${folder}/broken.json`, '{"name": ');
    const cases: [args: string[], line: string][] = [
      [[], 'Cannot run run with 0 arguments: write "deno task run <preset or file.json> [flags]"'],
      [
        ["nowhere"],
        'Cannot run "nowhere" as it is neither a preset nor a file that can be read: ' +
        `write a preset (${presets}) or the path of a JSON file`,
      ],
      [["broken.json"], 'Cannot run "broken.json" as it is not JSON: Unexpected end of JSON input'],
      [["tiny.json", "--out"], "Cannot run run as --out has no value: write --out DIR"],
      [
        ["tiny.json", "--engine", "gpu"],
        'Cannot use the engine "gpu": use one of auto, tensorflow, onnxruntime, reference',
      ],
      [
        ["tiny.json", "--device", "cuda"],
        'Cannot use the device "cuda": use one of auto, cpu, gpu, webgpu',
      ],
      [
        ["tiny.json", "--engine", "reference", "--device", "webgpu"],
        'Cannot use the device "webgpu" with the engine "reference", which computes on cpu: use --engine onnxruntime',
      ],
      [["tiny.json", "--set", "seed"], 'Cannot use "--set seed": write a path and a value, such as "seed=2"'],
      [
        ["tiny.json", "--set", "students.kd.epochs=2"],
        'Cannot set "students.kd" as the list has no such element: it has kdiga',
      ],
      [["tiny.json", "--checkpoint-every", "0"], "Cannot use --checkpoint-every 0: write an integer of at least 1"],
    ];
    for (const [args, line] of cases) assertEquals(await failure(folder, "run", ...args), [2, `UsageError: ${line}`]);
    assertEquals(Object.keys(await filesIn(folder)), ["broken.json", "tiny.json"]);
  });
});

Deno.test("run says which data are missing or damaged, and leaves no folder", async () => {
  const { teacher, students, evaluation } = SMALLEST;
  const experiment = { name: "c", seed: 1, data: { kind: "cifar10", seed: 1 }, teacher, students, evaluation };
  await withExperiment(async (folder) => {
    assertEquals(await failure(folder, "run", "tiny.json"), [
      1,
      "DataError: Cannot load CIFAR-10 as no path was given: pass --data PATH, or run `deno task fetch cifar10` first",
    ]);
    const advice = 'point it at the "binary version" of CIFAR-10, or run `deno task fetch cifar10`';
    assertEquals(await failure(folder, "run", "tiny.json", "--data", "nowhere"), [
      1,
      `DataError: Cannot read CIFAR-10 as there is no "nowhere": ${advice}`,
    ]);
    await Deno.mkdir(`${folder}/cut`);
    await Deno.writeFile(`${folder}/cut/data_batch_1.bin`, new Uint8Array(5000 * 3073 + 17));
    assertEquals(await failure(folder, "run", "tiny.json", "--data", "cut"), [
      1,
      'DataError: Cannot read "cut/data_batch_1.bin" as it has 15365017 bytes where 10000 images of 3073 bytes were ' +
      `expected (30730000): it is cut short or of another format; ${advice}`,
    ]);
    const archive = tar([["cifar-10-batches-bin/data_batch_1.bin", new Uint8Array(100_000)]]);
    await Deno.writeFile(`${folder}/cut.tar`, archive.subarray(0, 50_000));
    assertEquals(await failure(folder, "run", "tiny.json", "--data", "cut.tar"), [
      1,
      'DataError: Cannot read "cut.tar" as it ends 50512 bytes before the end of ' +
      '"cifar-10-batches-bin/data_batch_1.bin": it is cut short; download or copy it again',
    ]);
    const zipped = await gzip(tar([["cifar-10-batches-bin/data_batch_1.bin", new Uint8Array(10_000 * 3073)]]));
    await Deno.writeFile(`${folder}/cut.tar.gz`, zipped.subarray(0, zipped.length - 5000));
    assertEquals(await failure(folder, "run", "tiny.json", "--data", "cut.tar.gz"), [
      1,
      'DataError: Cannot unpack "cut.tar.gz" as gzip (corrupt gzip stream does not have a matching checksum): ' +
      "it is damaged or cut short; download or copy it again",
    ]);
    // Where `deno task fetch` puts it, it is found without --data.
    await Deno.mkdir(`${folder}/data`);
    await Deno.writeFile(
      `${folder}/data/cifar-10-binary.tar.gz`,
      await gzip(tar([["readme.html", new Uint8Array(9)]])),
    );
    const files =
      "data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, test_batch.bin";
    assertEquals(await failure(folder, "run", "tiny.json"), [
      1,
      `DataError: Cannot read CIFAR-10 from "data/cifar-10-binary.tar.gz" as ${files} is missing: ${advice}`,
    ]);
    assert(!(await Array.fromAsync(Deno.readDir(folder))).some(({ name }) => name === "runs"));
  }, experiment);
});

Deno.test("run refuses a folder of another experiment, and one that is no run, and changes neither", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const before = await filesIn(folder);
    const [code, line] = await failure(folder, "run", "tiny.json", "--out", "run", "--set", "seed=2");
    assertEquals(code, 1);
    assertMatch(
      line,
      /^ExperimentError: Cannot run the experiment "tiny" \([0-9a-f]{8}\) in "run" as another one lies there \([0-9a-f]{8}\): choose another --out$/,
    );
    assertEquals(await failure(folder, "run", "tiny.json", "--out", "."), [
      1,
      'ExperimentError: Cannot run in "." as it holds files but no experiment.json: choose another --out',
    ]);
    assertEquals(await failure(folder, "run", "tiny.json", "--out", "tiny.json"), [
      1,
      "DataError: Cannot use a path as the system says " +
      "\"Not a directory (os error 20): stat 'tiny.json/experiment.json'\": choose another one",
    ]);
    assertEquals(await filesIn(folder), before);
  });
});

Deno.test("run refuses damaged checkpoints and weights, and evaluate too", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const weights = "run/checkpoints/kdiga.safetensors";
    const bytes = await Deno.readFile(`${folder}/${weights}`);
    const promised = await sha256Hex(bytes);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(`${folder}/${weights}`, bytes);
    const checksum = `ChecksumError: Cannot use "${weights}" as its SHA-256 is ${await sha256Hex(bytes)} where ` +
      `${promised} was expected: copy it again together with its card, or download both anew`;
    assertEquals(await failure(folder, "run", "tiny.json", "--out", "run"), [1, checksum]);
    assertEquals(await failure(folder, "evaluate", "--model", weights), [1, checksum]);

    // As after a kill in the midst of training, with a checkpoint that was damaged since.
    await Deno.remove(`${folder}/${weights}`);
    await Deno.remove(`${folder}/run/checkpoints/kdiga.json`);
    const state = "run/checkpoints/kdiga.state.safetensors";
    await Deno.writeFile(`${folder}/${state}`, bytes.subarray(0, 100));
    const [code, line] = await failure(folder, "run", "tiny.json", "--out", "run");
    assertEquals(code, 1);
    assertMatch(
      line,
      new RegExp(`^CheckpointError: Cannot read "${state}" as safetensors as it says that .* follow: `),
    );
    assertEquals(await failure(folder, "evaluate", "--model", weights), [
      1,
      `CheckpointError: Cannot load "${weights}" as there is no such file: check the path`,
    ]);
    assertEquals(Object.keys(await filesIn(folder)).filter((name) => name.endsWith(".tmp")), []);
  });
});

Deno.test("evaluate refuses what it cannot use", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const before = Object.keys(await filesIn(folder));
    const card = "run/checkpoints/teacher.json";
    const cases: [args: string[], code: number, line: string][] = [
      [
        ["--attack", "cw"],
        2,
        'UsageError: Cannot use the attack "cw": write fgsm, pgd-<steps>, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, ' +
        "ddn-l2, square or autoattack, with -l2, -l1, -margin or other settings behind where wanted, as in tables, such as " +
        "pgd-20-margin",
      ],
      [
        ["--attack", "square-steps-5"],
        2,
        "UsageError: Cannot use square-steps-5.steps as a square attack has no such key: write one of kind, norm, " +
        "queries, pInit, restarts",
      ],
      [
        ["--attack", "fgsm", "--attack", "pgd-5-l2"],
        2,
        "UsageError: Cannot evaluate Linf and L2 attacks together as " +
        "a radius means another thing to each: evaluate once for each norm",
      ],
      [
        ["--eps", "8"],
        2,
        'UsageError: Cannot use "8" as a radius as pixels are in [0, 1]: ' +
        "write a value between 0 and 1; did you mean 8/255?",
      ],
      [
        ["--eps", "2/255,1.5"],
        2,
        'UsageError: Cannot use "1.5" as a radius as pixels are in [0, 1]: write a value between 0 and 1',
      ],
      [
        ["--eps=-1/255"],
        2,
        'UsageError: Cannot use "-1/255" as a radius as it is negative: write 0 or more',
      ],
      [["--n", "0"], 2, "UsageError: Cannot use --n 0: write an integer of at least 1"],
      [["--batch", "0"], 2, "UsageError: Cannot use --batch 0: write an integer of at least 1"],
      [
        ["--budget", "90"],
        2,
        "UsageError: Cannot use --budget 90: write a duration with its unit, such as 90s, 10m or 2h",
      ],
      [
        ["--budget", "0s"],
        2,
        "UsageError: Cannot use --budget 0s: write a duration with its unit, such as 90s, 10m or 2h",
      ],
      [
        ["--budget", "10m", "--save-images", "images"],
        2,
        "UsageError: Cannot use --save-images with --budget as it is for all rows: leave one of them out",
      ],
      [
        ["--shard", "1/2", "--merge", "a"],
        2,
        "UsageError: Cannot use --merge with --shard as it is for all rows: leave one of them out",
      ],
      [
        ["--distances", "pgd-20"],
        2,
        "UsageError: Cannot find distances by pgd-20 as it needs a radius: write fab, fab-t, fab-l2 or ddn-l2",
      ],
      [
        ["--shard", "2"],
        2,
        "UsageError: Cannot use --shard 2: write a part and the number of parts, such as 1/3",
      ],
      [
        ["--shard", "3/2"],
        2,
        "UsageError: Cannot evaluate the part 3/2 of 64 images: write a part from 1/2 to 2/2, of no more parts than images",
      ],
      [
        ["--model", "run/checkpoints/kdiga.safetensors", "--method", "a", "--method", "a"],
        2,
        'UsageError: Cannot evaluate two networks named "a": name each by --method, in their order',
      ],
      [
        ["--split", "train"],
        2,
        "UsageError: Cannot use --split train as it is not known: write one of test, validation",
      ],
      [
        ["--n", "65"],
        1,
        'ExperimentError: Cannot evaluate on 65 images as "shapes-12 test" (test) has 64: ' +
        "lower n (evaluation.n of an experiment, --n of a command)",
      ],
      [
        ["--dataset", "cifar10"],
        1,
        "DataError: Cannot load CIFAR-10 as no path was given: pass --data PATH, " +
        "or run `deno task fetch cifar10` first",
      ],
    ];
    for (const [args, code, line] of cases) {
      const model = ["--model", "run/checkpoints/teacher.safetensors"];
      assertEquals(await failure(folder, "evaluate", ...model, ...args), [code, line]);
    }
    const [code, line] = await failure(folder, "evaluate");
    assertEquals([code, line], [2, "UsageError: Cannot evaluate without a network: write --model FILE"]);
    assertEquals(Object.keys(await filesIn(folder)), before);

    const { provenance: _, ...rest } = JSON.parse(await Deno.readTextFile(`${folder}/${card}`));
    await Deno.writeTextFile(`${folder}/${card}`, JSON.stringify({ ...rest, provenance: {} }));
    assertEquals(await failure(folder, "evaluate", "--model", "run/checkpoints/teacher.safetensors"), [
      2,
      `UsageError: Cannot tell the data of "run/checkpoints/teacher.safetensors" as its card "${card}" has no ` +
      "provenance.data: write --dataset cifar10 or --dataset shapes",
    ]);
  });
});

Deno.test("evaluate takes one severity of a corruption, and says what is missing of it", async () => {
  const data = { kind: "shapes", seed: 1, train: 40, test: 8, size: 32 };
  const evaluation = { ...SMALLEST.evaluation, n: 8 };
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    // Black images, whose bytes take no space on the disk.
    await Deno.mkdir(`${folder}/c`);
    await Deno.writeFile(`${folder}/c/fog.npy`, npy("|u1", [50_000, 32, 32, 3], new Uint8Array(0)));
    await Deno.truncate(`${folder}/c/fog.npy`, 128 + 50_000 * 3072);
    const severityOf = Uint8Array.from({ length: 50_000 }, (_, i) => Math.floor(i / 10_000));
    await Deno.writeFile(`${folder}/c/labels.npy`, npy("|u1", [50_000], severityOf));
    const model = ["--model", "run/checkpoints/teacher.safetensors", "--skip-masking", "--attack", "fgsm", "--n", "8"];
    const asked = ["--dataset", "cifar10c", "--corruption", "fog", "--severity", "3", "--data", "c"];
    const { code, err } = await runTask(folder, "evaluate", ...model, "--eps", "8/255", ...asked, "--out", "a");
    assertEquals(code, 0, err);
    const [head, ...rows] = (await Deno.readTextFile(`${folder}/a/evidence.csv`)).trim().split("\n");
    const label = head!.split(",").indexOf("label");
    assert(rows.length > 0 && rows.every((row) => row.split(",")[label] === "2"), rows[0]);
    const cases: [args: string[], code: number, line: string][] = [
      [
        ["--dataset", "cifar10c", "--data", "c"],
        2,
        "UsageError: Cannot use --dataset cifar10c without knowing which images: write --corruption NAME and --severity N",
      ],
      [
        ["--severity", "3"],
        2,
        "UsageError: Cannot use --severity without corrupted images: write --dataset cifar10c or cifar100c",
      ],
      [
        [...asked, "--on-corrupt", "skip"],
        2,
        "UsageError: Cannot use --on-corrupt without images that are decoded: write --dataset imagenet",
      ],
      [
        [...asked, "--severity", "6"],
        2,
        "UsageError: Cannot use the severity 6: write an integer from 1 to 5",
      ],
      [
        [...asked, "--split", "validation"],
        2,
        "UsageError: Cannot use --split validation as cifar10c has test images alone",
      ],
      [
        [...asked, "--corruption", "snow"],
        1,
        'DataError: Cannot read "c/snow.npy" as it is not there: use one of fog',
      ],
    ];
    for (const [args, code, line] of cases) {
      assertEquals(await failure(folder, "evaluate", ...model, ...args), [code, line]);
    }
  }, { ...SMALLEST, data, evaluation });
});

Deno.test("run, evaluate and analyze tell which damaged images they leave out, and how long training waits for images", async () => {
  const data = { kind: "imagenet", seed: 1, size: 12, classes: 2, onCorrupt: "skip" };
  const evaluation = { ...SMALLEST.evaluation, n: 3 };
  const [student] = SMALLEST.students;
  const network = { batchSize: 2, epochs: 1 };
  await withExperiment(async (folder) => {
    for (const part of ["val", "train"]) {
      await writeTinyFolder(`${folder}/data/${part}`);
      await Deno.truncate(`${folder}/data/${part}/b/1.JPEG`, 50);
      await Deno.truncate(`${folder}/data/${part}/a/10.png`, 50);
    }
    const told = (err: string) => err.split("\n").filter((line) => /^left out of|damaged/.test(line));
    const left = (part: string, file: string) => `left out of "imagenet ${part}": Cannot decode "data/${file}" as `;
    const sum = (part: string, n: string) => `${n} left out of "imagenet ${part}" (manifest.json has their ids)`;
    const run = await runTask(folder, "run", "tiny.json", "--data", "data", "--out", "run");
    assertEquals(run.code, 0, run.err);
    assertMatch(run.err, /trained \S+ in [\d.]+ s, [\d.]+ % of it waiting for images/);
    const lines = told(run.err);
    assert(lines[0]!.startsWith(left("test", "val/a/10.png")), lines[0]);
    assert(lines.some((line) => line.startsWith(left("train", "train/b/1.JPEG"))), run.err);
    assertEquals(lines.slice(-2), [
      sum("test", "1 damaged file was"),
      sum("train", "2 damaged files were"),
    ]);
    const model = ["--model", `run/checkpoints/${student!.name}.safetensors`, "--data", "data"];
    const image = ["--dataset", "imagenet", "--n", "3"];
    for (
      const args of [
        ["evaluate", ...model, "--n", "3", "--attack", "fgsm", "--eps", "8/255", "--skip-masking", "--out", "a"],
        ["evaluate", ...model, ...image, "--on-corrupt", "skip", "--attack", "fgsm", "--budget", "1m", "--out", "b"],
        ["analyze", ...model, "--n", "3", "--eps", "8/255", "--out", "c"],
      ]
    ) {
      const { code, err } = await runTask(folder, ...args as [string]);
      assertEquals(code, 0, err);
      assertMatch(
        told(err).join("\n"),
        /^left out of "imagenet test": Cannot decode "data\/val\/[^]*damaged files? w/,
        err,
      );
    }
    const [code, line] = await failure(folder, "evaluate", ...model, ...image, "--attack", "fgsm");
    assertEquals(code, 1);
    assertMatch(line, /^DataError: Cannot decode "data\/val\//);
  }, {
    ...SMALLEST,
    data,
    evaluation,
    teacher: { ...SMALLEST.teacher, ...network },
    students: [{ ...student, ...network }],
  });
});

Deno.test("evaluate --budget tells what is known when the time is over, goes on, and hands over to a full evaluation", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const models = ["kdiga", "teacher"].flatMap((name) => ["--model", `run/checkpoints/${name}.safetensors`]);
    const args = [...models, "--attack", "fgsm,pgd-5", "--eps", "1/255,8/255", "--n", "32", "--out", "a"];
    // Less than the engine takes to start: nothing is known, and that is said.
    const none = await runTask(folder, "evaluate", ...args, "--budget", "0.001s");
    assertEquals(none.code, 0, none.err);
    assertMatch(
      none.out,
      /^\nMethod, radius +n +All attacks failed +Not yet broken\n-+\nKDIGA, Clean +32 +0\.0 .* 100\.0 /,
    );
    assertMatch(none.out, /\nTeacher, Linf 8\/255 +32 +0\.0 .* 100\.0 /);
    assertMatch(none.err, /^the time is over: run again .* \(with more time, as no image was finished in this\)/m);
    assertMatch(none.err, /^masked gradients were not checked: run without --budget for that$/m);

    const all = await runTask(folder, "evaluate", ...args, "--budget", "1h", "--json");
    assertEquals(all.code, 0, all.err);
    assertMatch(all.err, /^going on in a$/m);
    const { seconds: _, ...result } = JSON.parse(all.out);
    assertEquals(Object.keys(result), ["folder", "bracket", "isFinished", "added", "figures", "report"]);
    assertEquals([result.folder, result.isFinished, result.bracket.length], ["a", true, 6]);
    for (const row of result.bracket) assertEquals(Object.keys(row), [...BRACKET_COLUMNS]);
    assertEquals(result.figures, SCREEN_ENDINGS.map((ending) => `a/figures/bracket${ending}`));
    assert(result.added > 64);
    const before = await filesIn(`${folder}/a`);
    const drawn = await runTask(folder, "figures", "a", "--json");
    assertEquals(JSON.parse(drawn.out).figures, FIGURE_ENDINGS.map((ending) => `a/figures/bracket${ending}`));
    for (const ending of FIGURE_ENDINGS) {
      if (!SCREEN_ENDINGS.includes(ending)) await Deno.remove(`${folder}/a/figures/bracket${ending}`);
    }
    assertEquals(await filesIn(`${folder}/a`), before);

    const full = await runTask(folder, "evaluate", ...args, "--skip-masking", "--json");
    assertEquals(full.code, 0, full.err);
    for (const { method, attack, eps, correct } of JSON.parse(full.out).rows as EvaluationRow[]) {
      if (attack !== "worst") continue;
      const { standing } = result.bracket.find((row: BracketRow) => row.method === method && row.eps === eps);
      assert(correct >= standing, "the worst case at one radius, where the bracket has that of the smaller ones too");
    }
    const names = Object.keys(await filesIn(`${folder}/a`));
    assert(names.includes("images.csv") && !names.some((name) => /budget|bracket/.test(name)), names.join());
  });
});

Deno.test("evaluate merges shards into the very files of one evaluation, and runs what they lack", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const models = ["kdiga", "teacher"].flatMap((name) => ["--model", `run/checkpoints/${name}.safetensors`]);
    const args = [...models, "--attack", "apgd-ce-steps-4,pgd-5", "--eps", "1/255,8/255", "--n", "31", "--batch", "20"];
    for (const shard of ["1/3", "2/3", "3/3"]) {
      const { code, err } = await runTask(folder, "evaluate", ...args, "--shard", shard, "--out", `part-${shard[0]}`);
      assertEquals(code, 0, err);
      assertMatch(err, /^masked gradients are not checked on a part: --merge does$/m);
    }
    const merged = (to: string, ...parts: string[]) =>
      runTask(
        folder,
        "evaluate",
        ...args,
        "--out",
        to,
        "--skip-masking",
        ...parts.flatMap((part) => ["--merge", part]),
      );
    const results: Record<string, string>[] = [];
    for (const [to, ...parts] of [["whole"], ["a", "part-1", "part-2", "part-3"], ["b", "part-3", "part-1"]]) {
      const { code, err } = await merged(to!, ...parts);
      assertEquals(code, 0, err);
      const { "manifest.json": _, ...files } = await filesIn(`${folder}/${to}`);
      results.push(files);
    }
    assertEquals(results[1], results[0]);
    assertEquals(results[2], results[0]);
    const foreign = await failure(folder, "evaluate", ...args, "--seed", "9", "--out", "c", "--merge", "part-1");
    assertEquals(foreign, [
      1,
      'ExperimentError: Cannot merge "part-1" as it is no part of this evaluation: networks, data, seed, n, batch, ' +
      "attacks and radii must be the same",
    ]);
    assertEquals(await failure(folder, "evaluate", ...args, "--out", "d", "--merge", "nowhere"), [
      1,
      'DataError: Cannot merge "nowhere" as it has no experiment.json or no evidence.csv: evaluate it first',
    ]);
  });
});

Deno.test("evaluate refuses evidence that is damaged in its midst, names file and line, and overwrites nothing", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const args = ["--model", "run/checkpoints/kdiga.safetensors", "--attack", "fgsm", "--eps", "8/255", "--n", "32"]
      .concat(["--out", "a", "--skip-masking"]);
    assertEquals((await runTask(folder, "evaluate", ...args)).code, 0);
    const path = `${folder}/a/evidence.csv`;
    const lines = (await Deno.readTextFile(path)).split("\n");
    const cases: [line: string, reason: string][] = [
      ["kdiga,clean", "it has 2 fields where 10 were expected"],
      [lines[9]!.replace("clean", ""), 'its attack is "" where a text was expected'],
      [
        lines[9]!.replace(/,\d*,\d+$/, ",x,1"),
        'its firstStep is "x" where an integer of 0 or more, or nothing was expected',
      ],
    ];
    for (const [line, reason] of cases) {
      await Deno.writeTextFile(path, lines.with(9, line).join("\n"));
      const { "manifest.json": _, ...before } = await filesIn(`${folder}/a`);
      for (const more of [[], ["--budget", "1h"], ["--save-images", "images"]]) {
        assertEquals(await failure(folder, "evaluate", ...args, ...more), [
          1,
          `DataError: Cannot read line 10 of "a/evidence.csv" as ${reason}: mend or remove it`,
        ]);
      }
      const { "manifest.json": __, ...after } = await filesIn(`${folder}/a`);
      assertEquals(after, before);
    }
    assertEquals(Object.keys(await filesIn(folder)).some((name) => name.startsWith("images")), false);
  });
});

Deno.test("evaluate refuses a network of another input shape, and verify one that the images do not fit", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const other = { ...SMALLEST, data: { ...SMALLEST.data, size: 16 } };
    await Deno.writeTextFile(`${folder}/other.json`, JSON.stringify(other));
    assertEquals((await runTask(folder, "run", "other.json", "--out", "other")).code, 0);
    const [model, wrong] = ["run", "other"].map((run) => ["--model", `${run}/checkpoints/kdiga.safetensors`]);
    const line = "DataError: Cannot classify images of shape [12,12,3] as the classifier takes [16,16,3]: " +
      "use the data set that it was trained on";
    const named = ["--method", "a", "--method", "b", "--n", "8", "--attack", "fgsm"];
    assertEquals(await failure(folder, "evaluate", ...model!, ...wrong!, ...named, "--out", "a"), [1, line]);
    const saved = await runTask(
      folder,
      "evaluate",
      ...model!,
      "--n",
      "8",
      "--attack",
      "fgsm",
      "--save-images",
      "images",
    );
    assertEquals(saved.code, 0, saved.err);
    assertEquals(await failure(folder, "verify", "images", ...wrong!), [1, line]);
  });
});

Deno.test("verify finds originals and labels that are not those of the data set, and says where it compares none", async () => {
  await withExperiment(async (folder) => {
    assertEquals((await runTask(folder, "run", "tiny.json", "--out", "run")).code, 0);
    const model = ["--model", "run/checkpoints/kdiga.safetensors"];
    const asked = ["--attack", "fgsm", "--eps", "8/255", "--n", "24", "--save-images", "images", "--skip-masking"];
    assertEquals((await runTask(folder, "evaluate", ...model, ...asked)).code, 0);
    const path = `${folder}/images/kdiga_fgsm_8-255.safetensors`;
    const images = await loadImages(path);
    assertEquals([images.data, images.split], [SMALLEST.data, "test"]);
    const x = images.x.data.slice();
    x[40] = Math.fround((Math.round(255 * x[40]!) === 255 ? 254 : Math.round(255 * x[40]!) + 1) / 255);
    const labels = images.y.data.slice();
    labels[3] = (labels[3]! + 1) % 2;
    await saveImages(path, { ...images, x: { ...images.x, data: x }, y: { ...images.y, data: labels } });
    const { code, out, err } = await runTask(folder, "verify", "images", ...model, "--json");
    assertEquals(code, 1, err);
    const [row] = JSON.parse(out).rows;
    assertEquals(row.originals, 22);
    const data = '"shapes-12 test"';
    assert(row.claims.includes(`the original of image ${images.ids[0]} is not that of ${data}`), row.claims.join("\n"));
    assert(row.claims.some((claim: string) => claim.startsWith(`image ${images.ids[3]} has label `)));
    assertMatch(err, /^a claim does not hold: kdiga under fgsm at 8\/255: the original of image \d+ /m);

    const { data: _, split: __, ...unknown } = images;
    await saveImages(path, { ...unknown, data: { kind: "cifar10", seed: 1 } });
    const blind = await runTask(folder, "verify", "images", ...model, "--json");
    assertEquals([blind.code, JSON.parse(blind.out).rows[0].originals], [0, null]);
    assertMatch(blind.err, /^originals are not compared with their data set: write --dataset cifar10 --data PATH$/m);
    await saveImages(path, unknown);
    const ofCard = await runTask(folder, "verify", "images", ...model, "--json");
    assertEquals([ofCard.code, JSON.parse(ofCard.out).rows[0].originals], [0, 24]);
    assertEquals(await failure(folder, "verify", "images", ...model, "--dataset", "cifar10", "--data", "nowhere"), [
      1,
      'DataError: Cannot read CIFAR-10 as there is no "nowhere": point it at the "binary version" of CIFAR-10, ' +
      "or run `deno task fetch cifar10`",
    ]);
  });
});

Deno.test("figures refuses a folder without rows", async () => {
  await inTempFolder(async (folder) => {
    assertEquals(await failure(folder, "figures", "nowhere"), [
      1,
      'DataError: Cannot draw figures of "nowhere" as it has no row in evaluation.csv, analysis.csv or steps.csv: ' +
      "train, evaluate or analyse first",
    ]);
    assertEquals(await filesIn(folder), {});
  });
});

/** Runs a body with a server on this machine that answers with these bytes, or 404 elsewhere than at /a. */
async function withServer(bytes: Uint8Array<ArrayBuffer>, body: (url: string) => Promise<void>): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new URL(request.url).pathname === "/a" ? new Response(bytes) : new Response(null, { status: 404 }),
  );
  try {
    await body(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

Deno.test("fetch downloads, checks, and prints one JSON document", async () => {
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * i >> 3);
  const sha256 = await sha256Hex(bytes);
  await withServer(bytes, (url) =>
    inTempFolder(async (folder) => {
      const args = ["cifar10", "--url", `${url}/a`, "--sha256", sha256, "--json"];
      const { code, out, err } = await runTask(folder, "fetch", ...args);
      assertEquals([code, JSON.parse(out)], [0, { file: "data/cifar-10-binary.tar.gz", sha256 }]);
      assertMatch(err, /^fetch http/);
      assertEquals(await filesIn(folder), { "data/cifar-10-binary.tar.gz": sha256 });
      assertEquals((await runTask(folder, "fetch", "cifar100", ...args.slice(1))).code, 0);
      assertEquals((await filesIn(folder))["data/cifar-100-binary.tar.gz"], sha256);
    }));
});

Deno.test("fetch refuses other data, a wrong checksum, and a server without the file, and leaves nothing", async () => {
  const bytes = new Uint8Array(1000);
  await withServer(bytes, (url) =>
    inTempFolder(async (folder) => {
      assertEquals(await failure(folder, "fetch", "imagenet"), [
        2,
        "UsageError: Cannot use data set imagenet as it is not known: write one of cifar10, cifar100",
      ]);
      assertEquals(await failure(folder, "fetch", "cifar10", "--url", `${url}/a`, "--to", "c.tar.gz"), [
        1,
        `ChecksumError: Cannot use "c.tar.gz" as its SHA-256 is ${await sha256Hex(bytes)} where ` +
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd was expected: " +
        "it was removed; fetch it again, or from another address",
      ]);
      assertEquals(await failure(folder, "fetch", "cifar10", "--url", `${url}/b`, "--to", "c.tar.gz"), [
        1,
        `DataError: Cannot fetch "${url}/b" as its server answers 404 Not Found: ` +
        "check the address, or download the file by hand and point at it with --data PATH",
      ]);
      assertEquals(await filesIn(folder), {});
    }));
});

/** Runs a shell script in a mount namespace of its own, where it may mount; what it mounts is gone afterwards. */
async function inMountNamespace(script: string, ...args: string[]): Promise<{ code: number; err: string }> {
  const command = new Deno.Command("unshare", {
    args: ["--map-root-user", "--mount", "sh", "-euc", script, "sh", ...args],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  });
  const { code, stderr } = await command.output();
  return { code, err: new TextDecoder().decode(stderr) };
}

const canMount = Deno.build.os === "linux" &&
  await inMountNamespace("mount -t tmpfs none /mnt").then(({ code }) => code === 0, () => false);

/** Runs a command where a folder is a small disk, then again when the disk has grown; copies the folder after both. */
const FILL_THEN_FREE = `disk=$1; shift
mount -t tmpfs -o size=44k none "$disk"
code=0; "$@" || code=$?
cp -r "$disk" "$disk.full"
mount -o remount,size=64m "$disk"
"$@" 2>/dev/null
cp -r "$disk" "$disk.done"
exit $code`;

Deno.test({
  name: "run says where no space is left, leaves whole files, and goes on when there is space",
  ignore: !canMount,
  fn: () =>
    withExperiment(async (folder) => {
      await Deno.mkdir(`${folder}/disk`);
      const run = [...taskArgs("run"), `${folder}/tiny.json`, "--out", `${folder}/disk/run`];
      const { code, err } = await inMountNamespace(FILL_THEN_FREE, `${folder}/disk`, Deno.execPath(), ...run);
      assertEquals(code, 1, err);
      assertMatch(
        err.trimEnd().split("\n").at(-1)!,
        /^DataError: Cannot write ".*\/disk\/run\/[a-z./]+" as no space is left on its disk: free some, or choose another folder$/,
      );
      const full = Object.keys(await filesIn(`${folder}/disk.full`));
      assert(full.includes("run/experiment.json") && !full.some((name) => name.endsWith(".tmp")), full.join());
      assertEquals((await runTask(folder, "run", "tiny.json", "--out", "other")).code, 0);
      const { "manifest.json": _, ...done } = await filesIn(`${folder}/disk.done/run`);
      const { "manifest.json": __, ...other } = await filesIn(`${folder}/other`);
      assertEquals(done, other);
    }),
});

Deno.test({
  name: "fetch says where no space is left, and goes on when there is space",
  ignore: !canMount,
  fn: () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i * i >> 3);
    return withServer(bytes, (url) =>
      inTempFolder(async (folder) => {
        await Deno.mkdir(`${folder}/disk`);
        const sha256 = await sha256Hex(bytes);
        const args = ["cifar10", "--url", `${url}/a`, "--sha256", sha256, "--to", `${folder}/disk/c`];
        const { code, err } = await inMountNamespace(
          FILL_THEN_FREE,
          `${folder}/disk`,
          Deno.execPath(),
          ...taskArgs("fetch"),
          ...args,
        );
        assertEquals([code, err.trimEnd().split("\n").at(-1)], [
          1,
          `DataError: Cannot write "${folder}/disk/c.part" as no space is left on its disk: ` +
          "free some, or choose another folder",
        ]);
        assertEquals(await filesIn(`${folder}/disk.done`), { c: sha256 });
      }));
  },
});

Deno.test("test counts what passed and failed, and fails where one failed or none ran", async () => {
  await inTempFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}_test.ts`, text);
    await write("good", 'Deno.test("a", () => {}); Deno.test("b", () => console.log("ok | 9 passed | 9 failed"));');
    await write("bad", 'Deno.test("c", () => { throw new Error("no"); }); Deno.test("d", () => {});');
    await write("broken", 'throw new Error("no");');
    await write("none", "");
    const last = async (...args: string[]) => {
      const { code, out } = await runTask(folder, "test", ...args);
      return [code, out.trimEnd().split("\n").at(-1)];
    };
    assertEquals(await last("good_test.ts"), [0, "2 passed, 0 failed"]);
    assertEquals(await last("good_test.ts", "bad_test.ts"), [1, "3 passed, 1 failed"]);
    assertEquals(await last("good_test.ts", "broken_test.ts"), [1, "2 passed, 1 failed"]);
    assertEquals(await last("none_test.ts"), [1, "0 passed, 0 failed"]);
    assertEquals(await last("nowhere_test.ts"), [1, "0 passed, 1 failed"]);
    const { code, out } = await runTask(folder, "test", "good_test.ts", "bad_test.ts", "--json");
    assertEquals([code, JSON.parse(out)], [1, { passed: 3, failed: 1 }]);
  });
});

Deno.test("a command whose standard error is closed early still ends", async () => {
  await withExperiment(async (folder) => {
    const child = startTask(folder, "run", "tiny.json", "--show");
    await child.stderr.cancel();
    const chunks = await Array.fromAsync(child.stdout);
    assertEquals((await child.status).code, 0);
    assert(chunks.length > 0);
  });
});
