import { assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
import { findLibrary, libraryFile, libraryFolder } from "../../../lib/engine/libtensorflow/find_library.ts";

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
  withFiles(["mine.so", `home/.cache/kdiga/tensorflow-2.21.0/${FILE}`], (root) => {
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
    `home/.cache/kdiga/tensorflow-2.21.0/${FILE}`,
    `venv/lib/python3.11/site-packages/tensorflow/${FILE}`,
    `home/.local/lib/python3.9/site-packages/tensorflow/${FILE}`,
    `home/.local/lib/python3.12/site-packages/tensorflow/${FILE}`,
    `usr/lib/python3/dist-packages/tensorflow/${FILE}`,
  ];
  return withFiles(files, (root) => {
    const env = of({ HOME: join(root, "home"), VIRTUAL_ENV: join(root, "venv") });
    const places = { env, os: "linux", prefixes: [join(root, "usr")] } as const;
    // The order in which they are found, each removed in turn: a newer Python comes before an older one.
    const order = [files[0]!, files[1]!, files[3]!, files[2]!, files[4]!];
    for (const file of order) {
      assertEquals(findLibrary(places).path, join(root, file));
      Deno.removeSync(join(root, file));
    }
    assertEquals(findLibrary(places), {
      path: undefined,
      looked: [
        join(root, files[0]!),
        join(root, "venv/lib/python3*"),
        join(root, "home/.local/lib/python3*"),
        join(root, "usr/lib/python3*"),
      ],
    });
  });
});

Deno.test("findLibrary() takes a folder of the library's name for no library", () =>
  withFiles([`cache/kdiga/tensorflow-2.21.0/${FILE}/file`], (root) => {
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
  assertEquals(libraryFolder({ env: of({ HOME }), os: "windows" }), undefined);
});

Deno.test("libraryFile() names both libraries where TensorFlow comes as two", () => {
  assertEquals(libraryFile("linux", "framework"), "libtensorflow_framework.so.2");
  assertEquals(libraryFile("darwin"), "libtensorflow_cc.2.dylib");
  assertEquals(libraryFile("windows"), undefined);
});
