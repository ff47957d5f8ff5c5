import { DataError } from "../core/mod.ts";

/** An image as bytes. */
export interface RgbImage {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Red, green, blue, [height, width, 3], 0 to 255. */
  readonly data: Uint8Array;
}

/**
 * Decodes a JPEG or PNG file; which of the two is told by its first bytes, not by its name. Grey images and those with
 * a palette become RGB, transparency is dropped, and the orientation that a camera wrote is not applied, as in
 * torchvision's image folders (`Image.open(path).convert("RGB")`).
 *
 * JPEG files are decoded by MozJPEG, whose decoder is libjpeg-turbo's: byte for byte what Pillow gives. Those of four
 * channels (CMYK) are decoded by jpeg-js.
 *
 * Differs from Pillow in images of four channels (by 1 of 255, more where their colours are subsampled) and in grey
 * images of 16 bits (the high byte, where Pillow cuts off at 255).
 *
 * @param bytes Content of the file.
 * @param path Its name, for messages.
 * @returns The image.
 * @throws {DataError} If it is damaged, cut short, or neither JPEG nor PNG.
 */
export async function decodeImage(bytes: Uint8Array<ArrayBuffer>, path: string): Promise<RgbImage> {
  const format = formatOf(bytes);
  if (format === undefined) {
    throw new DataError(
      `Cannot decode "${path}" as an image: it is neither JPEG nor PNG (its first bytes are ${hex(bytes)}); ` +
        "download it again or leave it out",
    );
  }
  try {
    return rgb(await DECODERS[format](bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : typeof error === "string" ? error : "it is damaged";
    throw new DataError(
      `Cannot decode "${path}" as ${format} (${reason.split("\n")[0]}): download it again or leave it out`,
    );
  }
}

type Format = "JPEG" | "CMYK JPEG" | "PNG";

/** Pixels of 3 or 4 channels. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

const DECODERS: { readonly [F in Format]: (bytes: Uint8Array<ArrayBuffer>) => Promise<Pixels> } = {
  "JPEG": decodeJpeg,
  "CMYK JPEG": async (bytes) => {
    const { default: { decode } } = await import("jpeg-js");
    return decode(bytes, {
      useTArray: true,
      maxMemoryUsageInMB: 2048,
      maxResolutionInMP: 400,
      tolerantDecoding: false,
    });
  },
  "PNG": async (bytes) => {
    const { decode } = await import("@jsquash/png/decode.js");
    // Its own message is that of a failed assertion.
    return await decode(exact(bytes)).catch(() => Promise.reject("it is damaged"));
  },
};

let warnings: string[] | undefined;

async function decodeJpeg(bytes: Uint8Array<ArrayBuffer>): Promise<Pixels> {
  const { default: decode, init } = await import("@jsquash/jpeg/decode.js");
  if (warnings === undefined) {
    const lines: string[] = warnings = [];
    // The package declares one parameter and takes two: a compiled module, and options.
    await (init as (options: object) => Promise<void>)({ printErr: (line: string) => lines.push(line) });
  }
  warnings.length = 0;
  const image = await decode(exact(bytes)).catch((error) => {
    throw typeof error === "number" || !(error instanceof Error) ? new Error(warnings?.[0] ?? "it is damaged") : error;
  });
  // libjpeg fills up what is missing with grey and warns.
  const cut = warnings.find((line) => /premature end/i.test(line));
  if (cut !== undefined) throw new Error(cut.trim());
  return image;
}

/** The buffer of these bytes alone. */
function exact(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}

function rgb({ width, height, data }: Pixels): RgbImage {
  const n = width * height;
  const out = new Uint8Array(3 * n);
  for (let i = 0; i < n; i++) {
    out[3 * i] = data[4 * i]!;
    out[3 * i + 1] = data[4 * i + 1]!;
    out[3 * i + 2] = data[4 * i + 2]!;
  }
  return { width, height, data: out };
}

function formatOf(bytes: Uint8Array): Format | undefined {
  if (PNG_SIGNATURE.every((byte, i) => bytes[i] === byte)) return "PNG";
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) return undefined;
  return channelsOf(bytes) === 4 ? "CMYK JPEG" : "JPEG";
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Channels that the frame header of a JPEG file names (ITU-T T.81, B.2.2); undefined where there is none. */
function channelsOf(bytes: Uint8Array): number | undefined {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at++; // fill byte
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return bytes[at + 9];
    else at += 2 + (bytes[at + 2]! << 8 | bytes[at + 3]!);
  }
  return undefined;
}

function hex(bytes: Uint8Array): string {
  if (bytes.length === 0) return "none";
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
