import { DataError, float32, int32, type Rng } from "../core/mod.ts";
import type { DecodeJob } from "./_decode_job.ts";
import type { DecodePool } from "./_decode_pool.ts";
import type { Batch } from "./dataset.ts";
import type { OnCorrupt, SkippedImage } from "./image_batches.ts";
import type { ImageFolder } from "./image_folder.ts";
import type { ImageView } from "./view_image.ts";

/** Decoded images and those that could not be. */
export interface Decoded {
  /** Positions of all that were asked for. */
  readonly asked: readonly number[];
  /** Positions of those that could be decoded, in the same order. */
  readonly positions: readonly number[];
  readonly pixels: readonly Uint8Array[];
  readonly skipped: readonly SkippedImage[];
}

/** Decodes images, in the order asked for. */
export async function decodeAll(
  pool: DecodePool,
  folder: ImageFolder,
  positions: readonly number[],
  view: ImageView,
  stream: Rng | undefined,
  onCorrupt: OnCorrupt,
): Promise<Decoded> {
  const skipped: SkippedImage[] = [];
  const decoded = await Promise.all(positions.map(async (position) => {
    const id = folder.ids[position]!;
    const own = stream?.child(id);
    const job: DecodeJob = {
      place: folder.places[position]!,
      view,
      ...(own === undefined ? {} : { stream: { seed: own.seed, path: own.path } }),
    };
    try {
      return await pool.decode(job);
    } catch (error) {
      if (onCorrupt === "stop" || !(error instanceof DataError)) throw error;
      skipped.push({ id, reason: error.message });
      return undefined;
    }
  }));
  return {
    asked: positions,
    positions: positions.filter((_, i) => decoded[i] !== undefined),
    pixels: decoded.filter((pixels) => pixels !== undefined),
    skipped: skipped.sort((a, b) => a.id - b.id),
  };
}

/** byte / 255 in float32. */
const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** A batch of decoded images; other places repeat the first and have mask 0. */
export function batchOf(folder: ImageFolder, decoded: Decoded, batchSize: number, side: number): Batch {
  const { positions, pixels, skipped } = decoded;
  const count = positions.length;
  if (count === 0) {
    throw new DataError(`Cannot make a batch as all of its images are damaged, first: ${skipped[0]?.reason}`);
  }
  const x = new Float32Array(batchSize * side * side * 3);
  const places = Array.from({ length: batchSize }, (_, i) => i < count ? i : 0);
  places.forEach((place, i) => {
    const bytes = pixels[place]!;
    const start = i * bytes.length;
    for (let k = 0; k < bytes.length; k++) x[start + k] = UNIT[bytes[k]!]!;
  });
  return {
    ids: Int32Array.from(places, (place) => folder.ids[positions[place]!]!),
    x: float32([batchSize, side, side, 3], x),
    y: int32([batchSize], places.map((place) => folder.labels[positions[place]!]!)),
    mask: float32([batchSize], places.map((_, i) => i < count ? 1 : 0)),
    count,
  };
}
