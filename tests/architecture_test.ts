/**
 * The map of the code, as a test: who may import whom, where each foreign package is used, and that every file has its
 * tests. The rooms and who may import whom are a table of lib/README.md, which is read here.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What a room may import: rooms, and those of which it may import types alone. */
interface Allowed {
  readonly rooms: readonly string[];
  readonly types: readonly string[];
}

/** The table of lib/README.md. */
const ARROWS: ReadonlyMap<string, Allowed> = arrowsOf(await Deno.readTextFile(`${ROOT}lib/README.md`));

function arrowsOf(page: string): Map<string, Allowed> {
  const words = (text = ""): string[] => text.trim().split(" ").filter((word) => word !== "");
  const [head, , ...rows] = page.split("\n").filter((line) => line.startsWith("|")).map((line) => line.split("|"));
  assertEquals(head?.map((cell) => cell.trim()), ["", "room", "what it makes", "imports", "types of", ""]);
  return new Map(rows.map(([, room = "", , rooms, types]) => {
    return [room.trim().replace(/^\[(\w+)\]\(\1\/README\.md\)$/, "$1"), { rooms: words(rooms), types: words(types) }];
  }));
}

/** Foreign packages, and the only files or folders of lib/ that may import them. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@tensorflow/tfjs": ["lib/engine/"],
  "onnxruntime-node": ["lib/engine/onnxruntime/"],
  "vega": ["lib/report/_compile.ts", "lib/report/_lay_out.ts"],
  "vega-interpreter": ["lib/report/_vega_runtime.ts"],
  "vega-lite": ["lib/report/_compile.ts", "lib/report/_lay_out.ts", "lib/report/render.ts"],
  "@resvg/resvg-wasm": ["lib/report/render.ts"],
  "dejavu-fonts-ttf": ["lib/report/_lay_out.ts"],
  "pdfkit": ["lib/report/render_pdf.ts"],
  "@std/csv": ["lib/core/csv.ts"],
  "@jsquash/jpeg": ["lib/data/decode_image.ts"],
  "@jsquash/png": ["lib/data/decode_image.ts"],
  "jpeg-js": ["lib/data/decode_image.ts"],
  "@zip.js/zip.js": ["lib/data/index_zip.ts"],
};

/** Files of lib/ that are no part of the graph of mod.ts, with the reason. */
const OTHER_ROOTS: Readonly<Record<string, string>> = {
  "lib/data/decode_worker.ts": "started as a worker by its path",
  "lib/engine/libtensorflow/worker.ts": "started as a worker by its path",
  "lib/engine/onnxruntime/worker.ts": "started as a worker by its path",
};

