import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readNotebook, sourceOf } from "./_notebook_client.ts";

/** The first mistake that the type checker found. */
export interface NotebookMistake {
  /** Code cell, from 1; 0 where the checker named none. */
  readonly cell: number;
  /** One line. */
  readonly message: string;
}

/**
 * Type-checks the code cells of notebooks, those of each as one module, which the kernel itself does not do. A name that
 * two cells declare is therefore a mistake.
 *
 * @param paths The `.ipynb` files.
 * @returns The first mistake of each that has one, by its path.
 * @throws {DataError} If a file is no notebook.
 */
export async function checkNotebooks(paths: readonly string[]): Promise<Map<string, NotebookMistake>> {
  const temporary = await Deno.makeTempDir({ prefix: "notebook-" });
  try {
    const cellsOf = new Map<string, readonly string[]>();
    const byConfig = new Map<string | undefined, string[]>();
    for (const [i, path] of paths.entries()) {
      const folder = dirname(resolve(path));
      const cells = (await readNotebook(path)).cells.filter((cell) => cell.cell_type === "code").map(sourceOf);
      cellsOf.set(`${i}.ts`, cells);
      const module = [...cells, "export {};"].map((cell) => withAbsoluteImports(cell, folder)).join("\n");
      await Deno.writeTextFile(join(temporary, `${i}.ts`), module);
      const config = await configAbove(folder);
      byConfig.set(config, [...byConfig.get(config) ?? [], `${i}.ts`]);
    }
    const mistakes = new Map<string, NotebookMistake>();
    for (const [config, files] of byConfig) {
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["check", "--quiet", "--no-lock", ...(config ? ["--config", config] : ["--no-config"]), ...files],
        cwd: temporary,
        env: { NO_COLOR: "1" },
        stdout: "null",
        stderr: "piped",
      }).output();
      if (success) continue;
      for (const [file, mistake] of mistakesIn(new TextDecoder().decode(stderr), cellsOf, files[0]!)) {
        mistakes.set(paths[Number.parseInt(file)]!, mistake);
      }
    }
    return mistakes;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

/** Turns "../mod.ts" into the file's URL, as the module lies in another folder than the notebook. */
function withAbsoluteImports(source: string, folder: string): string {
  const base = pathToFileURL(`${folder}/`);
  return source.replace(
    /(\bfrom\s+|\bimport\s*\(?\s*)(["'])(\.{1,2}\/[^"']*)\2/g,
    (_, before, quote, specifier) => `${before}${quote}${new URL(specifier, base)}${quote}`,
  );
}

async function configAbove(folder: string): Promise<string | undefined> {
  for (let at = folder;; at = dirname(at)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const stat = await Deno.stat(join(at, name)).catch(() => undefined);
      if (stat?.isFile) return join(at, name);
    }
    if (dirname(at) === at) return undefined;
  }
}

/** The first mistake of each file in what the checker printed; one that names no file is the first file's. */
function mistakesIn(
  report: string,
  cellsOf: ReadonlyMap<string, readonly string[]>,
  first: string,
): Map<string, NotebookMistake> {
  const mistakes = new Map<string, NotebookMistake>();
  for (
    const [, message = "", rest = ""] of report.matchAll(
      /^(TS\d+ \[ERROR\]: .*|error: .*)$([^]*?)(?=^TS\d|^error|$(?![^]))/gm,
    )
  ) {
    const [, file, line] = rest.match(/at file:\S*\/(\d+\.ts):(\d+):\d+/) ?? [];
    if (file === undefined && message.startsWith("error: Type checking failed")) continue;
    if (!mistakes.has(file ?? first)) {
      mistakes.set(file ?? first, inCell(message, Number(line ?? 0), cellsOf.get(file ?? first)!));
    }
  }
  if (mistakes.size === 0) mistakes.set(first, { cell: 0, message: report.trim().split("\n")[0]! });
  return mistakes;
}

function inCell(message: string, lineOfAll: number, cells: readonly string[]): NotebookMistake {
  let line = lineOfAll;
  for (const [i, cell] of cells.entries()) {
    const lines = cell.split("\n").length;
    if (line > 0 && line <= lines) return { cell: i + 1, message: `code cell ${i + 1}, line ${line}: ${message}` };
    line -= lines;
  }
  return { cell: 0, message };
}
