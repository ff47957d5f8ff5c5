import { assertEquals, assertStrictEquals } from "@std/assert";
import { rng } from "../../lib/core/mod.ts";
import { createModel, freeze } from "../../lib/models/mod.ts";
import { SHAPE, SMALL } from "./_small_models.ts";

Deno.test("freeze() takes the model's evaluation mode, by identity, and the weights as they are", () => {
  const model = createModel(SMALL.cnn, SHAPE);
  const weights = model.init(rng(1));
  const classifier = freeze(model, weights);
  assertStrictEquals(classifier.logits, model.logits);
  assertStrictEquals(classifier.weights, weights);
  assertEquals([classifier.classes, classifier.inputShape], [3, [8, 10, 3]]);
});