/** Files whose functions are tested under another name: the contract of a room, or with what they are made for. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  "lib/core/draws.ts": "tests/core/rng_test.ts",
  "lib/core/errors.ts": "tests/scripts/commands_test.ts",
  "lib/core/ndarray.ts": "tests/engine/engine_test.ts",
  "lib/core/normal.ts": "tests/core/interval_test.ts",
  "lib/core/write_error.ts": "tests/core/files_test.ts",
  "lib/engine/batch_norm_kernels.ts": "tests/engine/second_order_test.ts",
  "lib/engine/gelu_kernels.ts": "tests/engine/second_order_test.ts",
  "lib/engine/layer_norm_kernels.ts": "tests/engine/second_order_test.ts",
  "lib/engine/max_pool_kernels.ts": "tests/engine/second_order_test.ts",
  "lib/engine/grouped_convolution_kernels.ts": "tests/engine/second_order_test.ts",
  "lib/engine/windows.ts": "tests/engine/ops_test.ts",
  "lib/engine/libtensorflow/create_libtensorflow_engine.ts": "tests/engine/engine_test.ts",
  "lib/engine/libtensorflow/ffi.ts": "tests/engine/libtensorflow/context_test.ts",
  "lib/engine/onnxruntime/cpu_device.ts": "tests/engine/engine_test.ts",
  "lib/engine/onnxruntime/create_onnxruntime_engine.ts": "tests/engine/engine_test.ts",
  "lib/engine/onnxruntime/grouped_convolutions.ts": "tests/engine/kernels_test.ts",
  "lib/engine/onnxruntime/device.ts": "tests/engine/onnxruntime/webgpu_device_test.ts",
  "lib/engine/serve_requests.ts": "tests/engine/engine_test.ts",
  "lib/engine/trace/convolutions.ts": "tests/engine/kernels_test.ts",
  "lib/engine/trace/kernels.ts": "tests/engine/kernels_test.ts",
  "lib/engine/trace/symbols.ts": "tests/engine/kernels_test.ts",
  "lib/engine/trace/trace.ts": "tests/engine/engine_test.ts",
  "lib/engine/onnxruntime/encode_onnx.ts": "tests/engine/kernels_test.ts",
  "lib/engine/reference/create_reference_engine.ts": "tests/engine/engine_test.ts",
  "lib/engine/worker_engine.ts": "tests/engine/engine_test.ts",
};

interface Dependency {
  /** The file, from the root. */
  readonly from: string;
  /** As it is written. */
  readonly specifier: string;
  /** The file, from the root, where it is one of ours. */
  readonly to: string | undefined;
  /** Whether only types are imported. */
  readonly typeOnly: boolean;
}

interface Graph {
  readonly files: ReadonlySet<string>;
  readonly dependencies: readonly Dependency[];
}

interface Resolved {
  readonly specifier?: string;
  readonly error?: string;
}

/** What `deno info` says of some roots. */
async function graphOf(roots: readonly string[]): Promise<Graph> {
  const files = new Set<string>();
  const dependencies: Dependency[] = [];
  for (const root of roots) {
    const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", root], cwd: ROOT, stderr: "null" });
    const { stdout } = await command.output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: { specifier: string; dependencies?: { specifier: string; code?: Resolved; type?: Resolved }[] }[];
    };
    for (const module of modules) {
      const from = ours(module.specifier);
      if (from === undefined || files.has(from)) continue;
      files.add(from);
      for (const { specifier, code, type } of module.dependencies ?? []) {
        const to = ours((code ?? type)?.specifier ?? "");
        dependencies.push({ from, specifier, to, typeOnly: code === undefined });
      }
    }
  }
  return { files, dependencies };
}

function ours(specifier: string): string | undefined {
  if (!specifier.startsWith("file:")) return undefined;
  const path = fileURLToPath(specifier);
  return path.startsWith(ROOT) ? path.slice(ROOT.length).replaceAll("\\", "/") : undefined;
}

/** TypeScript files below a folder, from the root, sorted. */
async function filesIn(folder: string, extension = ".ts"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    if (name.startsWith(".")) continue; // such as JupyterLab's copies of notebooks
    if (isDirectory) found.push(...await filesIn(`${folder}/${name}`, extension));
    else if (name.endsWith(extension)) found.push(`${folder}/${name}`);
  }
  return found.sort();
}

const read = (file: string): Promise<string> => Deno.readTextFile(`${ROOT}${file}`);

/** Text without comments. */
async function codeOf(file: string): Promise<string> {
  return (await read(file)).replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
}

const LIB_FILES = (await filesIn("lib")).filter((file) => !file.startsWith("lib/std/"));
const LIB = await graphOf(["mod.ts", ...Object.keys(OTHER_ROOTS)]);
const roomOf = (file: string): string => file.split("/")[1]!;
const show = ({ from, specifier }: Dependency): string => `${from} imports "${specifier}"`;

Deno.test("every file of lib/ belongs to mod.ts", () => {
  assertEquals(LIB_FILES.filter((file) => !LIB.files.has(file)), []);
});

Deno.test("lib/ has the rooms of the map", () => {
  assertEquals([...new Set(LIB_FILES.map(roomOf))].sort(), [...ARROWS.keys()].sort());
});

