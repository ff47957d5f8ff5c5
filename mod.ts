/**
 * kdiga: robust knowledge distillation in Deno.
 *
 * Knowledge distillation with input gradient alignment (Shao, Yi, Chen, Hsieh 2021, arXiv 2110.12072) keeps the
 * adversarial robustness of a teacher that plain distillation loses: beside cross-entropy and the divergence from the
 * teacher, the student's input gradient of the cross-entropy is pulled to the teacher's.
 *
 * This page goes from images to figures, in the order of the exports. Its examples are tests and run as they stand: the
 * images are drawn, the engine is the one that needs nothing, and the sizes are so small that it takes seconds and the
 * accuracies mean nothing.
 *
 * ## Images
 *
 * {@linkcode loadData} makes of a {@linkcode DataSpec} the images to train on, to choose on and to evaluate on: a
 * {@linkcode Dataset} of bytes each, from which come {@linkcode Batch}es of pixels in [0, 1]. Every image keeps its id,
 * and random numbers ({@linkcode rng}) are keyed by it, so that nothing depends on the order of batches.
 *
 * ```ts
 * import { CROP_AND_FLIP, loadData, rng, trainBatches } from "@kdiga/kdiga";
 *
 * const { train } = await loadData({ kind: "shapes", seed: 1, train: 256, test: 64 });
 * for (const { x, y } of trainBatches(train, { batchSize: 64, rng: rng(1), epoch: 0, augment: CROP_AND_FLIP })) {
 *   console.log(x.shape, train.classes[y.data[0]!]); // [64, 16, 16, 3], the first image's class
 * }
 * ```
 *
 * ## A network
 *
 * A {@linkcode ModelSpec} names a network; {@linkcode createModel} makes a {@linkcode Model} of it, pure functions from
 * {@linkcode Weights} and pixels to logits. With its weights bound to it ({@linkcode freeze}) it is a
 * {@linkcode Classifier}: what teaches, is attacked and is evaluated. {@linkcode loadWeights} has those of a file.
 *
 * Numbers are computed by an {@linkcode Engine}, which compiles such functions. "auto" takes the fastest that is there.
 *
 * ```ts
 * import { createEngine, createModel, freeze, gather, loadData, margins, rng } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { test } = await loadData({ kind: "shapes", seed: 1, train: 256, test: 64 });
 * const model = createModel({ kind: "mlp", hidden: [32] }, { classes: 10, inputShape: test.imageShape });
 * const classifier = freeze(model, model.init(rng(1, "student")));
 * const margin = await margins(engine, classifier, gather(test, [0, 1, 2])); // z_y - max z_k: wrong where negative
 * console.log(margin.length); // 3
 * ```
 *
 * ## A robust teacher
 *
 * {@linkcode train} takes an {@linkcode ObjectiveSpec}, here adversarial training, an {@linkcode OptimizerSpec} and a
 * {@linkcode ScheduleSpec}, and yields a {@linkcode TrainEvent} after every step: leaving the loop stops it, and from a
 * checkpoint it goes on bit for bit.
 *
 * ```ts
 * import { createEngine, createModel, loadData, saveWeights, train } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { train: dataset } = await loadData({ kind: "shapes", seed: 1, train: 128, test: 64 });
 * const { classes, imageShape: inputShape } = dataset;
 * const spec = { kind: "mlp", hidden: [32] } as const;
 * const training = train(engine, {
 *   name: "teacher",
 *   model: createModel(spec, { classes: classes.length, inputShape }),
 *   objective: { kind: "adversarial", eps: "8/255", steps: 2, stepSize: "5/255" },
 *   optimizer: { kind: "sgd", momentum: 0.9, weightDecay: 5e-4 },
 *   schedule: { kind: "oneCycle", peak: 0.1 },
 *   dataset,
 *   epochs: 1,
 *   batchSize: 32,
 *   seed: 1,
 * });
 * const folder = await Deno.makeTempDir();
 * for await (const event of training) {
 *   if (event.kind === "step") console.log(event.done, event.total, event.row.loss);
 *   if (event.kind === "end") {
 *     const card = { model: spec, classes, inputShape, provenance: { data: dataset.name } };
 *     await saveWeights(`${folder}/teacher.safetensors`, event.weights, card); // PyTorch's names and layouts
 *   }
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * ## Distillation with input gradient alignment
 *
 * The same with a teacher and another objective. {@linkcode METHODS} lists all of them with their source, and which
 * constant is the paper's and which the released code's ({@linkcode KDIGA_PAPER}, {@linkcode KDIGA_RELEASED_CODE}). Every
 * term of the loss is a column of a {@linkcode StepRow}.
 *
 * ```ts
 * import { createEngine, createModel, freeze, loadData, rng, train } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { train: dataset } = await loadData({ kind: "shapes", seed: 1, train: 128, test: 64 });
 * const model = createModel({ kind: "mlp", hidden: [32] }, { classes: 10, inputShape: dataset.imageShape });
 * const teacher = freeze(model, model.init(rng(2, "teacher"))); // in earnest: the weights from above
 * const options = {
 *   name: "kdiga",
 *   model,
 *   teacher,
 *   objective: { kind: "kdiga", alpha: 0.5, temperature: 1, weight: 0.5 },
 *   optimizer: { kind: "sgd", momentum: 0.9 },
 *   schedule: { kind: "oneCycle", peak: 0.1 },
 * } as const;
 * for await (const event of train(engine, { ...options, dataset, epochs: 1, batchSize: 32, seed: 1 })) {
 *   if (event.kind === "step") console.log(event.row.terms); // { ce, kl, iga }, weighted
 *   if (event.kind === "end") console.log(freeze(model, event.weights).classes); // the student
 * }
 * ```
 *
 * ## Attacks
 *
 * {@linkcode runAttack} takes an {@linkcode AttackSpec} and a radius. What it returns was verified on the images
 * themselves, whatever the attack claims: they lie in the ball and in [0, 1], and `success` says what they do.
 *
 * ```ts
 * import { createEngine, createModel, freeze, gather, loadData, rng, runAttack } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { test } = await loadData({ kind: "shapes", seed: 1, train: 256, test: 64 });
 * const model = createModel({ kind: "mlp", hidden: [32] }, { classes: 10, inputShape: test.imageShape });
 * const classifier = freeze(model, model.init(rng(1, "student")));
 * const batch = gather(test, [0, 1, 2, 3]);
 * const { xAdv, success } = await runAttack(engine, classifier, batch, { kind: "pgd", steps: 5 }, 8 / 255, rng(1));
 * console.log(xAdv.shape, success); // [4, 16, 16, 3], 1 where the image is misclassified now
 * ```
 *
 * ## Rows and figures
 *
 * {@linkcode evaluate} yields a row of evidence per image, attack and radius ({@linkcode EvidenceRow});
 * {@linkcode summarize} counts them, with Wilson intervals ({@linkcode EvaluationRow}). Figures and tables are pure
 * functions of rows: {@linkcode FIGURES} has all of them, and `show(figure)` is for a notebook.
 *
 * ```ts
 * import { createEngine, createModel, evaluate, type EvidenceRow, freeze, loadData, rng } from "@kdiga/kdiga";
 * import { accuracyTable, renderSvg, robustnessCurve, summarize, tableText } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { test } = await loadData({ kind: "shapes", seed: 1, train: 256, test: 64 });
 * const model = createModel({ kind: "mlp", hidden: [32] }, { classes: 10, inputShape: test.imageShape });
 * const classifier = freeze(model, model.init(rng(1, "student")));
 * const evidence: EvidenceRow[] = [];
 * const attacks = [{ attack: { kind: "pgd", steps: 5 } }] as const;
 * const options = { method: "kdiga", classifier, dataset: test, attacks, eps: ["4/255", "8/255"], seed: 1, batchSize: 32 };
 * for await (const event of evaluate(engine, options)) {
 *   if (event.kind === "evidence") evidence.push(...event.rows);
 * }
 * const rows = summarize(evidence); // method, attack, eps, n, correct, rate, low, high
 * console.log(tableText(accuracyTable(rows)));
 * const svg = await renderSvg(robustnessCurve(rows, { attack: "pgd-5" }));
 * console.log(svg.startsWith("<svg")); // true
 * ```
 *
 * ## All of it
 *
 * {@linkcode run} does the whole of one declared {@linkcode Experiment} in a folder that it can go on in at any time;
 * {@linkcode PRESETS} has those of the repository. `small` makes one that takes seconds.
 *
 * ```ts
 * import { createEngine, PRESETS, run, small } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("auto");
 * const runs = await Deno.makeTempDir();
 * for await (const event of run(small(PRESETS.quickstart!), { engine, runs })) {
 *   if (event.kind === "end") console.log(event.rows.length, event.figures.length, event.report);
 * }
 * await Deno.remove(runs, { recursive: true });
 * ```
 *
 * ## The rooms
 *
 * - core: {@linkcode rng}, radii ({@linkcode parseEps}), intervals ({@linkcode wilson}), rows and their CSV files
 *   ({@linkcode parseEvaluation}), errors that a user can mend ({@linkcode UserError})
 * - engine: {@linkcode createEngine}, {@linkcode Engine}, the operators of traced functions and {@linkcode valueAndGrad}
 * - data: {@linkcode loadData}, {@linkcode trainBatches}, {@linkcode evalBatches}, {@linkcode openImageFolder}
 * - models: {@linkcode createModel}, {@linkcode freeze}, {@linkcode loadWeights}, {@linkcode describeModel}
 * - losses: {@linkcode crossEntropy}, {@linkcode klDivergence}, {@linkcode margin}, {@linkcode dlr}: one number per image
 * - attacks: {@linkcode runAttack}, {@linkcode attackImages}, {@linkcode smallestPerturbations}, {@linkcode ATTACKS},
 *   one's own ({@linkcode OwnAttack})
 * - objectives: {@linkcode objectiveOf}, {@linkcode METHODS} and the constants of papers and codes, one's own
 *   ({@linkcode OwnObjective}, {@linkcode checkObjective})
 * - training: {@linkcode train}, {@linkcode OPTIMIZERS}, {@linkcode learningRate}, {@linkcode TrainState}
 * - certificates: {@linkcode boundMargins}, {@linkcode certifiedRadii}, {@linkcode certifyImages},
 *   {@linkcode certifySmoothed}, {@linkcode predictSmoothed}: what no attack within a radius can change
 * - evaluation: {@linkcode evaluate}, {@linkcode summarize}, {@linkcode narrow} within a budget, {@linkcode analyze},
 *   {@linkcode maskingReport}
 * - report: {@linkcode FIGURES}, {@linkcode renderSvg}, {@linkcode renderPng}, {@linkcode accuracyTable},
 *   {@linkcode writeReport}; no engine is needed
 * - experiments: {@linkcode run}, {@linkcode Experiment}, {@linkcode PRESETS}, {@linkcode Sweep}, {@linkcode SWEEPS}
 *
 * @module
 */
export * from "./lib/core/mod.ts";
export * from "./lib/engine/mod.ts";
export * from "./lib/data/mod.ts";
export * from "./lib/models/mod.ts";
export * from "./lib/losses/mod.ts";
export * from "./lib/attacks/mod.ts";
export * from "./lib/objectives/mod.ts";
export * from "./lib/training/mod.ts";
export * from "./lib/certificates/mod.ts";
export * from "./lib/evaluation/mod.ts";
export * from "./lib/report/mod.ts";
export * from "./lib/experiments/mod.ts";
