import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../lib/core/mod.ts";
import { cardPath, formatCard, type ModelCard, parseCard } from "../../lib/models/mod.ts";

const card: ModelCard = {
  version: 1,
  model: { kind: "cnn", width: 4 },
  classes: ["cat", "dog"],
  inputShape: [8, 8, 3],
  provenance: { seed: 1, robust: { pgd: 0.5 } },
  sha256: "0123456789abcdef".repeat(4),
};

Deno.test("cardPath() puts .json in place of .safetensors", () => {
  assertEquals(cardPath("a.b/student.safetensors"), "a.b/student.json");
});

Deno.test("formatCard() sorts keys, and parseCard() reads it", () => {
  const text = formatCard(card);
  assertEquals(text.split("\n").slice(0, 4), ["{", '  "classes": [', '    "cat",', '    "dog"']);
  assertEquals(text.endsWith("}\n"), true);
  assertEquals(parseCard(text), card);
});

Deno.test("formatCard() refuses a provenance that JSON cannot hold", () => {
  assertThrows(() => formatCard({ ...card, provenance: { accuracy: NaN } }), TypeError, "$.provenance.accuracy");
});

const WRONG: readonly (readonly [what: string, text: string, message: string])[] = [
  ["no JSON", "{", "it is not JSON: copy it again with its weights"],
  ["a list", "[]", "it is not a JSON object: copy it again with its weights"],
  [
    "another version",
    JSON.stringify({ ...card, version: 2 }),
    "its version is 2 where 1 was expected: use the release that wrote it, or save the weights again",
  ],
  [
    "a model without kind",
    JSON.stringify({ ...card, model: {} }),
    "its model is {} where a model spec was expected: mend it",
  ],
  [
    "a number of classes",
    JSON.stringify({ ...card, classes: 2 }),
    "its classes is 2 where a list of names was expected: mend it",
  ],
  [
    "another shape",
    JSON.stringify({ ...card, inputShape: [8, 8] }),
    "its inputShape is [8,8] where [height, width, channels] was expected: mend it",
  ],
  [
    "no provenance",
    JSON.stringify({ ...card, provenance: undefined }),
    "its provenance is undefined where an object was expected: mend it",
  ],
  [
    "a short checksum",
    JSON.stringify({ ...card, sha256: "ab" }),
    'its sha256 is "ab" where 64 hexadecimal digits was expected: mend it',
  ],
];

for (const [what, text, message] of WRONG) {
  Deno.test(`parseCard() refuses ${what}`, () => {
    assertThrows(
      () => parseCard(text, "a.json"),
      CheckpointError,
      `Cannot read "a.json" as a model card as ${message}`,
    );
  });
}
