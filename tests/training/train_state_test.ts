import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, float32 } from "../../lib/core/mod.ts";
import { encodeSafetensors } from "../../lib/models/mod.ts";
import { decodeTrainState, encodeTrainState, type TrainState } from "../../lib/training/train_state.ts";

const STATE: TrainState = {
  step: 1234,
  weights: {
    parameters: {
      "fc.weight": float32([2, 2], [1, -0, 1e-45, 3.4028234663852886e38]),
      "fc.bias": float32([2], [0.1, 2]),
    },
    buffers: { "bn.running_mean": float32([1], [0.5]) },
  },
  optimizerState: {
    mean: { "fc.weight": float32([2, 2], [4, 3, 2, 1]), "fc.bias": float32([2]) },
    ones: { mean: float32([], [0.5]) },
  },
  carried: { "weight": float32([], [0.5]) },
  accuracySum: 12.1,
  average: {
    parameters: { "fc.weight": float32([2, 2], [5, 6, 7, 8]), "fc.bias": float32([2], [1, 0]) },
    buffers: { "bn.running_mean": float32([1], [-0.5]) },
  },
};

Deno.test("decodeTrainState() gives back what encodeTrainState() was given, bit for bit", () => {
  assertEquals(decodeTrainState(encodeTrainState(STATE, "0a1b2c3d"), "0a1b2c3d"), STATE);
  const bare: TrainState = {
    step: 0,
    weights: { parameters: STATE.weights.parameters, buffers: {} },
    optimizerState: {},
    carried: {},
  };
  assertEquals(decodeTrainState(encodeTrainState(bare, "x"), "x"), bare);
});

Deno.test("decodeTrainState() refuses another experiment's checkpoint", () => {
  assertThrows(
    () => decodeTrainState(encodeTrainState(STATE, "0a1b2c3d"), "ffffffff", "last.safetensors"),
    CheckpointError,
    `Cannot resume from "last.safetensors" as experiment 0a1b2c3d wrote it, not ffffffff: start anew, or give its own`,
  );
});

Deno.test("decodeTrainState() refuses files that are no checkpoint", () => {
  const tensors = { "fc.weight": float32([1]) };
  const refuses = (bytes: Uint8Array, message: string) =>
    assertThrows(() => decodeTrainState(bytes, "x", "a"), CheckpointError, message);
  refuses(
    encodeSafetensors({ tensors }),
    `Cannot resume from "a" as its number of steps is "none": give a checkpoint of a training`,
  );
  refuses(
    encodeSafetensors({ tensors, metadata: { step: "-1", experiment: "x" } }),
    `Cannot resume from "a" as its number of steps is "-1"`,
  );
  refuses(
    encodeSafetensors({ tensors, metadata: { step: "1", experiment: "x" } }),
    `Cannot resume from "a" as it holds "fc.weight": give a checkpoint of a training`,
  );
});

Deno.test("decodeTrainState() refuses a checkpoint that is cut short anywhere", () => {
  const bytes = encodeTrainState(STATE, "x");
  for (let length = 0; length < bytes.length; length += 7) {
    assertThrows(() => decodeTrainState(bytes.slice(0, length), "x"), CheckpointError, `Cannot read "the checkpoint"`);
  }
});
