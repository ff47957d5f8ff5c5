import { assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
import { findLibrary, libraryFiles, libraryFolder } from "../../../lib/engine/libtensorflow/find_library.ts";

/** Makes empty files in a temporary folder and removes it afterwards. */
async function withFiles(files: readonly string[], body: (root: string) => void): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kdiga-" });
  try {
    for (const file of files) {
      await Deno.mkdir(join(root, dirname(file)), { recursive: true });
      await Deno.writeTextFile(join(root, file), "");
    }
    body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const FILE = "libtensorflow_cc.so.2";
const of = (variables: Record<string, string>) => (name: string): string | undefined => variables[name];

Deno.test("findLibrary() takes the file that TENSORFLOW_LIBRARY names, or nothing", () =>
  withFiles(["mine.so", `home/.cache/kdiga/tensorflow-2.21.0/tensorflow/${FILE}`], (root) => {
    const HOME = join(root, "home");
    const mine = join(root, "mine.so");
    assertEquals(findLibrary({ env: of({ TENSORFLOW_LIBRARY: mine, HOME }), os: "linux" }), {
      path: mine,
      looked: [`TENSORFLOW_LIBRARY=${mine}`],
    });
    const missing = join(root, "missing.so");
    assertEquals(findLibrary({ env: of({ TENSORFLOW_LIBRARY: missing, HOME }), os: "linux" }), {
      path: undefined,
      looked: [`TENSORFLOW_LIBRARY=${missing}`],
    });
  }));

Deno.test("findLibrary() looks into the cache, then the active Python, the user's and the system's", () => {
  const files = [
    `home/.cache/kdiga/tensorflow-2.21.0/tensorflow/${FILE}`,
    `venv/lib/python3.11/site-packages/tensorflow/${FILE}`,
    `home/.local/lib/python3.9/site-packages/tensorflow/${FILE}`,
    `home/.local/lib/python3.12/site-packages/tensorflow/${FILE}`,
    `usr/lib/python3/dist-packages/tensorflow/${FILE}`,
    "usr/lib/libtensorflow.so.2",
  ];
  return withFiles(files, (root) => {
    const env = of({ HOME: join(root, "home"), VIRTUAL_ENV: join(root, "venv") });
    const places = { env, os: "linux", prefixes: [join(root, "usr")] } as const;
    // The order in which they are found, each removed in turn: a newer Python comes before an older one.
    const order = [files[0]!, files[1]!, files[3]!, files[2]!, files[4]!, files[5]!];
    for (const file of order) {
      assertEquals(findLibrary(places).path, join(root, file));
      Deno.removeSync(join(root, file));
    }
    assertEquals(findLibrary(places), {
      path: undefined,
      looked: [
        join(root, "home/.cache/kdiga/tensorflow-2.21.0"),
        join(root, "venv/lib"),
        join(root, "home/.local/lib"),
        join(root, "usr/lib"),
      ],
    });
  });
});

Deno.test("findLibrary() takes a folder of the library's name for no library", () =>
  withFiles([`cache/kdiga/tensorflow-2.21.0/tensorflow/${FILE}/file`], (root) => {
    const env = of({ XDG_CACHE_HOME: join(root, "cache") });
    assertEquals(findLibrary({ env, os: "linux", prefixes: [] }).path, undefined);
  }));

Deno.test("libraryFolder() follows the system's habits", () => {
  const HOME = join("/", "h");
  assertEquals(libraryFolder({ env: of({ HOME }), os: "linux" }), join("/h/.cache/kdiga/tensorflow-2.21.0"));
  assertEquals(libraryFolder({ env: of({ HOME }), os: "darwin" }), join("/h/Library/Caches/kdiga/tensorflow-2.21.0"));
  assertEquals(
    libraryFolder({ env: of({ HOME, XDG_CACHE_HOME: "/c" }), os: "linux" }),
    join("/c/kdiga/tensorflow-2.21.0"),
  );
  assertEquals(libraryFolder({ env: of({}), os: "linux" }), undefined);
  const LOCALAPPDATA = join("/", "local");
  assertEquals(
    libraryFolder({ env: of({ HOME, LOCALAPPDATA }), os: "windows" }),
    join("/local/kdiga/tensorflow-2.21.0"),
  );
  assertEquals(libraryFolder({ env: of({ HOME }), os: "windows" }), undefined);
  assertEquals(libraryFolder({ env: of({ HOME }), os: "freebsd" }), undefined);
});

Deno.test("findLibrary() prefers Python's library to that of TensorFlow's archive in kdiga's cache folder", () => {
  const folder = "cache/kdiga/tensorflow-2.21.0/tensorflow";
  return withFiles([`${folder}/libtensorflow_cc.so.2`, `${folder}/libtensorflow.so.2`], (root) => {
    const find = () =>
      findLibrary({ env: of({ XDG_CACHE_HOME: join(root, "cache") }), os: "linux", prefixes: [] }).path;
    assertEquals(find(), join(root, folder, "libtensorflow_cc.so.2"));
    Deno.removeSync(join(root, folder, "libtensorflow_cc.so.2"));
    assertEquals(find(), join(root, folder, "libtensorflow.so.2"));
  });
});

Deno.test("findLibrary() looks for tensorflow.dll on Windows, and for nothing where TensorFlow is not published", () =>
  withFiles(["local/kdiga/tensorflow-2.21.0/tensorflow/tensorflow.dll"], (root) => {
    const env = of({ LOCALAPPDATA: join(root, "local"), HOME: root });
    assertEquals(
      findLibrary({ env, os: "windows" }).path,
      join(root, "local/kdiga/tensorflow-2.21.0/tensorflow/tensorflow.dll"),
    );
    assertEquals(findLibrary({ env, os: "freebsd" }), { path: undefined, looked: [] });
  }));

Deno.test("libraryFiles() names the library as each system has it", () => {
  assertEquals(libraryFiles("linux"), ["libtensorflow_cc.so.2", "libtensorflow.so.2"]);
  assertEquals(libraryFiles("darwin"), ["libtensorflow_cc.2.dylib", "libtensorflow.2.dylib"]);
  assertEquals(libraryFiles("windows"), ["tensorflow.dll"]);
  assertEquals(libraryFiles("freebsd"), []);
});
