import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../lib/core/mod.ts";
import { checkShapes, type ClassifierShape } from "../../lib/evaluation/mod.ts";

const NETWORK: ClassifierShape = { inputShape: [2, 2, 1], classes: 3 };
const DATASET = { name: "random test", imageShape: [2, 2, 1], classes: ["a", "b", "c"] } as const;

Deno.test("checkShapes() lets a network pass with its teacher and data, and says what differs", () => {
  checkShapes("kdiga", NETWORK, DATASET);
  checkShapes("kdiga", NETWORK, DATASET, { ...NETWORK });
  const message = (dataset: typeof DATASET | object, teacher?: ClassifierShape) =>
    assertThrows(() => checkShapes("kdiga", NETWORK, { ...DATASET, ...dataset }, teacher), DataError).message;
  const own =
    'Cannot compare "kdiga", which takes images of [2,2,1] in 3 classes, with a teacher that takes images of ';
  assertEquals(
    message({}, { inputShape: [4, 4, 1], classes: 3 }),
    `${own}[4,4,1] in 3 classes: use the teacher that it learned from`,
  );
  assertEquals(
    message({}, { inputShape: [2, 2, 1], classes: 10 }),
    `${own}[2,2,1] in 10 classes: use the teacher that it learned from`,
  );
  assertEquals(
    message({ imageShape: [1, 4, 1] }),
    'Cannot analyse "kdiga", which takes images of [2,2,1] in 3 classes, on "random test", which has images of [1,4,1] ' +
      "in 3 classes: use the data that it was trained on",
  );
});
