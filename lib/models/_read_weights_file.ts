import { CheckpointError, ChecksumError, type NdArray, readTextIfExists, sha256Hex } from "../core/mod.ts";
import { cardPath, type ModelCard, parseCard } from "./card.ts";
import { decodeSafetensors } from "./safetensors.ts";

/** What a weights file holds, as it is. */
export interface WeightsFile {
  /** Arrays by the names in the file. */
  readonly tensors: Readonly<Record<string, NdArray>>;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** The card beside it, whose checksum is the file's; undefined where there is none. */
  readonly card: ModelCard | undefined;
}

/**
 * Reads a weights file and the card beside it.
 *
 * @throws {CheckpointError} If there is no such file, it is a pickle, or it is not safetensors.
 * @throws {ChecksumError} If the file is not the one that its card describes.
 */
export async function readWeightsFile(path: string): Promise<WeightsFile> {
  const bytes = await readBytes(path);
  if (isPickle(bytes)) throw new CheckpointError(pickleAdvice(path));
  const sha256 = await sha256Hex(bytes);
  const cardName = cardPath(path);
  const text = await readTextIfExists(cardName);
  const card = text === undefined ? undefined : parseCard(text, cardName);
  if (card && card.sha256 !== sha256) {
    throw new ChecksumError(path, card.sha256, sha256, "copy it again together with its card, or download both anew");
  }
  return { tensors: decodeSafetensors(bytes, path).tensors, sha256, card };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CheckpointError(`Cannot load "${path}" as there is no such file: check the path`);
  }
}

/** "PK" of a zip archive, as PyTorch writes since 1.6, or 0x80 and the version of Python's pickle protocol. */
function isPickle(bytes: Uint8Array): boolean {
  const [a, b = 0] = bytes;
  if (a === 0x50 && b === 0x4b && bytes[2] === 3 && bytes[3] === 4) return true;
  // A header of safetensors may have such a length, but then it begins with "{".
  return a === 0x80 && b >= 2 && b <= 5 && bytes[8] !== 0x7b;
}

function pickleAdvice(path: string): string {
  const stem = path.replace(/\.(pth?|bin|ckpt|pkl|safetensors|tar|pth?\.tar)$/i, "");
  const from = JSON.stringify(path);
  const to = JSON.stringify(path.endsWith(".safetensors") ? `${stem}-converted.safetensors` : `${stem}.safetensors`);
  return `Cannot load ${from} as it is a pickle, which can run code: convert it in Python with the two lines below ` +
    `and load ${to}\n` +
    `import torch, safetensors.torch as s; w = torch.load(${from}, map_location="cpu", weights_only=True); ` +
    'w = next((w[k] for k in ("state_dict", "model_state_dict", "model", "net") if k in w), w)\n' +
    `s.save_file({k: v.contiguous().clone() for k, v in w.items() if torch.is_tensor(v)}, ${to})`;
}
