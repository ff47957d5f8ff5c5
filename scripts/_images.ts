import { cardPath, CheckpointError, type DataSpec, type ModelCard, UsageError } from "../mod.ts";
import { CIFAR10_ARCHIVE } from "./_data.ts";
import { integerOf, oneOf } from "./_flags.ts";

/** The flags that say which images a network is tried on. */
export const IMAGE_FLAGS = {
  n: { value: "N", help: "first images of the split (default: 1000, or all where there are fewer)" },
  split: { value: "NAME", help: "test or validation (default: test)" },
  dataset: { value: "NAME", help: "cifar10 or shapes (default: the data that the network was trained on)" },
  data: { value: "PATH", help: `file or folder of CIFAR-10 (default: ${CIFAR10_ARCHIVE}, where it is)` },
  seed: { value: "N", help: "names the random starts, and the images of --dataset (default: that of the training)" },
} as const;

/** Images that were asked for. */
export interface AskedImages {
  readonly data: DataSpec;
  /** Names the random starts. */
  readonly seed: number;
  readonly split: "test" | "validation";
  /** The first n of them. */
  readonly n: number;
}

/**
 * The images that {@linkcode IMAGE_FLAGS} ask for.
 *
 * @param flags Their values.
 * @param card Card of the network; its training says what the flags do not.
 * @param path Path of its weights, for messages.
 * @throws {UsageError} If a value cannot be used, or neither flags nor card say which data.
 * @throws {CheckpointError} If the card names data that are not known.
 */
export function imagesOf(
  flags: { readonly [K in keyof typeof IMAGE_FLAGS]?: string },
  card: ModelCard,
  path: string,
): AskedImages {
  const split = oneOf("--split", flags.split ?? "test", ["test", "validation"]);
  const count = flags.n === undefined ? undefined : integerOf("--n", flags.n);
  const seed = flags.seed === undefined ? seedOf(card) : integerOf("--seed", flags.seed, 0);
  const data = flags.dataset === undefined
    ? trainedOn(card, path)
    : dataNamed(oneOf("--dataset", flags.dataset, ["cifar10", "shapes"]), card, seed, split, count ?? 1000);
  return { data, seed, split, n: count ?? Math.min(1000, sizeOf(data, split)) };
}

/** Seed of the training, as the card has it. */
function seedOf({ provenance }: ModelCard): number {
  return typeof provenance.seed === "number" ? provenance.seed : 1;
}

/** Data of the training, as the card has them. */
function trainedOn({ provenance }: ModelCard, path: string): DataSpec {
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
function dataNamed(
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
function sizeOf(data: DataSpec, split: "test" | "validation"): number {
  const [train, test] = data.kind === "shapes"
    ? [data.train, data.test]
    : [data.trainCount ?? 50_000, data.testCount ?? 10_000];
  const { validation = 0 } = data;
  return split === "test" ? test : validation < 1 ? Math.round(validation * train) : validation;
}
