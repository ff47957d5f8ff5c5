import type { Dataset } from "../../lib/data/mod.ts";

/** n images of 2x2 pixels in three classes, with ids from 100 and the bytes 0, 1, 2, ... */
export function tinyDataset(n: number): Dataset {
  return {
    name: "tiny train",
    classes: ["a", "b", "c"],
    imageShape: [2, 2, 3],
    ids: Int32Array.from({ length: n }, (_, i) => 100 + i),
    images: Uint8Array.from({ length: n * 12 }, (_, i) => i),
    labels: Int32Array.from({ length: n }, (_, i) => i % 3),
  };
}
