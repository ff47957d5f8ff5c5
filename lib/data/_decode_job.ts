import type { ImagePlace } from "./image_folder.ts";
import type { ImageView } from "./view_image.ts";

/** An image to decode. */
export interface DecodeJob {
  /** Where its file lies. */
  readonly place: ImagePlace;
  /** What to cut out. */
  readonly view: ImageView;
  /** Names of the stream that a random view draws from. */
  readonly stream?: { readonly seed: number; readonly path: readonly (string | number)[] };
}

/** What a decoding thread answers: the bytes of the view, or why there are none. */
export type DecodeReply =
  | { readonly pixels: Uint8Array<ArrayBuffer> }
  /** The file cannot be decoded. */
  | { readonly corrupt: string }
  /** Anything else. */
  | { readonly failed: string };
