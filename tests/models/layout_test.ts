import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, float32, int32 } from "../../lib/core/mod.ts";
import { fromPyTorch, toPyTorch } from "../../lib/models/mod.ts";

const weights = {
  parameters: {
    // Element [h, w, i, o] of the filter is 1000 h + 100 w + 10 i + o.
    "conv.weight": float32([2, 1, 2, 3], [0, 1, 2, 10, 11, 12, 1000, 1001, 1002, 1010, 1011, 1012]),
    "fc.weight": float32([2, 3], [0, 1, 2, 10, 11, 12]),
    "fc.bias": float32([3], [1, 2, 3]),
  },
  buffers: { "bn.running_var": float32([1], [0.5]) },
};
const shapes = {
  parameters: { "conv.weight": [2, 1, 2, 3], "fc.weight": [2, 3], "fc.bias": [3] },
  buffers: { "bn.running_var": [1] },
};

Deno.test("toPyTorch() makes filters [O, I, KH, KW] and matrices [out, in]", () => {
  assertEquals(toPyTorch(weights), {
    "conv.weight": float32([3, 2, 2, 1], [0, 1000, 10, 1010, 1, 1001, 11, 1011, 2, 1002, 12, 1012]),
    "fc.weight": float32([3, 2], [0, 10, 1, 11, 2, 12]),
    "fc.bias": float32([3], [1, 2, 3]),
    "bn.running_var": float32([1], [0.5]),
  });
});

Deno.test("fromPyTorch() is the inverse, drops prefixes and ignores num_batches_tracked", () => {
  const state = toPyTorch(weights);
  assertEquals(fromPyTorch(state, shapes), weights);
  const wrapped = Object.fromEntries(Object.entries(state).map(([name, array]) => [`module.model.${name}`, array]));
  assertEquals(fromPyTorch({ "module.bn.num_batches_tracked": int32([], [3]), ...wrapped }, shapes), weights);
  // A weight that has such a name in the model itself keeps it.
  const nested = { parameters: { "model.w": [1] }, buffers: {} };
  assertEquals(fromPyTorch({ "model.w": float32([1], [2]) }, nested).parameters, { "model.w": float32([1], [2]) });
});

Deno.test("fromPyTorch() lists everything that does not fit, with the nearest names", () => {
  const { "conv.weight": filter, "fc.bias": bias, ...rest } = toPyTorch(weights);
  const state = {
    ...rest,
    "conv1.weight": filter!,
    "fc.weight": float32([2, 3]),
    "module.fc.weight": float32([2, 3]),
    "bn.running_var": int32([1]),
    "sigma": bias!,
  };
  assertThrows(
    () => fromPyTorch(state, shapes, '"a.safetensors"'),
    CheckpointError,
    'Cannot use "a.safetensors" as weights of this model: "fc.weight" is given twice; ' +
      '"conv.weight" [3,2,2,1] is missing (nearest in the file: "conv1.weight"); ' +
      '"fc.weight" is [2,3] where [3,2] was expected; "fc.bias" [3] is missing; ' +
      '"bn.running_var" is int32 where float32 was expected; ' +
      '"conv1.weight" [3,2,2,1] is unexpected (nearest of the missing: "conv.weight"); "sigma" [3] is unexpected: ' +
      "use the model that they were made with, or rename them",
  );
});
