import { DataError, type Rng } from "../core/mod.ts";
import { decodeAll, type Decoded } from "./_decode_all.ts";
import type { DecodePool } from "./_decode_pool.ts";
import type { SkippedImage } from "./image_batches.ts";
import type { ImageFolder } from "./image_folder.ts";
import type { ImageView } from "./view_image.ts";

/**
 * The batch with another image in the place of each damaged one: drawn by the id of the damaged image from those that are
 * not in the batch, until one can be decoded.
 */
export async function replaceDamaged(
  pool: DecodePool,
  folder: ImageFolder,
  batch: Decoded,
  view: ImageView,
  stream: Rng,
): Promise<Decoded> {
  const { asked } = batch;
  if (batch.skipped.length === 0) return batch;
  const n = folder.ids.length;
  const decoded = new Map(batch.positions.map((position, i) => [position, batch.pixels[i]!]));
  const reasons = new Map(batch.skipped.map(({ id, reason }) => [id, reason]));
  const taken = new Set(asked);
  const positions: number[] = [];
  const pixels: Uint8Array[] = [];
  const skipped: SkippedImage[] = [];
  for (const position of asked) {
    const own = decoded.get(position);
    if (own !== undefined) {
      positions.push(position);
      pixels.push(own);
      continue;
    }
    const id = folder.ids[position]!;
    const reason = reasons.get(id)!;
    for (let draw = 0;; draw++) {
      if (taken.size === n) {
        throw new DataError(
          `Cannot fill a batch of ${asked.length} as no other image is left in place of one: ${reason}`,
        );
      }
      const other = stream.child(id, "instead", draw).integers(1, n)[0]!;
      if (taken.has(other)) continue;
      taken.add(other);
      const found = await decodeAll(pool, folder, [other], view, stream, "skip");
      if (found.pixels.length === 0) {
        skipped.push(...found.skipped);
        continue;
      }
      positions.push(other);
      pixels.push(found.pixels[0]!);
      skipped.push({ id, reason, instead: folder.ids[other]! });
      break;
    }
  }
  return { asked, positions, pixels, skipped };
}
