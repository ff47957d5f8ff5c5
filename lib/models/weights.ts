import { factsBundle, type NdArray, sha256Hex, UsageError, withDisplay, writeFileAtomic } from "../core/mod.ts";
import { cardFacts, modelFacts } from "./_model_facts.ts";
import { readWeightsFile } from "./_read_weights_file.ts";
import { splitNormalisation } from "./_split_normalisation.ts";
import { CARD_VERSION, cardPath, formatCard, type ModelCard } from "./card.ts";
import { fromPyTorch, toPyTorch } from "./layout.ts";
import type { Weights } from "./model.ts";
import type { Network } from "./network_spec.ts";
import { encodeSafetensors } from "./safetensors.ts";
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
  /** Names of the classes, in the order of the logits; or their number, which names them "0", "1", ... */
  readonly classes?: readonly string[] | number;
  /** Shape of one image: [height, width, channels]. */
  readonly inputShape?: readonly [number, number, number];
  /** Mean per channel, in place of the model's. */
  readonly mean?: readonly number[];
  /** Standard deviation per channel, in place of the model's. */
  readonly std?: readonly number[];
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
 * layouts, such as a `state_dict` of torchvision's, timm's or RobustBench's. The checksum is verified against the card.
 * Mean and standard deviation that are in the file ("mu" and "sigma", "normalize.mean" and "normalize.std") become the
 * model's. A notebook shows the card.
 *
 * @param path Path of the weights.
 * @param options What they are for, where there is no card.
 * @returns Network, weights and card.
 * @throws {CheckpointError} If there is no such file, it is not safetensors, the weights are not the network's, or the
 * normalisation in the file is not the model's.
 * @throws {ChecksumError} If the file is not the one that its card describes.
 * @throws {UsageError} If there is neither a card nor options that say what the weights are for.
 *
 * @example Usage
 * ```ts
 * import { type LoadedWeights, loadWeights } from "@kdiga/kdiga";
 *
 * const torchvision = (path: string): Promise<LoadedWeights> =>
 *   loadWeights(path, {
 *     model: { kind: "resnet50", stem: "imagenet", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
 *     classes: 1000,
 *     inputShape: [224, 224, 3],
 *   });
 * ```
 */
export async function loadWeights(path: string, options: LoadOptions = {}): Promise<LoadedWeights> {
  const { tensors, sha256, card: found } = await readWeightsFile(path);
  const { model: named = found?.model, inputShape = found?.inputShape } = options;
  const { classes: counted = found?.classes } = options;
  if (!named || !counted || !inputShape) {
    throw new UsageError(
      `Cannot load "${path}" as there is no model card "${cardPath(path)}" beside it: say the model, the classes and ` +
        "the image shape (--arch, --classes and --image-size of a command)",
    );
  }
  const classes = typeof counted === "number" ? Array.from({ length: counted }, (_, i) => String(i)) : counted;
  const { mean = named.mean, std = named.std } = options;
  const asked = { ...named, ...(mean ? { mean } : {}), ...(std ? { std } : {}) };
  const { rest, normalisation } = splitNormalisation(tensors, inputShape[2], asked, `"${path}"`);
  const model = { ...asked, ...normalisation };
  const network = createModel(model, { classes: classes.length, inputShape });
  const weights = fromPyTorch(network.adapt?.(rest) ?? rest, network.shapes, `"${path}"`);
  const provenance = found?.provenance ?? {};
  const card: ModelCard = { version: CARD_VERSION, model, classes, inputShape, provenance, sha256 };
  return withDisplay(
    { model: network, weights, card },
    () => factsBundle(path, { ...modelFacts(model, network), ...cardFacts(card) }),
  );
}
