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
 * Type-checks the code cells of a notebook as one module, which the kernel itself does not do. A name that two cells
 * declare is therefore a mistake.
 *
 * @param path The `.ipynb` file.
 * @returns The first mistake, or undefined.
 * @throws {DataError} If the file is no notebook.
 */
export async function checkNotebook(path: string): Promise<NotebookMistake | undefined> {
  const notebook = await readNotebook(path);
  const folder = dirname(resolve(path));
  const cells = notebook.cells.filter((cell) => cell.cell_type === "code").map(sourceOf);
  const module = [...cells, "export {};"].map((cell) => withAbsoluteImports(cell, folder)).join("\n");
  const config = await configAbove(folder);
  const temporary = await Deno.makeTempDir({ prefix: "notebook-" });
  try {
    const file = join(temporary, "cells.ts");
    await Deno.writeTextFile(file, module);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", ...(config === undefined ? ["--no-config"] : ["--config", config]), file],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).output();
    return success ? undefined : firstMistake(new TextDecoder().decode(stderr), cells);
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

function firstMistake(report: string, cells: readonly string[]): NotebookMistake {
  const message = report.match(/^(TS\d+ \[ERROR\]: .*|error: .*)$/m)?.[1] ?? report.trim().split("\n")[0]!;
  let line = Number(report.match(/cells\.ts:(\d+):\d+/)?.[1] ?? 0);
  for (const [i, cell] of cells.entries()) {
    const lines = cell.split("\n").length;
    if (line > 0 && line <= lines) return { cell: i + 1, message: `code cell ${i + 1}, line ${line}: ${message}` };
    line -= lines;
  }
  return { cell: 0, message };
}
