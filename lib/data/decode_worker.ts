/// <reference lib="deno.worker" />
/**
 * A thread that reads, decodes and resizes images, one at a time.
 */
import { DataError, rng } from "../core/mod.ts";
import type { DecodeJob, DecodeReply } from "./_decode_job.ts";
import { decodeImage } from "./decode_image.ts";
import type { ImagePlace } from "./image_folder.ts";
import { viewImage } from "./view_image.ts";

self.onmessage = async ({ data: job }: MessageEvent<DecodeJob>) => {
  const reply = await decode(job);
  self.postMessage(reply, "pixels" in reply ? [reply.pixels.buffer] : []);
};

async function decode({ place, view, stream }: DecodeJob): Promise<DecodeReply> {
  try {
    const image = await decodeImage(await read(place), place.name);
    const draws = stream === undefined ? undefined : rng(stream.seed, ...stream.path);
    return { pixels: viewImage(image, view, draws) as Uint8Array<ArrayBuffer> };
  } catch (error) {
    if (error instanceof DataError) return { corrupt: error.message };
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

async function read({ name, path, offset, size }: ImagePlace): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (offset === undefined || size === undefined) return await Deno.readFile(path);
    using file = await Deno.open(path);
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const n = await file.read(bytes.subarray(at));
      if (n === null) throw new DataError(`Cannot read "${name}" as "${path}" ends before it: copy it again`);
      at += n;
    }
    return bytes;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new DataError(`Cannot read "${name}" as it is no longer there: put it back or list the folder again`);
    }
    throw error;
  }
}
