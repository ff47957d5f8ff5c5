import { cardPath, CheckpointError, type DataSpec, type ModelCard, type SavedModel, UsageError } from "../mod.ts";

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

/** Seed of the training, as the card has it. */
export function seedOf({ provenance }: ModelCard): number {
  return typeof provenance.seed === "number" ? provenance.seed : 1;
}

/** Data of the training, as the card has them. */
export function trainedOn({ provenance }: ModelCard, path: string): DataSpec {
  const { data } = provenance;
  if (data === undefined || typeof data !== "object" || data === null) {
    throw new UsageError(
      `Cannot tell the data of "${path}" as its card "${cardPath(path)}" has no provenance.data: ` +
        "write --dataset cifar10 or --dataset shapes",
    );
  }
  const { kind } = data as { readonly kind?: unknown };
  if (kind !== "cifar10" && kind !== "shapes") {
    throw new CheckpointError(
      `Cannot use the card "${cardPath(path)}" as its provenance.data.kind is ${JSON.stringify(kind)} where ` +
        '"cifar10" or "shapes" was expected: write --dataset NAME',
    );
  }
  return data as DataSpec;
}

/** Data by name: as many drawn images as are needed, validation images set aside by the seed. */
export function dataNamed(
  kind: DataSpec["kind"],
  { inputShape }: ModelCard,
  seed: number,
  split: "test" | "validation",
  n: number,
): DataSpec {
  const validation = split === "validation" ? { validation: n } : {};
  if (kind === "cifar10") return { kind, seed, ...validation };
  return { kind, seed, train: n + 1, test: n, size: inputShape[0], ...validation };
}

/** Images of a split. */
export function sizeOf(data: DataSpec, split: "test" | "validation"): number {
  const [train, test] = data.kind === "shapes"
    ? [data.train, data.test]
    : [data.trainCount ?? 50_000, data.testCount ?? 10_000];
  const { validation = 0 } = data;
  return split === "test" ? test : validation < 1 ? Math.round(validation * train) : validation;
}
