/// <reference lib="deno.worker" />
/**
 * A thread that reads, decodes and resizes images, one at a time.
 */
import { DataError, rng } from "../core/mod.ts";
import type { DecodeJob, DecodeReply } from "./_decode_job.ts";
import { readPlace } from "./_read_place.ts";
import { decodeImage } from "./decode_image.ts";
import { viewImage } from "./view_image.ts";

// The decoders then compile their WebAssembly from bytes: a thread that is ended while it compiles from a stream takes
// the whole process with it (V8: "Check failed: (validate_functions_job_handle_) == nullptr").
Reflect.deleteProperty(WebAssembly, "instantiateStreaming");

self.onmessage = async ({ data: job }: MessageEvent<DecodeJob>) => {
  const reply = await decode(job);
  self.postMessage(reply, "pixels" in reply ? [reply.pixels.buffer] : []);
};

async function decode({ place, view, stream }: DecodeJob): Promise<DecodeReply> {
  try {
    const image = await decodeImage(await readPlace(place), place.name);
    const draws = stream === undefined ? undefined : rng(stream.seed, ...stream.path);
    return { pixels: viewImage(image, view, draws) as Uint8Array<ArrayBuffer> };
  } catch (error) {
    if (error instanceof DataError) return { corrupt: error.message };
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}
