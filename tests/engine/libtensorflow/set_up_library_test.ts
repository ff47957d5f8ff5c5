import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, type Progress } from "../../../lib/core/mod.ts";
import { LIBRARY_SOURCES, setUpLibrary, type SetUpLibraryOptions } from "../../../lib/engine/mod.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";
import { rangeOf, sendBytes, withServer } from "../../testing/servers.ts";
import { filesIn } from "../../scripts/_task.ts";
import { fakeWheel, WHEEL, WHEEL_SHA256 } from "./_source_context.ts";

const NAME = "tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl";
const FOLDER = "kdiga/tensorflow-2.21.0";
const LIBRARY = `${FOLDER}/tensorflow/libtensorflow_cc.so.2`;

/** An index whose wheel is cut at its first sending where that is wanted. */
const index = (cut = false) => {
  let sent = 0;
  return (request: Request) =>
    request.url.endsWith("/")
      ? new Response(`<a href="/${NAME}#sha256=${WHEEL_SHA256}">x</a>`)
      : sendBytes(WHEEL, rangeOf(request), cut && sent++ === 0 ? 100 : undefined);
};

/** A set-up on Linux x64 that only the index serves, with a cache folder of its own. */
const options = (root: string, changes: Partial<SetUpLibraryOptions> = {}): SetUpLibraryOptions => ({
  sources: ["index", "archive"],
  target: { os: "linux", arch: "x86_64" },
  env: (name) => name === "XDG_CACHE_HOME" ? root : undefined,
  attempt: () => Promise.resolve("cpu"),
  ...changes,
});

const ignore = Deno.build.os !== "linux"; // wheels for Linux are unpacked

Deno.test("setUpLibrary() goes from what is there to what is fetched", () => {
  assertEquals(LIBRARY_SOURCES, ["found", "python", "pip", "index", "archive"]);
});

Deno.test({
  name: "setUpLibrary() fetches, says what, and keeps the libraries alone",
  ignore,
  fn: () =>
    withServer(index(), ({ url }) =>
      inTempFolder(async (root) => {
        const said: string[] = [];
        const seen: Progress[] = [];
        const given = { index: url, say: (line: string) => said.push(line), onProgress: (p: Progress) => seen.push(p) };
        const { library, source, reasons } = await setUpLibrary(options(root, given));
        assertEquals([library, source, reasons], [{ path: `${root}/${LIBRARY}`, device: "cpu" }, "index", []]);
        assertEquals(said, [
          `fetch ${NAME} from ${new URL(url).host}: 0 MB, of which about 853 MB are kept in ${root}/${FOLDER}`,
        ]);
        assertEquals([...new Set(seen.map(({ label }) => label))], [`fetch ${NAME}`, `unpack ${NAME}`]);
        assertEquals(Object.keys(await filesIn(root)), [LIBRARY, LIBRARY.replace("_cc", "_framework")]);
        // Every run finds it now, so nothing is asked for.
        const again = await setUpLibrary(
          options(root, { sources: ["found", "index"], index: "https://nowhere.invalid" }),
        );
        assertEquals([again.library?.path, again.source], [`${root}/${LIBRARY}`, "found"]);
      })),
});

Deno.test({
  name: "setUpLibrary() goes on with a download that broke off, and does not keep it where it is of no use",
  ignore,
  fn: () =>
    withServer(index(true), ({ url, asked }) =>
      inTempFolder(async (root) => {
        const sources = ["index"] as const;
        const cut = await setUpLibrary(options(root, { sources, index: url }));
        assertEquals([cut.library, cut.reasons.length], [undefined, 1]);
        assert(cut.reasons[0]!.startsWith("Cannot fetch all of "), cut.reasons[0]);
        assertEquals(Object.keys(await filesIn(root)), [`kdiga/downloads/${NAME}.part`]);
        const attempt = () => Promise.reject(new DataError("it is broken"));
        const broken = await setUpLibrary(options(root, { sources, index: url, attempt }));
        assertEquals([broken.library, broken.source, broken.reasons], [undefined, undefined, [
          `the library in ${NAME} does not work here: it is broken`,
        ]]);
        assertEquals(asked.at(-1), `/${NAME} bytes=100-`);
        assertEquals(Array.from(Deno.readDirSync(root)), []);
      })),
});

