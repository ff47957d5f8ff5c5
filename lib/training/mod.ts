/**
 * From an objective and a data set to weights, as a stream of events: the caller draws bars and writes files, stops by
 * leaving the loop, and resumes by running again from a checkpoint.
 *
 * ```ts ignore
 * for await (const event of train(engine, options)) {
 *   if (event.kind === "checkpoint") await writeFileAtomic(path, encodeTrainState(event.state, hash));
 *   if (event.kind === "end") weights = event.weights;
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
