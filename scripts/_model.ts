import { cardPath, type LoadOptions, type ModelSpec, readTextIfExists, UsageError } from "../mod.ts";

/** Flags that say what weights without a model card are for. */
export const MODEL_FLAGS = {
  arch: { value: "KIND", help: "network of weights without a model card: resnet18, wide_resnet, mobilenet_v2, ..." },
  "arch-args": { value: "JSON", help: 'its other fields: \'{"depth":34,"widen":10}\' (default: none)' },
  classes: { value: "N", help: "its number of classes" },
  "image-size": { value: "N", help: "side of its images in pixels, or HEIGHTxWIDTHxCHANNELS" },
  mean: {
    value: "LIST",
    help: "mean of each channel that it subtracts: 0.4914,0.4822,0.4465 (default: as in the file)",
  },
  std: { value: "LIST", help: "standard deviation of each channel that it divides by (default: as in the file)" },
} as const;

/**
 * What the flags say that weights without a model card are for; nothing for weights with one.
 *
 * @throws {UsageError} If a flag cannot be used, or none of the weights needs it.
 */
export async function loadOptionsOf(
  flags: { readonly [K in keyof typeof MODEL_FLAGS]?: string },
  paths: readonly string[],
): Promise<readonly LoadOptions[]> {
  const given = (Object.keys(MODEL_FLAGS) as (keyof typeof MODEL_FLAGS)[]).filter((key) => flags[key] !== undefined);
  if (given.length === 0) return paths.map(() => ({}));
  const hasCard = await Promise.all(paths.map(async (path) => await readTextIfExists(cardPath(path)) !== undefined));
  if (hasCard.every(Boolean)) {
    throw new UsageError(`Cannot use --${given[0]} as "${cardPath(paths[0]!)}" says it: leave it out`);
  }
  for (const key of ["arch", "classes", "image-size"] as const) {
    if (flags[key] !== undefined) continue;
    throw new UsageError(
      `Cannot use --${given[0]} without --${key}: write --${key} ${MODEL_FLAGS[key].value} for weights without a card`,
    );
  }
  const options = {
    model: { ...fieldsOf(flags["arch-args"]), kind: flags.arch! } as ModelSpec,
    classes: countOf("--classes", flags.classes!),
    inputShape: shapeOf(flags["image-size"]!),
    ...(flags.mean === undefined ? {} : { mean: numbersOf("--mean", flags.mean) }),
    ...(flags.std === undefined ? {} : { std: numbersOf("--std", flags.std) }),
  };
  return hasCard.map((has) => has ? {} : options);
}

/** Fields of a model spec; what they are is checked when the model is made. */
function fieldsOf(text = "{}"): Record<string, unknown> {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (typeof fields === "object" && fields !== null && !Array.isArray(fields) && !("kind" in fields)) {
    return fields as Record<string, unknown>;
  }
  throw new UsageError(`Cannot use --arch-args ${text}: write a JSON object such as '{"width":64}'`);
}

function countOf(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`Cannot use ${name} ${text}: write an integer of at least 1`);
}

function shapeOf(text: string): readonly [number, number, number] {
  const [height = "", width = height, channels = "3", ...rest] = text.split("x");
  if (rest.length === 0 && [height, width, channels].every((part) => /^[1-9]\d{0,4}$/.test(part))) {
    return [Number(height), Number(width), Number(channels)];
  }
  throw new UsageError(`Cannot use --image-size ${text}: write 32, or 28x28x1 for height, width and channels`);
}

function numbersOf(name: string, text: string): readonly number[] {
  const numbers = text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
  if (numbers.every(Number.isFinite)) return numbers;
  throw new UsageError(`Cannot use ${name} ${text}: write a number for each channel, such as 0.5,0.5,0.5`);
}
