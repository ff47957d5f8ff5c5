import { byteAt } from "./_tiny_cifar10.ts";

/** Bytes of one file of CIFAR-100 with `n` images: coarse label 3 i, fine label 11 i + file, pixels as of CIFAR-10. */
export function cifar100File(file: number, n: number): Uint8Array {
  const bytes = new Uint8Array(n * 3074);
  for (let i = 0; i < n; i++) {
    bytes[i * 3074] = 3 * i % 20;
    bytes[i * 3074 + 1] = (11 * i + file) % 100;
    for (let k = 0; k < 3072; k++) bytes[i * 3074 + 2 + k] = byteAt(file, i, k);
  }
  return bytes;
}

/** Names and bytes of the four files, with n test images. */
export function cifar100Files(n: number): [name: string, bytes: Uint8Array][] {
  const names = (kind: string, count: number) =>
    new TextEncoder().encode(Array.from({ length: count }, (_, i) => `${kind} ${i}\n`).join("") + "\n");
  return [
    ["train.bin", cifar100File(0, 5 * n)],
    ["test.bin", cifar100File(1, n)],
    ["coarse_label_names.txt", names("coarse", 20)],
    ["fine_label_names.txt", names("fine", 100)],
  ];
}
