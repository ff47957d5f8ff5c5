/**
 * From an objective and a data set to weights, as a stream of events: the caller draws bars and writes files, stops by
 * leaving the loop, and resumes by running again from a checkpoint.
 *
 * ```ts
 * import { createEngine, createModel, shapes, train, type TrainOptions, type TrainState } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("reference");
 * const { train: dataset } = shapes({ seed: 1, train: 32, test: 10 });
 * const options: TrainOptions = {
 *   name: "natural",
 *   model: createModel({ kind: "mlp", hidden: [] }, { classes: 10, inputShape: dataset.imageShape }),
 *   objective: { kind: "natural" },
 *   optimizer: { kind: "sgd", momentum: 0.9 },
 *   schedule: { kind: "cosine", peak: 0.01 },
 *   dataset,
 *   epochs: 2,
 *   batchSize: 8,
 *   seed: 1,
 * };
 * let state: TrainState | undefined;
 * for await (const event of train(engine, { ...options, checkpointEvery: 3 })) {
 *   if (event.kind !== "checkpoint") continue;
 *   state = event.state; // encodeTrainState() makes a file of it
 *   break;
 * }
 * for await (const event of train(engine, { ...options, ...(state === undefined ? {} : { from: state }) })) {
 *   if (event.kind === "step") console.log(event.done, event.row.loss); // 4, 5, 6, 7, 8
 * }
 * ```
 *
 * @module
 */
export * from "./adam.ts";
export * from "./average.ts";
export * from "./clip_gradients.ts";
export * from "./estimate_statistics.ts";
export * from "./optimizer.ts";
export * from "./sgd.ts";
export * from "./perturb_weights.ts";
export * from "./schedule.ts";
export * from "./step.ts";
export * from "./train_state.ts";
export * from "./train.ts";
export * from "./check_finite.ts";
