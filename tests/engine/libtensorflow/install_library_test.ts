import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { libraryFiles } from "../../../lib/engine/libtensorflow/find_library.ts";
import { installLibrary, type InstallLibraryOptions } from "../../../lib/engine/libtensorflow/install_library.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";
import { filesIn } from "../../scripts/_task.ts";
import { zip } from "./_tiny_zip.ts";

const [FILE = "none"] = libraryFiles();
const wheelOf = (text: string) => zip([[`tensorflow/${FILE}`, new TextEncoder().encode(text), "stored"]]);

/** Runs a body with a folder in which a wheel lies; what it makes goes to `cache/tensorflow`. */
const withWheel = (body: (root: string, options: InstallLibraryOptions) => Promise<void>) =>
  inTempFolder(async (root) => {
    await Deno.mkdir(`${root}/temporary`);
    await Deno.mkdir(`${root}/cache`);
    await Deno.writeFile(`${root}/a.whl`, wheelOf("a library"));
    await body(root, {
      obtained: { kind: "archives", paths: [`${root}/a.whl`] },
      folder: `${root}/cache/tensorflow`,
      temporary: `${root}/temporary`,
      attempt: () => Promise.resolve("cpu"),
    });
  });

const ignore = FILE === "none" || Deno.build.os === "windows"; // the wheels of Windows have no library

Deno.test({
  name: "installLibrary() leaves nothing behind where the library does not work",
  ignore,
  fn: () =>
    withWheel(async (root, { obtained, folder, temporary }) => {
      const { message } = await assertRejects(() => installLibrary({ obtained, folder, temporary }), DataError);
      assertMatch(message, /^the library in a\.whl does not work here: Could not open library: .+$/);
      assertEquals(Array.from(Deno.readDirSync(`${root}/cache`)), []);
    }),
});

Deno.test({
  name: "installLibrary() gives the folder its name after the library was tried, in place of an earlier one",
  ignore,
  fn: () =>
    withWheel(async (root, options) => {
      await Deno.mkdir(`${options.folder}/old`, { recursive: true });
      const tried: string[] = [];
      const attempt = (path: string) => {
        tried.push(path);
        assertEquals(Deno.readTextFileSync(path), "a library");
        assert(Deno.statSync(`${options.folder}/old`).isDirectory);
        return Promise.resolve("cpu (2 threads)");
      };
      assertEquals(await installLibrary({ ...options, attempt }), {
        path: `${options.folder}/tensorflow/${FILE}`,
        device: "cpu (2 threads)",
      });
      assertEquals(tried, [`${root}/temporary/library/tensorflow/${FILE}`]);
      assertEquals(Object.keys(await filesIn(`${root}/cache`)), [`tensorflow/tensorflow/${FILE}`]);
      assertEquals(Array.from(Deno.readDirSync(`${root}/temporary`)), []);
    }),
});

Deno.test({
  name: "installLibrary() links the folder of an installed package, and follows it",
  ignore,
  fn: () =>
    withWheel(async (root, options) => {
      await Deno.mkdir(`${root}/packages/tensorflow`, { recursive: true });
      await Deno.writeTextFile(`${root}/packages/tensorflow/${FILE}`, "installed");
      const obtained = { kind: "package", folder: `${root}/packages/tensorflow` } as const;
      const { path } = await installLibrary({ ...options, obtained });
      assertEquals(path, `${options.folder}/tensorflow/${FILE}`);
      assertEquals(await Deno.readTextFile(path), "installed");
      assertEquals(await Deno.realPath(path), `${root}/packages/tensorflow/${FILE}`);
    }),
});

Deno.test({
  name: "installLibrary() wants a GPU where one is asked for, also of a library that is there",
  ignore,
  fn: () =>
    withWheel(async (root, options) => {
      const obtained = { kind: "library", path: "/a/library" } as const;
      for (const given of [options.obtained, obtained]) {
        const install = (device: string) =>
          installLibrary({ ...options, obtained: given, gpu: true, attempt: () => Promise.resolve(device) });
        const { message } = await assertRejects(() => install("cpu (2 threads)"), DataError);
        assertEquals(message, given === obtained ? "/a/library finds no GPU" : "the library in a.whl finds no GPU");
        assertEquals(Array.from(Deno.readDirSync(`${root}/cache`)), []);
        await Deno.remove(`${root}/temporary/library`, { recursive: true }).catch(() => {});
      }
      const attempt = () => Promise.resolve("gpu");
      assertEquals(await installLibrary({ ...options, obtained, gpu: true, attempt }), {
        path: "/a/library",
        device: "gpu",
      });
    }),
});

Deno.test({
  name: "installLibrary() ends at its signal",
  ignore,
  fn: () =>
    withWheel(async (root, options) => {
      const signal = AbortSignal.abort();
      assertEquals(await assertRejects(() => installLibrary({ ...options, signal })), signal.reason);
      assertEquals(Array.from(Deno.readDirSync(`${root}/cache`)), []);
    }),
});
