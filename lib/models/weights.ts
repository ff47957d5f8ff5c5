import { CheckpointError, ChecksumError, type NdArray, readTextIfExists, sha256Hex, UsageError } from "../core/mod.ts";
import { writeFileAtomic } from "../core/mod.ts";
import { CARD_VERSION, cardPath, formatCard, type ModelCard, parseCard } from "./card.ts";
import { fromPyTorch, toPyTorch } from "./layout.ts";
import type { Weights } from "./model.ts";
import type { Network } from "./network_spec.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { createModel, type ModelSpec } from "./spec.ts";

/** What the caller of {@linkcode saveWeights} says of the weights. */
export type CardContent = Omit<ModelCard, "version" | "sha256">;

/**
 * Writes weights as a safetensors file in PyTorch's names and layouts, and the model card beside it. In PyTorch:
 * `model.load_state_dict(safetensors.torch.load_file(path))`.
 *
 * @param path Path of the weights, ending in ".safetensors"; the card's ends in ".json" instead.
 * @param weights The weights.
 * @param content What the card says besides the checksum.
 * @returns The card.
 * @throws {UsageError} If the path ends otherwise.
 * @throws {CheckpointError} If the weights are not those of the card's model.
 */
export async function saveWeights(path: string, weights: Weights<NdArray>, content: CardContent): Promise<ModelCard> {
  if (!path.endsWith(".safetensors")) {
    throw new UsageError(`Cannot save weights as "${path}": use a name that ends in ".safetensors"`);
  }
  const { model, classes, inputShape, provenance } = content;
  const { shapes } = createModel(model, { classes: classes.length, inputShape });
  const tensors = toPyTorch(weights);
  // A file that could not be loaded again is not written.
  fromPyTorch(tensors, shapes, "what is to be saved");
  const bytes = encodeSafetensors({ tensors, metadata: { format: "pt" } });
  const sha256 = await sha256Hex(bytes);
  const card: ModelCard = { version: CARD_VERSION, model, classes, inputShape, provenance, sha256 };
  const text = formatCard(card);
  await writeFileAtomic(path, bytes);
  await writeFileAtomic(cardPath(path), text);
  return card;
}

/** What to take weights for, where they have no card; or in place of what their card says. */
export interface LoadOptions {
  /** The network. */
  readonly model?: ModelSpec;
  /** Names of the classes, in the order of the logits. */
  readonly classes?: readonly string[];
  /** Shape of one image: [height, width, channels]. */
  readonly inputShape?: readonly [number, number, number];
}

/** Weights from a file, with the network that they are for. */
export interface LoadedWeights {
  /** The network. */
  readonly model: Network;
  /** Its weights. */
  readonly weights: Weights<NdArray>;
  /** The card, with what the options replaced; of a file without one, what the options say and no provenance. */
  readonly card: ModelCard;
}

/**
 * Reads weights in the safetensors format: what {@linkcode saveWeights} wrote, or any file with PyTorch's names and
 * layouts. The checksum is verified against the card.
 *
 * @param path Path of the weights.
 * @param options What they are for, where there is no card.
 * @returns Network, weights and card.
 * @throws {CheckpointError} If there is no such file, it is not safetensors, or the weights are not the network's.
 * @throws {ChecksumError} If the file is not the one that its card describes.
 * @throws {UsageError} If there is neither a card nor options that say what the weights are for.
 */
export async function loadWeights(path: string, options: LoadOptions = {}): Promise<LoadedWeights> {
  if (/\.(pt|pth)$/i.test(path)) throw new CheckpointError(pickleAdvice(path));
  const bytes = await readBytes(path);
  const sha256 = await sha256Hex(bytes);
  const cardName = cardPath(path);
  const text = await readTextIfExists(cardName);
  const found = text === undefined ? undefined : parseCard(text, cardName);
  if (found && found.sha256 !== sha256) {
    throw new ChecksumError(path, found.sha256, sha256, "copy it again together with its card, or download both anew");
  }
  const { model = found?.model, classes = found?.classes, inputShape = found?.inputShape } = options;
  if (!model || !classes || !inputShape) {
    throw new UsageError(
      `Cannot load "${path}" as there is no model card "${cardName}" beside it: say the model, the classes and the ` +
        "image shape",
    );
  }
  const network = createModel(model, { classes: classes.length, inputShape });
  const { tensors } = decodeSafetensors(bytes, path);
  const weights = fromPyTorch(network.adapt?.(tensors) ?? tensors, network.shapes, `"${path}"`);
  const provenance = found?.provenance ?? {};
  return { model: network, weights, card: { version: CARD_VERSION, model, classes, inputShape, provenance, sha256 } };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CheckpointError(`Cannot load "${path}" as there is no such file: check the path`);
  }
}

function pickleAdvice(path: string): string {
  const from = JSON.stringify(path);
  const to = JSON.stringify(path.replace(/\.pth?$/i, ".safetensors"));
  return `Cannot load ${from} as it is a pickle, which can run code: convert it in Python with the two lines below ` +
    `and load ${to}\n` +
    `import torch, safetensors.torch as s; w = torch.load(${from}, map_location="cpu", weights_only=True)\n` +
    `s.save_file({k: v.clone() for k, v in w.get("state_dict", w).items()}, ${to})`;
}
