/**
 * The pages for people, as a test: what they link to and name is there, their examples are checked, and the package can
 * be published.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ARTEFACTS, PRESETS, SWEEPS } from "../mod.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (file: string): Promise<string> => Deno.readTextFile(`${ROOT}${file}`);
const CONFIG = JSON.parse(await read("deno.json")) as {
  readonly version: string;
  readonly tasks: Readonly<Record<string, unknown>>;
};

async function filesIn(folder: string, extension: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    if (isDirectory) found.push(...await filesIn(`${folder}/${name}`, extension));
    else if (name.endsWith(extension)) found.push(`${folder}/${name}`);
  }
  return found.sort();
}

const PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...await filesIn("lib", ".md")];
const TEXTS: ReadonlyMap<string, string> = new Map(
  await Promise.all(PAGES.map(async (page) => [page, await read(page)] as const)),
);

const exists = (path: string): Promise<boolean> => Deno.stat(`${ROOT}${path}`).then(() => true, () => false);

/** The anchors of a page: its headings as a repository's web page names them. */
const anchorsOf = (text: string): string[] =>
  Array.from(
    text.matchAll(/^#+ (.+)$/gm),
    ([, heading]) => heading!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-"),
  );

Deno.test("links of the pages lead to files and headings that are there", async () => {
  const wrong: string[] = [];
  for (const [page, text] of TEXTS) {
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(link!)) continue;
      const [path = "", anchor] = link!.split("#");
      const target = path === "" ? page : new URL(path, `file:///${page}`).pathname.slice(1);
      const found = await exists(target);
      if (!found || anchor !== undefined && !anchorsOf(await read(target)).includes(anchor)) {
        wrong.push(`${page}: ${link}`);
      }
    }
  }
  assertEquals(wrong, []);
  assertGreater(TEXTS.get("README.md")!.matchAll(/\]\(lib\//g).toArray().length, 5, "the search finds links");
});

Deno.test("files that the pages name by their path are there", async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [page, text] of TEXTS) {
    for (const [, path] of text.matchAll(/`((?:lib|scripts|tests|notebooks)\/[^`\s]*)`/g)) {
      count++;
      if (!/[<*{]/.test(path!) && !await exists(path!)) wrong.push(`${page}: ${path}`);
    }
  }
  assertEquals(wrong, []);
  assertGreater(count, 20, "the search finds paths");
});

Deno.test("tasks that the pages name are those of deno.json, and all of them are named", () => {
  const named = new Set<string>();
  for (const [, text] of TEXTS) {
    for (const [, task] of text.matchAll(/\b(?:deno|deno@[\d.]+) task ([a-z][a-z:-]*)/g)) named.add(task!);
  }
  assertEquals([...named].sort(), Object.keys(CONFIG.tasks).sort());
});

Deno.test("presets, sweeps and artefacts that the pages name are there, and the page of experiments has all", () => {
  const lists: readonly [task: string, table: Readonly<Record<string, unknown>>][] = [
    ["run", PRESETS],
    ["sweep", SWEEPS],
    ["reproduce", ARTEFACTS],
  ];
  for (const [page, text] of TEXTS) {
    for (const [task, table] of lists) {
      for (const [, name] of text.matchAll(new RegExp(`deno task ${task} ([a-z0-9-]+)(?![\\w./-])`, "g"))) {
        assert(Object.hasOwn(table, name!), `${page}: deno task ${task} ${name}`);
      }
    }
  }
  const text = TEXTS.get("lib/experiments/README.md")!;
  const [list = ""] = /^Presets of `run`[\s\S]*?\. Each/m.exec(text) ?? [];
  const names = Array.from(list.matchAll(/`([a-z0-9-]+)`/g), ([, name]) => name!);
  assertEquals(names.sort(), ["run", "sweep", ...Object.keys(PRESETS), ...Object.keys(SWEEPS)].sort());
});

Deno.test("names that mod.ts links to are public", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", "mod.ts"], cwd: ROOT }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Readonly<Record<string, { symbols: { name: string }[] }>>;
  };
  const names = new Set(Object.values(nodes).flatMap(({ symbols }) => symbols.map(({ name }) => name)));
  const linked = Array.from((await read("mod.ts")).matchAll(/\{@linkcode ([\w.]+)\}/g), ([, name]) => name!);
  assertEquals(linked.filter((name) => !names.has(name)), []);
  assertGreater(linked.length, 40);
});

Deno.test("every example of the documentation is checked: none is marked to be ignored", async () => {
  const wrong: string[] = [];
  for (const file of ["mod.ts", ...PAGES, ...await filesIn("lib", ".ts")]) {
    if (/^[ *]*```ts ignore/m.test(await read(file))) wrong.push(file);
  }
  assertEquals(wrong, [], "let it run, or put it into a function that is not called");
});

Deno.test("the changelog and the citation speak of the version of deno.json", async () => {
  assertStringIncludes(TEXTS.get("CHANGELOG.md")!, `\n## [${CONFIG.version}] - `);
  assertStringIncludes(await read("CITATION.cff"), `\nversion: ${CONFIG.version}\n`);
});

Deno.test("the package can be published: no slow types, no warning, every file there", async () => {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const env = { NO_COLOR: "1" };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, env }).output();
  const said = new TextDecoder().decode(stderr);
  assert(success && !/^(warning|error)/m.test(said), said);
  for (
    const file of ["mod.ts", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "lib/engine/onnxruntime/worker.ts"]
  ) {
    assertStringIncludes(said, `/${file} (`);
  }
});
