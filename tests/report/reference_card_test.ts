import { assert, assertEquals, assertThrows } from "@std/assert";
import { DataError, type EvaluationRow, UsageError, wilson } from "../../lib/core/mod.ts";
import {
  accuracyTable,
  formatReferenceCard,
  parseReferenceCard,
  renderSvg,
  robustnessCurve,
} from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

/** Fields of RobustBench's model_info/cifar10/Linf/Wong2020Fast.json. */
const FAST = {
  name: "Fast is better than free: Revisiting adversarial training",
  dataset: "cifar10",
  architecture: "ResNet-18",
  eps: "8/255",
  "clean_acc": "83.34",
  reported: "46.06",
  "autoattack_acc": "43.21",
};
const DETAILS = {
  name: "ours",
  method: "kdiga",
  eps: "8/255",
  norm: "Linf",
  dataset: "cifar10",
  architecture: "resnet18",
};

Deno.test("parseReferenceCard() reads RobustBench's cards; an external evaluation counts before AutoAttack", () => {
  const card = { name: FAST.name, clean: 83.34, robust: 43.21, eps: "8/255" };
  assertEquals(parseReferenceCard(JSON.stringify(FAST)), card);
  assertEquals(parseReferenceCard(JSON.stringify({ ...FAST, external: null })), card);
  assertEquals(parseReferenceCard(JSON.stringify({ ...FAST, external: "42.9" })), { ...card, robust: 42.9 });
  assertEquals(parseReferenceCard(JSON.stringify({ ...FAST, eps: 0.031, "threat_model": "Linf" })), {
    ...card,
    eps: "0.031",
    norm: "Linf",
  });
});

Deno.test("parseReferenceCard() says what a card lacks", () => {
  const refuses = (text: string, what: string) => {
    assertEquals(
      assertThrows(() => parseReferenceCard(text, "a.json"), DataError).message,
      `Cannot read "a.json" as a reference as ${what}: use a card of RobustBench, or one that --export-cards wrote`,
    );
  };
  const rest = { ...FAST, "autoattack_acc": undefined };
  refuses("{", "it is not JSON");
  refuses("[]", "it is not a JSON object");
  refuses(JSON.stringify(rest), "its autoattack_acc is undefined where a number from 0 to 100 was expected");
  refuses(
    JSON.stringify({ ...FAST, "clean_acc": "0.83 %" }),
    'its clean_acc is "0.83 %" where a number from 0 to 100 was expected',
  );
  refuses(
    JSON.stringify({ ...FAST, "clean_acc": 101 }),
    "its clean_acc is 101 where a number from 0 to 100 was expected",
  );
  refuses(JSON.stringify({ ...FAST, name: "" }), 'its name is ""');
  refuses(JSON.stringify({ ...FAST, eps: null }), "its eps is null");
});

const row = (attack: string, eps: string, correct: number): EvaluationRow => ({
  method: "kdiga",
  attack,
  eps,
  n: 200,
  correct,
  ...wilson(correct, 200),
});

Deno.test("formatReferenceCard() claims AutoAttack only where it ran, and can be read again then", () => {
  const rows = [
    row("clean", "0", 160),
    row("pgd-20", "8/255", 90),
    row("worst", "8/255", 88),
    row("worst", "2/255", 120),
  ];
  const card = JSON.parse(formatReferenceCard(rows, DETAILS));
  assertEquals(card, {
    name: "ours",
    dataset: "cifar10",
    "threat_model": "Linf",
    eps: "8/255",
    architecture: "resnet18",
    "clean_acc": "80.00",
    reported: "44.00",
    attacks: ["pgd-20"],
    images: 200,
    "reported_interval": ["37.30", "50.93"],
  });
  assertThrows(() => parseReferenceCard(JSON.stringify(card)), DataError, "its autoattack_acc is undefined");
  const text = formatReferenceCard([...rows, row("autoattack", "8/255", 80)], DETAILS);
  assertEquals(parseReferenceCard(text), { name: "ours", clean: 80, robust: 40, eps: "8/255", norm: "Linf" });
  assertEquals(
    assertThrows(() => formatReferenceCard(rows, { ...DETAILS, eps: "4/255" }), UsageError).message,
    'Cannot write a card of "kdiga" as it was not evaluated both without attack and at eps 4/255: evaluate first',
  );
});

const CARD = parseReferenceCard(JSON.stringify({ ...FAST, name: "Fast", eps: "16/255" }));

Deno.test("robustnessCurve() draws a card as a dotted line from its clean accuracy to that at its radius", async () => {
  const spec = robustnessCurve(EVALUATION, { references: [CARD] });
  const [cards, names] = viewsOf(spec).slice(-2);
  assertEquals(cards!.rows, [{ card: "Fast", eps: 0, accuracy: 83.34 }, { card: "Fast", eps: 16, accuracy: 43.21 }]);
  assertEquals(names!.rows, [{ card: "Fast", eps: 8, accuracy: 63.275 }]);
  assert(String(spec.description).endsWith("Dotted: Fast under AutoAttack, as its card claims."));
  assert((await renderSvg(spec)).startsWith("<svg "));
  assertEquals(robustnessCurve(EVALUATION, { references: [] }), robustnessCurve(EVALUATION));
});

Deno.test("accuracyTable() puts what a card claims under AutoAttack alone", () => {
  const { columns, rows, caption } = accuracyTable(EVALUATION, {
    attacks: ["pgd-20"],
    eps: ["8/255"],
    references: [CARD],
  });
  assertEquals(columns, ["Method", "n", "Clean", "PGD-20 8/255", "AutoAttack 16/255"]);
  assertEquals(rows.at(-1), ["Fast (card)", "-", "83.3", "-", "43.2"]);
  assertEquals(rows.slice(0, -1).map((row) => row.at(-1)), ["-", "-", "-"]);
  assert(caption.endsWith("(card): as its card claims, on other images."));
});
