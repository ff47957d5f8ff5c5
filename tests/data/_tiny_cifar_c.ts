import { npy } from "../testing/npy.ts";

/** Byte k (channel last) of image i in the file of a corruption. */
export function corruptedByte(corruption: string, i: number, k: number): number {
  return (corruption.length * 31 + i * 7 + k) % 256;
}

/** Writes a folder like CIFAR-10-C, with n images of each severity and the labels i modulo 10. */
export async function writeCifarC(folder: string, n: number, corruptions: readonly string[] = ["fog"]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const name of corruptions) {
    const images = new Uint8Array(5 * n * 3072).map((_, at) => corruptedByte(name, Math.floor(at / 3072), at % 3072));
    await Deno.writeFile(`${folder}/${name}.npy`, npy("|u1", [5 * n, 32, 32, 3], images));
  }
  const labels = BigInt64Array.from({ length: 5 * n }, (_, i) => BigInt(i % n % 10));
  await Deno.writeFile(`${folder}/labels.npy`, npy("<i8", [5 * n], labels));
}
