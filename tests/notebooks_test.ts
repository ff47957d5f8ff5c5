import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { checkNotebooks } from "../scripts/_notebook_check.ts";
import { runNotebook, showsFigure } from "../scripts/_notebook_client.ts";

const FOLDER = fileURLToPath(new URL("../notebooks/", import.meta.url));
const NAMES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".ipynb")).sort();

/**
 * What is made smaller here, text by text: the notebooks as they stand take minutes on two cores that other tests share,
 * and `deno task notebooks` runs those.
 */
const SMALLER: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>> = {
  "01_quickstart.ipynb": [["train: 1400", "train: 640"]],
  "03_input_gradient_alignment.ipynb": [["train: 2000", "train: 640"], ["epochs: 6", "epochs: 3"]],
  "04_across_architectures.ipynb": [["train: 3000", "train: 640"], ["epochs: 24", "epochs: 2"]],
  "06_bring_your_own.ipynb": [["train: 2000", "train: 640"]],
};

Deno.test("the cells of all notebooks have right types", async () => {
  assertEquals(await checkNotebooks(NAMES.map((name) => `${FOLDER}${name}`)), new Map());
});

for (const name of NAMES) {
  Deno.test(`notebook ${name} runs from the top and shows a figure in every form`, async () => {
    const smaller = SMALLER[name] ?? [];
    const used = new Set<string>();
    const edit = (source: string): string =>
      smaller.reduce((text, [from, to]) => {
        if (text.includes(from)) used.add(from);
        return text.replace(from, to);
      }, source);
    // Two tests share two cores: a cell that takes 30 s alone may take twice as long.
    const run = await runNotebook(`${FOLDER}${name}`, { timeoutMs: 240_000, edit });
    assertEquals(run.failure, undefined);
    assertEquals([...used].sort(), smaller.map(([from]) => from).sort());
    assert(showsFigure(run.notebook), "no figure as Vega-Lite 5, PNG and text");
  });
}
