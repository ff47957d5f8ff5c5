import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { checkNotebooks } from "../scripts/_notebook_check.ts";
import { runNotebook, showsFigure } from "../scripts/_notebook_client.ts";

const FOLDER = fileURLToPath(new URL("../notebooks/", import.meta.url));
const NAMES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".ipynb")).sort();

Deno.test("the cells of all notebooks have right types", async () => {
  assertEquals(await checkNotebooks(NAMES.map((name) => `${FOLDER}${name}`)), new Map());
});

for (const name of NAMES) {
  Deno.test(`notebook ${name} runs from the top and shows a figure in every form`, async () => {
    // Two tests share two cores: a cell that takes 30 s alone may take twice as long.
    const run = await runNotebook(`${FOLDER}${name}`, { timeoutMs: 240_000 });
    assertEquals(run.failure, undefined);
    assert(showsFigure(run.notebook), "no figure as Vega-Lite 5, PNG and text");
  });
}
