/**
 * The only room that knows TensorFlow.js, ONNX Runtime and libtensorflow. Numeric code is written once, as pure
 * functions of tensors with the operators exported here, and an engine makes native programs of it.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createEngine, float32, mul, type Tensor } from "@kdiga/kdiga";
 *
 * await using engine = await createEngine("auto");
 * const double = engine.compile(({ x }: { x: Tensor }) => mul(x, 2));
 * const doubled = await engine.read(await double({ x: float32([2], [1, 2]) }));
 * assertEquals([...doubled.data], [2, 4]);
 * ```
 *
 * @module
 */
export * from "./engine.ts";
export * from "./grad.ts";
export * from "./ops.ts";
export * from "./tree.ts";
export * from "./values.ts";
export * from "./cached_program.ts";
export * from "./count_macs.ts";
export * from "./create_engine.ts";
export * from "./record_kernels.ts";
export * from "./reference/create_reference_engine.ts";
export * from "./libtensorflow/eager/use_tensorflow.ts";
export * from "./libtensorflow/find_library.ts";
export * from "./libtensorflow/install_library.ts";
export * from "./libtensorflow/library_source.ts";
export * from "./libtensorflow/set_up_library.ts";
export type { Tensor } from "./tensorflow.ts";