Deno.test({
  name: "setUpLibrary() stopped in the middle leaves what it has downloaded, and nothing else",
  ignore,
  fn: () =>
    withServer(index(), ({ url }) =>
      inTempFolder(async (root) => {
        for (const label of ["fetch", "unpack"]) {
          const stop = new AbortController();
          const onProgress = (progress: Progress) => {
            if (progress.label.startsWith(label) && progress.done > 0) stop.abort();
          };
          const given = options(root, { index: url, onProgress, signal: stop.signal });
          assertEquals(await assertRejects(() => setUpLibrary(given)), stop.signal.reason);
          const [file, ...others] = Object.keys(await filesIn(root));
          assertEquals([file!.replace(/\.part$/, ""), others], [`kdiga/downloads/${NAME}`, []]);
        }
        assertEquals((await setUpLibrary(options(root, { index: url }))).source, "index");
        assertEquals(Object.keys(await filesIn(root)).length, 2);
      })),
});

Deno.test("setUpLibrary() says of every source why it does not serve, and leaves nothing", async () => {
  await inTempFolder(async (root) => {
    const target = { os: "linux", arch: "riscv64" as "aarch64" } as const;
    assertEquals(await setUpLibrary(options(root, { target, sources: ["index", "pip", "archive"] })), {
      library: undefined,
      source: undefined,
      reasons: [
        "there is no wheel with TensorFlow's library for linux on riscv64",
        "TensorFlow publishes no archive for linux on riscv64",
      ],
    });
    assertEquals(Array.from(Deno.readDirSync(root)), []);
  });
});

Deno.test({
  name: "setUpLibrary() takes the library from a file that is given",
  ignore,
  fn: () =>
    inTempFolder(async (root) => {
      await Deno.writeFile(`${root}/a.whl`, fakeWheel("given"));
      const { library, source } = await setUpLibrary(options(`${root}/cache`, { archive: `${root}/a.whl` }));
      assertEquals([await Deno.readTextFile(library!.path), source], ["given", "given"]);
      assertEquals(await Deno.stat(`${root}/a.whl`).then(() => true), true);
      const none = await setUpLibrary(options(`${root}/cache`, { archive: `${root}/none.whl` }));
      assertEquals(none.reasons, [`Cannot unpack "${root}/none.whl" as there is no such file: check the path`]);
      assertEquals(await Deno.readTextFile(library!.path), "given");
    }),
});

Deno.test("setUpLibrary() looks for no other library where TENSORFLOW_LIBRARY names one", async () => {
  await inTempFolder(async (root) => {
    const file = `${root}/lib.so`;
    const env = (name: string) => name === "TENSORFLOW_LIBRARY" ? file : undefined;
    const given = options(root, { env });
    assertEquals((await setUpLibrary(given)).reasons, [
      `there is no file TENSORFLOW_LIBRARY=${file}`,
      "unset TENSORFLOW_LIBRARY to have another one found or fetched",
    ]);
    await Deno.writeTextFile(file, "");
    assertEquals((await setUpLibrary(given)).library, { path: file, device: "cpu" });
  });
});

Deno.test("setUpLibrary() says where it cannot keep anything", async () => {
  assertEquals((await setUpLibrary(options("", { env: () => undefined }))).reasons, [
    "there is no cache folder to fetch one into as HOME is not set",
  ]);
  await inTempFolder(async (root) => {
    await Deno.writeTextFile(`${root}/file`, "");
    const { reasons } = await setUpLibrary(options(`${root}/file`));
    assertEquals(reasons.length, 1);
    assert(reasons[0]!.startsWith(`nothing can be written to ${root}/file/kdiga (`), reasons[0]);
  });
});

Deno.test("setUpLibrary() removes what a killed one left, once it is old", async () => {
  await inTempFolder(async (root) => {
    await Deno.mkdir(`${root}/kdiga/tensorflow-old.tmp/library`, { recursive: true });
    await Deno.mkdir(`${root}/kdiga/tensorflow-new.tmp`);
    await Deno.utime(`${root}/kdiga/tensorflow-old.tmp`, new Date(0), new Date(0));
    await setUpLibrary(options(root, { target: { os: "linux", arch: "riscv64" as "aarch64" } }));
    assertEquals(Array.from(Deno.readDirSync(`${root}/kdiga`), ({ name }) => name), ["tensorflow-new.tmp"]);
  });
});
