/**
 * Writes the page of all training methods.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { METHODS, methodsPage, writeFileAtomic } from "../mod.ts";
import { runCommand } from "./_command.ts";

await runCommand({
  name: "methods",
  usage: "",
  arity: [0, 0],
  about: `Write lib/objectives/README.md, the page of all training methods, from their table.`,
  flags: {},
  main: async ({ json }) => {
    const path = fileURLToPath(new URL("../lib/objectives/README.md", import.meta.url));
    await writeFileAtomic(path, methodsPage());
    if (!json) console.log(path);
    return { path, methods: Object.keys(METHODS) };
  },
});
