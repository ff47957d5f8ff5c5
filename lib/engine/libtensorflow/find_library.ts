import { join } from "node:path";
import { permittedEnv } from "./_env.ts";

/** Version of TensorFlow whose wheels `deno task setup` fetches; its archive for C, the last resort, is of 2.18. */
export const TENSORFLOW_VERSION = "2.21.0";

/** What {@linkcode findLibrary} found. */
export interface LibrarySearch {
  /** Path of `libtensorflow_cc` or `libtensorflow`; undefined where there is none. */
  readonly path: string | undefined;
  /** Files and folders that were looked at, in order, as a person would name them. */
  readonly looked: readonly string[];
}

/** Where {@linkcode findLibrary} looks; the defaults are those of this machine. */
export interface LibraryPlaces {
  /** Reads an environment variable. @default {Deno.env.get, where it is permitted} */
  readonly env?: (name: string) => string | undefined;
  /** Operating system. @default {Deno.build.os} */
  readonly os?: typeof Deno.build.os;
  /** Folders whose `lib` is for everyone. @default {/usr/local, /usr; on macOS Homebrew's too} */
  readonly prefixes?: readonly string[];
}

/**
 * Looks for libtensorflow: the file that `TENSORFLOW_LIBRARY` names (then nowhere else), kdiga's cache folder, and in
 * the active environment, the user's folder and the system's: the Python package `tensorflow`, then the plain library.
 *
 * @param places Where to look.
 * @returns The library, and what was looked at.
 */
export function findLibrary(places: LibraryPlaces = {}): LibrarySearch {
  const { env = permittedEnv, os = Deno.build.os, prefixes = systemPrefixes(os) } = places;
  const named = env("TENSORFLOW_LIBRARY");
  if (named) return { path: isFile(named) ? named : undefined, looked: [`TENSORFLOW_LIBRARY=${named}`] };
  const files = libraryFiles(os);
  const looked: string[] = [];
  const cache = libraryFolder({ env, os });
  if (cache !== undefined) {
    looked.push(cache);
    const path = firstFile([join(cache, "tensorflow")], files);
    if (path !== undefined) return { path, looked };
  }
  const home = env("HOME");
  for (const prefix of [env("VIRTUAL_ENV"), env("CONDA_PREFIX"), home && join(home, ".local"), ...prefixes]) {
    if (!prefix || files.length === 0) continue;
    const folder = join(prefix, "lib");
    looked.push(folder);
    const path = firstFile([...pythonPackages(folder), folder], files);
    if (path !== undefined) return { path, looked };
  }
  return { path: undefined, looked };
}

/**
 * The folder of kdiga's cache that `deno task setup` makes: TensorFlow's library lies in its folder `tensorflow`, CUDA's
 * libraries beside that in `nvidia/<name>/lib`, as in Python's site-packages, where TensorFlow looks for them.
 *
 * @param places Environment and operating system.
 * @returns The folder; undefined where the environment names no home or the system has no such library.
 */
export function libraryFolder({ env = permittedEnv, os = Deno.build.os }: LibraryPlaces = {}): string | undefined {
  const home = env("HOME");
  const habit = os === "windows"
    ? env("LOCALAPPDATA")
    : home && join(home, ...(os === "darwin" ? ["Library", "Caches"] : [".cache"]));
  const cache = env("XDG_CACHE_HOME") || habit;
  if (!cache || libraryFiles(os).length === 0) return undefined;
  return join(cache, "kdiga", `tensorflow-${TENSORFLOW_VERSION}`);
}

const FILES: Partial<Readonly<Record<typeof Deno.build.os, readonly string[]>>> = {
  linux: ["libtensorflow_cc.so.2", "libtensorflow.so.2"],
  darwin: ["libtensorflow_cc.2.dylib", "libtensorflow.2.dylib"],
  windows: ["tensorflow.dll"],
};

/**
 * Names of the library with TensorFlow's C API: as Python's package has it, and as TensorFlow's archive for C has it.
 * `libtensorflow_framework` must lie beside either, except on Windows.
 *
 * @param os Operating system.
 * @returns The file names, the one to prefer first; none where TensorFlow is not published.
 */
export function libraryFiles(os: typeof Deno.build.os = Deno.build.os): readonly string[] {
  return FILES[os] ?? [];
}

function systemPrefixes(os: typeof Deno.build.os): readonly string[] {
  return os === "darwin" ? ["/opt/homebrew", "/usr/local", "/usr"] : ["/usr/local", "/usr"];
}

/** Where packages called tensorflow would lie, newest Python first. */
function pythonPackages(lib: string): string[] {
  return namesIn(lib).filter((name) => name.startsWith("python3")).flatMap((version) =>
    ["site-packages", "dist-packages"].map((packages) => join(lib, version, packages, "tensorflow"))
  );
}

function firstFile(folders: readonly string[], files: readonly string[]): string | undefined {
  return folders.flatMap((folder) => files.map((file) => join(folder, file))).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // missing or not readable: not usable either way
  }
}

/** Names in a folder, the highest version first; none where it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  } catch {
    return [];
  }
}