Deno.test("the table of the map allows nothing that no file imports, and goes round in no circle", () => {
  const used = (from: string, to: string, asTypes: boolean) =>
    LIB.dependencies.some((dependency) =>
      dependency.from.startsWith(`lib/${from}/`) && dependency.to?.startsWith(`lib/${to}/`) &&
      (asTypes || !dependency.typeOnly)
    );
  const idle: string[] = [];
  for (const [room, { rooms, types }] of ARROWS) {
    for (const to of rooms) if (!used(room, to, false)) idle.push(`${room} imports ${to}`);
    for (const to of types) if (!used(room, to, true)) idle.push(`${room} imports types of ${to}`);
  }
  assertEquals(idle, [], "take these out of the table of lib/README.md");
  const order = [...ARROWS.keys()];
  for (const [room, { rooms }] of ARROWS) {
    for (const to of rooms) assert(order.indexOf(to) < order.indexOf(room), `${to} stands above ${room}`);
  }
});

Deno.test("the picture of the map has the arrows of its table: what may be imported can be reached, and nothing else is drawn", async () => {
  const [, drawn = ""] = /^```mermaid\nflowchart \w+\n([\s\S]*?)^```$/m.exec(await read("lib/README.md")) ?? [];
  const arrows = drawn.trim().split("\n").flatMap((line) => {
    const [, from, kind, to] = /^\s*([\w& ]+?) (-->|-\.->) ([\w& ]+)$/.exec(line) ?? [];
    assert(from !== undefined && to !== undefined, `an arrow in the picture: "${line}"`);
    const ends = to.split(" & ");
    return from.split(" & ").flatMap((room) => ends.map((end) => ({ room, end, typeOnly: kind === "-.->" })));
  });
  const none: Allowed = { rooms: [], types: [] };
  for (const { room, end, typeOnly } of arrows) {
    const { rooms, types } = ARROWS.get(room) ?? none;
    assert((typeOnly ? types : rooms).includes(end), `the table has the arrow from ${room} to ${end}`);
  }
  const reached = (from: string, typesToo: boolean): Set<string> => {
    const found = new Set([from]);
    for (const room of found) {
      for (const arrow of arrows) if (arrow.room === room && (typesToo || !arrow.typeOnly)) found.add(arrow.end);
    }
    return found;
  };
  for (const [room, { rooms, types }] of ARROWS) {
    for (const to of rooms) assert(reached(room, false).has(to), `an arrow leads from ${room} to ${to}`);
    for (const to of types) assert(reached(room, true).has(to), `an arrow leads from ${room} to ${to}`);
  }
});

Deno.test("rooms import only the rooms that the map allows", () => {
  const wrong = LIB.dependencies.filter(({ from, to, typeOnly }) => {
    if (to === undefined || !from.startsWith("lib/") || from.startsWith("lib/std/")) return false;
    if (to.startsWith("lib/std/")) return false; // stand-ins for packages
    if (!to.startsWith("lib/")) return true; // nothing in lib/ imports mod.ts or a script
    const { rooms, types } = ARROWS.get(roomOf(from))!;
    const allowed = [roomOf(from), ...rooms, ...(typeOnly ? types : [])];
    return !allowed.includes(roomOf(to));
  });
  assertEquals(wrong.map(show), []);
});

Deno.test("rooms import each other through their mod.ts", () => {
  const wrong = LIB.dependencies.filter(({ from, to }) =>
    from.startsWith("lib/") && to !== undefined && to.startsWith("lib/") && !to.startsWith("lib/std/") &&
    roomOf(from) !== roomOf(to) && to !== `lib/${roomOf(to)}/mod.ts`
  );
  assertEquals(wrong.map(show), []);
});

Deno.test("mod.ts imports the mod.ts of every room, and nothing else", () => {
  const imported = LIB.dependencies.filter(({ from }) => from === "mod.ts").map(({ to }) => to);
  assertEquals(imported.sort(), [...ARROWS.keys()].map((room) => `lib/${room}/mod.ts`).sort());
});

