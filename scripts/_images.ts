import { cardPath, CheckpointError, DATA_KINDS, type DataSpec, type ModelCard, UsageError } from "../mod.ts";
import { CIFAR10_ARCHIVE } from "./_data.ts";
import { integerOf, oneOf } from "./_flags.ts";

/** The flags that say which images a network is tried on. */
export const IMAGE_FLAGS = {
  n: { value: "N", help: "first images of the split (default: 1000, or all where there are fewer)" },
  split: { value: "NAME", help: "test or validation (default: test)" },
  dataset: {
    value: "NAME",
    help:
      "cifar10, cifar100, cifar10c, cifar100c, tinyimagenet, imagenet or shapes (default: the data that the network was trained on)",
  },
  corruption: {
    value: "NAME",
    help: "of --dataset cifar10c or cifar100c: the name of a file without .npy, such as fog",
  },
  severity: { value: "N", help: "of --dataset cifar10c or cifar100c: how much of it, 1 to 5" },
  "on-corrupt": { value: "NAME", help: "of --dataset imagenet or tinyimagenet: stop at damaged files, or skip them" },
  data: { value: "PATH", help: `file or folder of the images (default: ${CIFAR10_ARCHIVE}, where it is)` },
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
  const stray = (["corruption", "severity"] as const).find((name) => flags[name] !== undefined);
  if (stray !== undefined && !/^cifar100?c$/.test(flags.dataset ?? "")) {
    throw new UsageError(`Cannot use --${stray} without corrupted images: write --dataset cifar10c or cifar100c`);
  }
  if (flags["on-corrupt"] !== undefined && !/imagenet$/.test(flags.dataset ?? "")) {
    throw new UsageError("Cannot use --on-corrupt without images that are decoded: write --dataset imagenet");
  }
  const count = flags.n === undefined ? undefined : integerOf("--n", flags.n);
  const seed = flags.seed === undefined ? seedOf(card) : integerOf("--seed", flags.seed, 0);
  const data = flags.dataset === undefined ? trainedOn(card, path) : dataNamed(flags, card, seed, split, count ?? 1000);
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
  if (!DATA_KINDS.some((known) => known === kind)) {
    throw new CheckpointError(
      `Cannot use the card "${cardPath(path)}" as its provenance.data.kind is ${JSON.stringify(kind)} where ` +
        `one of ${DATA_KINDS.join(", ")} was expected: write --dataset NAME`,
    );
  }
  return data as DataSpec;
}

/** Data by name: as many drawn images as are needed, validation images set aside by the seed. */
function dataNamed(
  flags: { readonly [K in "dataset" | "corruption" | "severity" | "on-corrupt"]?: string },
  { inputShape, classes }: ModelCard,
  seed: number,
  split: "test" | "validation",
  n: number,
): DataSpec {
  const kind = oneOf("--dataset", flags.dataset!, [
    "cifar10",
    "cifar100",
    "cifar10c",
    "cifar100c",
    "tinyimagenet",
    "imagenet",
    "shapes",
  ]);
  const validation = split === "validation" ? { validation: n } : {};
  const corrupt = flags["on-corrupt"] === undefined
    ? {}
    : { onCorrupt: oneOf("--on-corrupt", flags["on-corrupt"], ["stop", "skip"]) };
  switch (kind) {
    case "cifar10":
      return { kind, seed, ...validation };
    case "tinyimagenet":
      return { kind, seed, ...(split === "test" ? { trainCount: 0 } : validation), ...corrupt };
    case "cifar100":
      return { kind, seed, ...validation, ...(classes.length === 20 ? { labels: "coarse" } : {}) };
    case "cifar10c":
    case "cifar100c": {
      if (flags.corruption === undefined || flags.severity === undefined) {
        throw new UsageError(
          `Cannot use --dataset ${kind} without knowing which images: write --corruption NAME and --severity N`,
        );
      }
      if (split === "validation") {
        throw new UsageError(`Cannot use --split validation as ${kind} has test images alone`);
      }
      return { kind, seed, corruption: flags.corruption, severity: integerOf("--severity", flags.severity) };
    }
    case "imagenet": {
      const counts = split === "test" ? { testCount: n, trainCount: 0 } : { testCount: 1, trainCount: n + 1 };
      return { kind, seed, classes: classes.length, size: inputShape[0], ...counts, ...validation, ...corrupt };
    }
    case "shapes":
      return { kind, seed, train: n + 1, test: n, size: inputShape[0], ...validation };
  }
}

/** Training and test images of the data sets that are files. */
const COUNTS = {
  cifar10: [50_000, 10_000],
  cifar100: [50_000, 10_000],
  cifar10c: [0, 10_000],
  cifar100c: [0, 10_000],
  tinyimagenet: [100_000, 10_000],
  imagenet: [1_281_167, 50_000],
} as const;

/** Images of a split. */
function sizeOf(data: DataSpec, split: "test" | "validation"): number {
  if (data.kind === "cifar10c" || data.kind === "cifar100c") {
    return split === "test" ? data.testCount ?? COUNTS[data.kind][1] : 0;
  }
  const [train, test] = data.kind === "shapes"
    ? [data.train, data.test]
    : [data.trainCount ?? COUNTS[data.kind][0], data.testCount ?? COUNTS[data.kind][1]];
  const { validation = 0 } = data;
  if (split === "test") return test;
  return validation < 1 ? Math.round(validation * train) : validation;
}
