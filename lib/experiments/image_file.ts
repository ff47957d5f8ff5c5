import { DataError, float32, int32, type NdArray, parseEps, writeFileAtomic } from "../core/mod.ts";
import type { AdversarialImages } from "../evaluation/mod.ts";
import { DATA_KINDS, type DataSpec } from "../data/mod.ts";
import { decodeSafetensors, encodeSafetensors } from "../models/mod.ts";

/** Adversarial images, and which network they were made against. */
export interface ImageFile extends AdversarialImages {
  /** SHA-256 of the weights of the attacked network, hexadecimal. */
  readonly weights: string;
  /** Where the originals are from; absent in files of other programs. */
  readonly data?: DataSpec;
  /** Which part of them. */
  readonly split?: "test" | "validation";
}

/** What such a file says that it is. */
const FORMAT = "kdiga adversarial images 1";

/** Name of the file of one network, attack and radius: "kdiga_pgd-20_8-255.safetensors". */
export function imageFileName({ method, attack, eps }: Pick<AdversarialImages, "method" | "attack" | "eps">): string {
  return `${[method, attack, eps].map((part) => part.replaceAll("/", "-")).join("_")}.safetensors`;
}

/**
 * Writes adversarial images as a safetensors file: x and xAdv [N, H, W, C] and margin [N] as F32, y and ids [N] as I32,
 * and the texts format, method, attack, eps, norm, seed and weights, and data (JSON) and split where they are known.
 *
 * @param path Path of the file; it holds either all of it or what it held before.
 * @param file The images.
 */
export async function saveImages(path: string, file: ImageFile): Promise<void> {
  const { x, xAdv, y, ids, margin, method, attack, eps, norm, seed, weights, data, split } = file;
  const tensors = { x, xAdv, y, ids: int32([ids.length], ids), margin: float32([margin.length], margin) };
  const metadata = {
    format: FORMAT,
    method,
    attack,
    eps,
    norm,
    seed: String(seed),
    weights,
    ...(data === undefined ? {} : { data: JSON.stringify(data) }),
    ...(split === undefined ? {} : { split }),
  };
  await writeFileAtomic(path, encodeSafetensors({ tensors, metadata }));
}

/**
 * Reads what {@linkcode saveImages} wrote.
 *
 * @param path Path of the file.
 * @returns The images.
 * @throws {CheckpointError} If it is cut short or no safetensors file.
 * @throws {DataError} If it is missing, or a safetensors file of something else.
 */
export async function loadImages(path: string): Promise<ImageFile> {
  const bytes = await Deno.readFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(`Cannot read "${path}" as there is no such file: check the path`);
  });
  const { tensors, metadata = {} } = decodeSafetensors(bytes, path);
  const fail = (what: string): never => {
    throw new DataError(
      `Cannot read "${path}" as adversarial images as ${what}: ` +
        "use a file that `deno task evaluate --save-images DIR` wrote",
    );
  };
  if (metadata.format !== FORMAT) {
    fail(`its format is ${JSON.stringify(metadata.format)} where "${FORMAT}" was expected`);
  }
  const text = (key: string): string => metadata[key] || fail(`it has no ${key}`);
  const n = tensors.x?.shape[0] ?? 0;
  if (n === 0 || tensors.x?.shape.length !== 4) fail(`its x is [${tensors.x?.shape}] where [N, H, W, C] was expected`);
  const array = <D extends "float32" | "int32">(key: string, dtype: D, shape: readonly number[]): NdArray<D> => {
    const found = tensors[key];
    if (found?.dtype === dtype && found.shape.join() === shape.join()) return found as NdArray<D>;
    return fail(`its ${key} is ${found?.dtype}[${found?.shape}] where ${dtype}[${shape}] was expected`);
  };
  const shape = tensors.x!.shape;
  const [norm, seed] = [text("norm"), Number(text("seed"))];
  if (!["Linf", "L2", "L1"].includes(norm)) fail(`its norm is "${norm}"`);
  if (!Number.isFinite(seed)) fail(`its seed is "${metadata.seed}"`);
  const eps = text("eps");
  parseEps(eps, Infinity);
  const images = array("x", "float32", shape);
  const wrong = images.data.findIndex((pixel) => !(pixel >= 0 && pixel <= 1));
  if (wrong !== -1) fail(`a pixel of an original is ${images.data[wrong]} where pixels are in [0, 1]`);
  const { split } = metadata;
  if (split !== undefined && split !== "test" && split !== "validation") fail(`its split is "${split}"`);
  return {
    ...(metadata.data === undefined ? {} : { data: dataOf(metadata.data, fail) }),
    ...(split === undefined ? {} : { split: split as "test" | "validation" }),
    method: text("method"),
    attack: text("attack"),
    eps,
    norm: norm as AdversarialImages["norm"],
    seed,
    weights: text("weights"),
    ids: array("ids", "int32", [n]).data,
    x: images,
    xAdv: array("xAdv", "float32", shape),
    y: array("y", "int32", [n]),
    margin: array("margin", "float32", [n]).data,
  };
}

function dataOf(text: string, fail: (what: string) => never): DataSpec {
  let data: { readonly kind?: unknown } | null;
  try {
    data = JSON.parse(text);
  } catch {
    return fail("its data are not JSON");
  }
  if (DATA_KINDS.some((kind) => kind === data?.kind)) return data as DataSpec;
  return fail(
    `its data are of the kind ${JSON.stringify(data?.kind)} where one of ${DATA_KINDS.join(", ")} was expected`,
  );
}