Deno.test("foreign packages are imported in one place each", () => {
  const wrong = LIB.dependencies.filter(({ from, specifier }) => {
    if (/^(\.|node:)/.test(specifier) || from.startsWith("lib/std/")) return false;
    const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
    return !(PACKAGES[name] ?? []).some((place) => from.startsWith(place));
  });
  assertEquals(wrong.map(show), []);
});

Deno.test("scripts import mod.ts, each other's _files, @std and node alone, and one of them the notebooks' transport", async () => {
  const files = await filesIn("scripts");
  const { dependencies } = await graphOf(files.filter((file) => !file.includes("/_")));
  const wrong = dependencies.filter(({ from, specifier }) =>
    from.startsWith("scripts/") && !/^(\.\.\/mod\.ts|\.\/_[a-z_]+\.ts|@std\/.+|node:.+)$/.test(specifier) &&
    !(from === "scripts/_notebook_client.ts" && specifier === "zeromq")
  );
  assertEquals(wrong.map(show), []);
  assert(dependencies.some(({ from }) => from === "scripts/run.ts"));
});

Deno.test("notebooks import mod.ts and @std alone", async () => {
  const wrong: string[] = [];
  for (const file of await filesIn("notebooks", ".ipynb")) {
    const { cells } = JSON.parse(await read(file)) as { cells: { cell_type: string; source: string | string[] }[] };
    const code = cells.filter(({ cell_type: type }) => type === "code").map(({ source }) => [source].flat().join(""));
    for (const [, specifier] of code.join("\n").matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
      if (!/^(\.\.\/mod\.ts|@std\/.+)$/.test(specifier!)) wrong.push(`${file} imports "${specifier}"`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("TensorFlow.js's own operators are called in lib/engine/ alone: many have a wrong or no second derivative", async () => {
  const wrong: string[] = [];
  for (const file of [...LIB_FILES, ...await filesIn("scripts")]) {
    if (file.startsWith("lib/engine/")) continue;
    for (const [call] of (await codeOf(file)).matchAll(/\btf\.[a-zA-Z.]+/g)) wrong.push(`${file} calls ${call}`);
  }
  assertEquals(wrong, []);
});

Deno.test("lib/engine/ops.ts takes no operator of TensorFlow.js whose second derivative is wrong or missing", async () => {
  const banned = /\btf\.(logSoftmax|logSumExp|losses|leakyRelu|selu|elu|prelu|maxPool|avgPool|batchNorm\w*)\b/g;
  const code = await codeOf("lib/engine/ops.ts");
  assertEquals(Array.from(code.matchAll(banned), ([call]) => call), []);
  assert(/\btf\.matMul\b/.test(code), "the search finds calls");
});

Deno.test("nothing in lib/ writes to the console", async () => {
  const wrong: string[] = [];
  for (const file of LIB_FILES) if (/\bconsole\./.test(await codeOf(file))) wrong.push(file);
  assertEquals(wrong, []);
});

Deno.test("every file of lib/ that exports a function has a test of its name, or is listed with where it is tested", async () => {
  const tests = new Set(await filesIn("tests"));
  const without: string[] = [];
  const stale: string[] = [];
  for (const file of LIB_FILES) {
    const own = file.replace(/^lib\//, "tests/").replace(/\.ts$/, "_test.ts");
    const listed = TESTED_ELSEWHERE[file];
    if (listed !== undefined && (tests.has(own) || !tests.has(listed))) stale.push(file);
    const name = file.split("/").at(-1)!;
    if (listed !== undefined || tests.has(own) || name.startsWith("_") || name === "mod.ts") continue;
    const exportsFunction = /^export (async function|function|class)\b|^export const \w+(: [^=]+)? = (async )?\(/m;
    if (exportsFunction.test(await codeOf(file))) without.push(file);
  }
  assertEquals(without, [], "add the test");
  assertEquals(stale, [], "take these out of TESTED_ELSEWHERE");
});
