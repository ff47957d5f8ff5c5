import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runNotebook } from "../scripts/_notebook_client.ts";

const FOLDER = fileURLToPath(new URL("../notebooks/", import.meta.url));
const NAMES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".ipynb")).sort();

for (const name of NAMES) {
  Deno.test(`notebook ${name} runs from the top and shows a figure in every form`, async () => {
    // Two tests share two cores: a cell that takes 30 s alone may take twice as long.
    const run = await runNotebook(`${FOLDER}${name}`, { timeoutMs: 240_000 });
    assertEquals(run.failure, undefined);
    const shown = run.notebook.cells.flatMap(({ outputs = [] }) => outputs.map(({ data }) => Object.keys(data ?? {})));
    assert(
      shown.some((types) =>
        ["application/vnd.vegalite.v5+json", "image/png", "text/plain"].every((type) => types.includes(type))
      ),
      `no figure as Vega-Lite, PNG and text among ${JSON.stringify(shown)}`,
    );
  });
}
