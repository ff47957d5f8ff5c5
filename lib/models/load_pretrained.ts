import { CheckpointError, ChecksumError, matchesGlob, type NdArray, UsageError } from "../core/mod.ts";
import { bareName, nameFor } from "./_foreign_names.ts";
import { readWeightsFile } from "./_read_weights_file.ts";
import { splitNormalisation } from "./_split_normalisation.ts";
import { fromPyTorch } from "./layout.ts";
import type { Weights } from "./model.ts";
import type { Network } from "./network_spec.ts";
import type { ModelSpec } from "./spec.ts";

/** What {@linkcode loadPretrained} is told. */
export interface LoadPretrainedOptions {
  /** The network that is to begin with the weights. */
  readonly model: Network;
  /** What it was made of. */
  readonly spec: ModelSpec;
  /** Globs of weights that are not taken from the file: a head for other classes, ["fc.*"]. @default {none} */
  readonly fresh?: readonly string[];
  /** SHA-256 of the file, hexadecimal. @default {any file} */
  readonly sha256?: string;
}

/** Weights to begin with. */
export interface PretrainedWeights {
  /** Those of the file; without the ones that begin new. */
  readonly weights: Weights<NdArray>;
  /** SHA-256 of the file. */
  readonly sha256: string;
}

/**
 * Reads the weights that a network is to begin with. What does not match a glob must all be there, as for
 * {@linkcode loadWeights}; a card beside the file and a normalisation inside must be of such a network.
 *
 * @param path Path of the weights.
 * @param options The network, and what begins new.
 * @returns Its weights but for those that begin new.
 * @throws {CheckpointError} If there is no such file, it is not safetensors, or the weights are not the network's.
 * @throws {ChecksumError} If the file is not the one that its card describes, or that is asked for.
 * @throws {UsageError} If a glob matches no weight.
 */
export async function loadPretrained(path: string, options: LoadPretrainedOptions): Promise<PretrainedWeights> {
  const { model, spec, fresh = [] } = options;
  const { parameters, buffers } = model.shapes;
  const names = [...Object.keys(parameters), ...Object.keys(buffers)];
  const unmatched = fresh.find((glob) => !names.some((name) => matchesGlob(glob, name)));
  if (unmatched !== undefined) {
    throw new UsageError(
      `Cannot begin "${unmatched}" new as it matches no weight of "${spec.kind}": names are like "${names.at(-1)}"`,
    );
  }
  const { tensors, sha256, card } = await readWeightsFile(path);
  if (options.sha256 !== undefined && options.sha256 !== sha256) {
    throw new ChecksumError(path, options.sha256, sha256, "take that file, or write this one's SHA-256");
  }
  if (card !== undefined) checkCard(path, card.model, spec);
  const { rest, normalisation } = splitNormalisation(tensors, model.inputShape[2], spec, `"${path}"`);
  if (normalisation.mean !== undefined && (spec.mean === undefined || spec.std === undefined)) {
    throw new CheckpointError(
      `Cannot use "${path}" as its network normalises its images and "${spec.kind}" does not: give the model ` +
        `mean [${normalisation.mean.join(", ")}] and std [${normalisation.std!.join(", ")}]`,
    );
  }
  const isFresh = (name: string) => fresh.some((glob) => matchesGlob(glob, name));
  const taken = Object.entries(model.adapt?.(rest) ?? rest).filter(([key]) =>
    !isFresh(bareName(key)) && !isFresh(nameFor(key, (name) => names.includes(name)) ?? key)
  );
  const wanted = (shapes: Readonly<Record<string, readonly number[]>>) =>
    Object.fromEntries(Object.entries(shapes).filter(([name]) => !isFresh(name)));
  const shapes = { parameters: wanted(parameters), buffers: wanted(buffers) };
  return { weights: fromPyTorch(Object.fromEntries(taken), shapes, `"${path}"`), sha256 };
}

/** What both say must be the same; of the rest, shapes tell, but for what changes none. */
function checkCard(path: string, theirs: ModelSpec, ours: ModelSpec): void {
  const fields = new Set([...Object.keys(theirs), ...Object.keys(ours)]) as Set<keyof ModelSpec>;
  for (const field of fields) {
    const [a, b] = [theirs[field], ours[field]].map((value) => JSON.stringify(value));
    if (a === b || (a === undefined || b === undefined) && !["mean", "std", "activation"].includes(field)) continue;
    throw new CheckpointError(
      `Cannot use "${path}" as its card says ${field} = ${a ?? "nothing"} where the model has ${b ?? "nothing"}: ` +
        "take the model of the card",
    );
  }
}
