// deno-lint-ignore-file camelcase -- the names of the file format
import { assert, assertEquals, assertGreater, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError } from "../../lib/core/mod.ts";
import { checkNotebooks } from "../../scripts/_notebook_check.ts";
import { type Output, readNotebook, runNotebook } from "../../scripts/_notebook_client.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/notebooks.ts", import.meta.url));

/** Writes a notebook of code cells into a folder of its own and removes it after the test. */
async function withNotebook(cells: readonly string[], test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const notebook = {
    cells: [
      { cell_type: "markdown", id: "title", metadata: {}, source: ["# Title"] },
      ...cells.map((source, i) => ({
        cell_type: "code",
        execution_count: null,
        id: `cell-${i}`,
        metadata: {},
        outputs: [],
        source: source.match(/.*\n|.+$/g) ?? [],
      })),
    ],
    metadata: { kernelspec: { display_name: "Deno", language: "typescript", name: "deno" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  try {
    const path = `${folder}/example.ipynb`;
    await Deno.writeTextFile(path, JSON.stringify(notebook, null, 1) + "\n");
    await test(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const outputsOf = async (path: string): Promise<Output[][]> => {
  const run = await runNotebook(path);
  assertEquals(run.failure, undefined);
  return run.notebook.cells.slice(1).map((cell) => cell.outputs!);
};

Deno.test("runNotebook() keeps every output, in its cell", async () => {
  const cells = [
    "const n = 1000;\nfor (let i = 0; i < n; i++) console.log(`line ${i}`);",
    "console.error('careful'); console.log(Deno.cwd());\n({ n })",
    "",
    "await Deno.jupyter.display({ 'text/plain': 'plain', 'text/html': '<b>1</b>\\n<b>2</b>' }, { raw: true });",
  ];
  await withNotebook(cells, async (path) => {
    const outputs = await outputsOf(path);
    assertEquals(outputs, [
      [{ output_type: "stream", name: "stdout", text: Array.from({ length: 1000 }, (_, i) => `line ${i}\n`) }],
      [
        { output_type: "stream", name: "stderr", text: ["careful\n"] },
        { output_type: "stream", name: "stdout", text: [`${path.replace("/example.ipynb", "")}\n`] },
        { output_type: "execute_result", execution_count: 2, data: { "text/plain": ["{ n: 1000 }"] }, metadata: {} },
      ],
      [],
      [{
        output_type: "display_data",
        data: { "text/html": ["<b>1</b>\n", "<b>2</b>"], "text/plain": ["plain"] },
        metadata: {},
      }],
    ]);
  });
});

Deno.test("runNotebook() keeps every display among many lines, in their order", async () => {
  const cell = "for (let i = 0; i < 300; i++) {\n  console.log(`line ${i}`);\n" +
    "  if (i % 100 === 99) await Deno.jupyter.display({ 'text/plain': `figure ${i}`, 'image/png': 'AAAA'.repeat(50_000) }, " +
    "{ raw: true });\n}";
  await withNotebook([cell], async (path) => {
    const [outputs] = await outputsOf(path);
    assertEquals(
      outputs!.map(({ text, data }) => (text as string[] | undefined)?.length ?? (data as Output)["text/plain"]),
      [100, ["figure 99"], 100, ["figure 199"], 100, ["figure 299"]],
    );
    assertEquals(outputs!.map(({ data }) => (data as Output | undefined)?.["image/png"]).filter((it) => it).length, 3);
  });
});

Deno.test("runNotebook() gives the cells an empty folder for temporary files, and keeps its name out of outputs", async () => {
  const cell = `import { tmpdir } from "node:os";
console.log([...Deno.readDirSync(tmpdir())].length, \`\${tmpdir()}/kdiga\`);
await Deno.writeTextFile(\`\${tmpdir()}/kdiga\`, "a");
Deno.makeTempDirSync().startsWith(tmpdir())`;
  await withNotebook([cell], async (path) => {
    for (let i = 0; i < 2; i++) {
      const [outputs] = await outputsOf(path);
      const folder = await Deno.makeTempDir();
      await Deno.remove(folder);
      assertEquals(outputs![0]!["text"], [`0 ${dirname(folder)}/kdiga\n`]);
      assertEquals(outputs![1]!["data"], { "text/plain": ["true"] });
    }
  });
});

Deno.test("runNotebook() replaces a display that is updated, also from a later cell", async () => {
  const show = (type: string, text: string) =>
    `await Deno.jupyter.broadcast("${type}", ` +
    `{ data: { "text/plain": "${text}" }, metadata: {}, transient: { display_id: "bar" } });`;
  await withNotebook([show("display_data", "0 %"), show("update_display_data", "100 %")], async (path) => {
    assertEquals(await outputsOf(path), [
      [{ output_type: "display_data", data: { "text/plain": ["100 %"] }, metadata: {} }],
      [],
    ]);
  });
});

Deno.test("runNotebook() stops at a cell that fails and names it", async () => {
  await withNotebook(["1", "throw new TypeError('boom')", "console.log('not reached')"], async (path) => {
    const run = await runNotebook(path);
    assertEquals(run.failure, {
      kind: "error",
      cell: 2,
      message: "code cell 2 of 3 fails with TypeError: boom",
    });
    const [, , failed, after] = run.notebook.cells;
    assertEquals(failed!.outputs!.map((output) => output["ename"]), ["TypeError"]);
    assertEquals(after!.outputs, []);
  });
});

Deno.test("runNotebook() ends the kernel at a cell that does not end", async () => {
  await withNotebook(["console.log(Deno.pid)", "while (true);"], async (path) => {
    const run = await runNotebook(path, { timeoutMs: 1000 });
    assertEquals(run.failure, { kind: "timeout", cell: 2, message: "code cell 2 of 2 takes longer than 1 s" });
    const pid = Number((run.notebook.cells[1]!.outputs![0]!["text"] as string[])[0]);
    assertGreater(pid, 0);
    // A signal that would do nothing to a living process finds none.
    if (Deno.build.os !== "windows") assertThrows(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
  });
});

Deno.test("runNotebook() says so where the kernel ends by itself", async () => {
  await withNotebook(["1", "Deno.exit(3)"], async (path) => {
    const { failure } = await runNotebook(path);
    assertEquals([failure?.kind, failure?.cell], ["kernel", 2]);
    assertMatch(failure!.message, /^the kernel ended \(exit code 3.*\) in code cell 2 of 2$/);
  });
});

Deno.test("runNotebook() stops where its signal says so", async () => {
  await withNotebook(["await new Promise((resolve) => setTimeout(resolve, 60_000))"], async (path) => {
    const stop = new AbortController();
    const { failure, seconds } = await runNotebook(path, { signal: stop.signal, onCell: () => stop.abort() });
    assertEquals(failure?.kind, "aborted");
    assert(seconds < 20);
  });
});

Deno.test("runNotebook() does not write the file, and refuses what is no notebook", async () => {
  await withNotebook(["1"], async (path) => {
    const before = await Deno.readTextFile(path);
    await runNotebook(path);
    assertEquals(await Deno.readTextFile(path), before);
    await Deno.writeTextFile(path, `{"nbformat": 3, "worksheets": []}`);
    await assertRejects(
      () => runNotebook(path),
      DataError,
      `Cannot read "${path}" as a notebook as it is not of nbformat 4: save it with Jupyter 4 or newer`,
    );
  });
});

Deno.test("checkNotebooks() finds the first mistake of each notebook and names its cell", async () => {
  await withNotebook(["const text = 'a';", "// a comment\nconst twice: number = text;\nunknown();"], async (wrong) => {
    await withNotebook(["", "let n = 1;\nn = 'b';"], async (other) => {
      await withNotebook(["const text = 1;"], async (right) => {
        assertEquals(
          await checkNotebooks([right, wrong, other]),
          new Map([
            [wrong, {
              cell: 2,
              message: "code cell 2, line 2: TS2322 [ERROR]: Type 'string' is not assignable to type 'number'.",
            }],
            [other, {
              cell: 2,
              message: "code cell 2, line 2: TS2322 [ERROR]: Type 'string' is not assignable to type 'number'.",
            }],
          ]),
        );
      });
    });
  });
});

Deno.test("checkNotebooks() resolves imports from the notebook's folder", async () => {
  await withNotebook(['import { half } from "./half.ts";', "const h: number = half(3);\nh"], async (path) => {
    const file = path.replace("example.ipynb", "half.ts");
    await Deno.writeTextFile(file, "export const half = (x: number) => x / 2;\n");
    assertEquals(await checkNotebooks([path]), new Map());
    await Deno.remove(file);
    const [[found, { cell, message }]] = [...await checkNotebooks([path])] as [
      [string, { cell: number; message: string }],
    ];
    assertEquals([found, cell], [path, 1]);
    assertMatch(message, /^code cell 1, line 1: .*(Module not found|Cannot find module).*half\.ts/);
  });
});

const FIGURE = `await Deno.jupyter.display(
  { "application/vnd.vegalite.v5+json": {}, "image/png": "AAAA", "text/plain": "a figure" },
  { raw: true },
);`;

async function runScript(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", SCRIPT, ...args], env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await command.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("notebooks.ts --update writes outputs, the same bytes each time", async () => {
  await withNotebook(["console.log('a\\nb');", "1 + 1", FIGURE], async (path) => {
    const first = await runScript("--update", path);
    assertEquals([first.code, first.err], [0, ""]);
    assertMatch(first.out, /example\.ipynb {2}3 cells {2}\d+\.\d s {2}ok\n$/);
    const written = await Deno.readTextFile(path);
    const { cells } = await readNotebook(path);
    assertEquals(cells.map((cell) => cell.execution_count), [undefined, 1, 2, 3]);
    assertEquals(cells[1]!.outputs![0]!["text"], ["a\n", "b\n"]);
    await runScript("--update", path);
    assertEquals(await Deno.readTextFile(path), written);
  });
});

Deno.test("notebooks.ts fails where a cell does, leaves that notebook as it was, and reports as JSON", async () => {
  await withNotebook(["throw new RangeError('too far')"], async (path) => {
    const before = await Deno.readTextFile(path);
    const { code, out } = await runScript("--json", "--update", path);
    assertEquals(code, 1);
    const [report, ...others] = JSON.parse(out);
    assertEquals(others, []);
    assertEquals([report.notebook, report.ok, report.cells], [path, false, 1]);
    assertEquals(report.failure.message, "code cell 1 of 1 fails with RangeError: too far");
    assertEquals(await Deno.readTextFile(path), before);
  });
});

Deno.test("notebooks.ts fails where a notebook shows no figure, or its types are wrong unless they are not checked", async () => {
  await withNotebook(["const n: number = 'a';"], async (path) => {
    const before = await Deno.readTextFile(path);
    const failureOf = async (...flags: string[]) => {
      const { code, out } = await runScript("--json", "--update", ...flags, path);
      assertEquals(code, 1);
      return JSON.parse(out)[0].failure;
    };
    assertEquals(await failureOf(), {
      kind: "check",
      cell: 1,
      message: "code cell 1, line 1: TS2322 [ERROR]: Type 'string' is not assignable to type 'number'.",
    });
    assertEquals(await failureOf("--no-check"), {
      kind: "figure",
      cell: 0,
      message: "it shows no figure as Vega-Lite 5, PNG and text: end a cell with show(...)",
    });
    assertEquals(await Deno.readTextFile(path), before);
  });
});

Deno.test("notebooks.ts refuses wrong usage", async () => {
  const { code, err } = await runScript("--upgrade");
  assertEquals([code, err], [
    2,
    'UsageError: Cannot run notebooks with the flag "--upgrade" as it is not known: ' +
    "known flags are --update, --no-check, --timeout, --json, --help\n",
  ]);
});
