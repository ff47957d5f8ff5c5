import { DataError } from "../core/mod.ts";
import type { Dataset } from "../data/mod.ts";
import type { Classifier } from "../models/mod.ts";

/** What a network takes and gives. */
export type ClassifierShape = Pick<Classifier, "inputShape" | "classes">;

/**
 * Checks that a network, its teacher and the images go together.
 *
 * @param method Name of the network, for messages.
 * @param network The network.
 * @param dataset The images.
 * @param teacher Its teacher, where there is one.
 * @throws {DataError} If images or numbers of classes differ.
 */
export function checkShapes(
  method: string,
  network: ClassifierShape,
  dataset: Pick<Dataset, "name" | "imageShape" | "classes">,
  teacher?: ClassifierShape,
): void {
  const own = textOf(network);
  if (teacher !== undefined && textOf(teacher) !== own) {
    throw new DataError(
      `Cannot compare "${method}", which takes ${own}, with a teacher that takes ${textOf(teacher)}: ` +
        "use the teacher that it learned from",
    );
  }
  const images = textOf({ inputShape: dataset.imageShape, classes: dataset.classes.length });
  if (images !== own) {
    throw new DataError(
      `Cannot analyse "${method}", which takes ${own}, on "${dataset.name}", which has ${images}: ` +
        "use the data that it was trained on",
    );
  }
}

function textOf({ inputShape, classes }: ClassifierShape): string {
  return `images of [${inputShape}] in ${classes} classes`;
}
