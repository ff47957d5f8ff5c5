import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { DataError, type EvidenceRow } from "../../lib/core/mod.ts";
import { summarize } from "../../lib/evaluation/mod.ts";

/** Rows of images 0, 1, 2, ...: one digit each, 1 for a success of the attack. */
function rows(attack: string, eps: string, successes: string, method = "kdiga"): EvidenceRow[] {
  return Array.from(successes).map((digit, image) => ({
    method,
    attack,
    eps,
    image,
    label: 0,
    cleanMargin: 1,
    margin: digit === "1" ? -1 : 1,
    success: digit === "1" ? 1 : 0,
    firstStep: digit === "1" ? 2 : "",
    seed: 0,
  }));
}

const table = (evidence: readonly EvidenceRow[]) =>
  summarize(evidence).map(({ method, attack, eps, n, correct }) => `${method} ${attack} ${eps} ${correct}/${n}`);

Deno.test("summarize() counts images that hold, with the Wilson interval", () => {
  const [row, ...rest] = summarize(rows("clean", "0", "1100000000"));
  // 8 of 10 at z = 1.959964: (0.8 + 0.192073 -+ 1.959964 sqrt(0.016 + 0.0096036)) / 1.3841459 = 0.490162, 0.943318.
  assertEquals([row!.method, row!.attack, row!.eps, row!.n, row!.correct, row!.rate], [
    "kdiga",
    "clean",
    "0",
    10,
    8,
    0.8,
  ]);
  assertAlmostEquals(row!.low, 0.490162, 1e-6);
  assertAlmostEquals(row!.high, 0.943318, 1e-6);
  assertEquals(rest, []);
});

Deno.test("summarize() gives for each image the worst over clean and all attacks of a radius", () => {
  const evidence = [
    ...rows("clean", "0", "100000"),
    ...rows("pgd-20", "8/255", "111000"),
    ...rows("pgd-20", "2/255", "110000"),
    ...rows("fgsm", "2/255", "100010"),
    ...rows("fgsm", "8/255", "100011"),
  ];
  assertEquals(table(evidence), [
    "kdiga clean 0 5/6",
    "kdiga pgd-20 2/255 4/6",
    "kdiga pgd-20 8/255 3/6",
    "kdiga fgsm 2/255 4/6",
    "kdiga fgsm 8/255 3/6",
    "kdiga worst 2/255 3/6",
    "kdiga worst 8/255 1/6",
  ]);
});

Deno.test("summarize() does not let the clean image count as an attack that failed", () => {
  // An fgsm that makes the one wrong image right again does not make it robust.
  assertEquals(table([...rows("clean", "0", "10"), ...rows("fgsm", "4/255", "00")]).at(-1), "kdiga worst 4/255 1/2");
});

Deno.test("summarize() takes the worst over the images that every attack has reached", () => {
  const evidence = [
    ...rows("clean", "0", "0000"),
    ...rows("fgsm", "8/255", "0000"),
    ...rows("pgd-20", "8/255", "1000").slice(0, 2),
  ];
  assertEquals(table(evidence), [
    "kdiga clean 0 4/4",
    "kdiga fgsm 8/255 4/4",
    "kdiga pgd-20 8/255 1/2",
    "kdiga worst 8/255 1/2",
  ]);
  // No image has been reached by both: no row.
  const apart = [...rows("fgsm", "8/255", "00").slice(0, 1), ...rows("pgd-20", "8/255", "00").slice(1)];
  assertEquals(table(apart), ["kdiga fgsm 8/255 1/1", "kdiga pgd-20 8/255 1/1"]);
});

Deno.test("summarize() keeps networks apart, in the order in which they come, and sorts radii by size", () => {
  const evidence = ["natural", "kd"].flatMap((method) => [
    ...rows("clean", "0", "00", method),
    ...["16/255", "0.5", "2/255"].flatMap((eps) => rows("pgd-20", eps, method === "kd" ? "01" : "11", method)),
  ]);
  assertEquals(table(evidence), [
    "natural clean 0 2/2",
    "natural pgd-20 2/255 0/2",
    "natural pgd-20 16/255 0/2",
    "natural pgd-20 0.5 0/2",
    "natural worst 2/255 0/2",
    "natural worst 16/255 0/2",
    "natural worst 0.5 0/2",
    "kd clean 0 2/2",
    "kd pgd-20 2/255 1/2",
    "kd pgd-20 16/255 1/2",
    "kd pgd-20 0.5 1/2",
    "kd worst 2/255 1/2",
    "kd worst 16/255 1/2",
    "kd worst 0.5 1/2",
  ]);
});

Deno.test("summarize() gives no rows for no evidence, and refuses evidence that stands twice", () => {
  assertEquals(summarize([]), []);
  const error = assertThrows(
    () => summarize([...rows("fgsm", "8/255", "00"), ...rows("fgsm", "8/255", "0")]),
    DataError,
  ) as DataError;
  assertEquals(
    error.message,
    'Cannot summarize the evidence as image 0 of "kdiga" stands twice under "fgsm" at eps 8/255: remove one of the rows',
  );
});
