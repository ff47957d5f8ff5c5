import { type SavedModel, UsageError } from "../mod.ts";
import { MODEL_FLAGS } from "./_model.ts";

/** The flags that say which networks: weights, names, and what weights without a model card are for. */
export const MODELS_FLAGS = {
  model: {
    value: "FILE",
    many: true,
    help: "weights, such as runs/<run>/checkpoints/kdiga.safetensors (needed; several times to compare)",
  },
  method: {
    value: "NAME",
    many: true,
    help: "name of the network in rows and figures, of each --model in turn (default: that of its file)",
  },
  ...MODEL_FLAGS,
} as const;

/**
 * The networks of the flags --model and --method.
 *
 * @param verb What is done with them, for messages.
 * @param paths Files of weights.
 * @param methods Their names, of all or of none; by default those of the files.
 * @returns The networks, in their order.
 * @throws {UsageError} If there is none, or the numbers differ.
 */
export function modelsOf(verb: string, paths: readonly string[], methods: readonly string[]): SavedModel[] {
  if (paths.length === 0) throw new UsageError(`Cannot ${verb} without a network: write --model FILE`);
  if (methods.length > 0 && methods.length !== paths.length) {
    throw new UsageError(
      `Cannot name ${paths.length} networks by ${methods.length} names: write --method once for each --model, or never`,
    );
  }
  return paths.map((path, i) => ({ method: methods[i] ?? nameOf(path), path }));
}

/** Name of a weights file in rows: "runs/a/checkpoints/KD_1.safetensors" is "kd-1". */
export function nameOf(path: string): string {
  const file = path.split(/[\\/]/).at(-1)!.replace(/\.safetensors$/, "");
  return file.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-").replace(/^[^a-z0-9]+/, "");
}
