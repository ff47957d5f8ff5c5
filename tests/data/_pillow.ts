import golden from "../golden/pillow_images.json" with { type: "json" };

/** What Pillow makes of small files; how is in the script of the golden file. */
export const PILLOW = golden;

/** The bytes of a base64 text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text);
}

/** A file of the golden ones. */
export function fileOf(name: keyof typeof golden.files): Uint8Array<ArrayBuffer> {
  return bytesOf(golden.files[name].file);
}
