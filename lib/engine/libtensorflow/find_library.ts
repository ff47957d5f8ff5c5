import { join } from "node:path";

/** Version of TensorFlow that `deno task setup` fetches. */
export const TENSORFLOW_VERSION = "2.21.0";

/** What {@linkcode findLibrary} found. */
export interface LibrarySearch {
  /** Path of `libtensorflow_cc`; undefined where there is none. */
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
  /** Folders that hold a `lib/python3.*` for everyone. @default {/usr/local, /usr} */
  readonly prefixes?: readonly string[];
}

/**
 * Looks for libtensorflow: the file that `TENSORFLOW_LIBRARY` names (then nowhere else), kdiga's cache folder, and the
 * Python package `tensorflow` in the active environment, the user's folder and the system's.
 *
 * @param places Where to look.
 * @returns The library, and what was looked at.
 */
export function findLibrary(places: LibraryPlaces = {}): LibrarySearch {
  const { env = permittedEnv, os = Deno.build.os, prefixes = ["/usr/local", "/usr"] } = places;
  const named = env("TENSORFLOW_LIBRARY");
  if (named) return { path: isFile(named) ? named : undefined, looked: [`TENSORFLOW_LIBRARY=${named}`] };
  const file = libraryFile(os);
  if (file === undefined) return { path: undefined, looked: [] };
  const looked: string[] = [];
  const cache = libraryFolder({ env, os });
  if (cache !== undefined) {
    looked.push(join(cache, file));
    if (isFile(join(cache, file))) return { path: join(cache, file), looked };
  }
  const home = env("HOME");
  const all = [env("VIRTUAL_ENV"), env("CONDA_PREFIX"), home && join(home, ".local"), ...prefixes];
  for (const prefix of all) {
    if (!prefix) continue;
    looked.push(join(prefix, "lib", "python3*"));
    const path = inPython(prefix, file);
    if (path !== undefined) return { path, looked };
  }
  return { path: undefined, looked };
}

/**
 * The folder of kdiga's cache that `deno task setup` puts the library into.
 *
 * @param places Environment and operating system.
 * @returns The folder; undefined where the environment names no home or the system has no such library.
 */
export function libraryFolder({ env = permittedEnv, os = Deno.build.os }: LibraryPlaces = {}): string | undefined {
  const home = env("HOME");
  const cache = env("XDG_CACHE_HOME") ||
    (home && join(home, ...(os === "darwin" ? ["Library", "Caches"] : [".cache"])));
  if (!cache || libraryFile(os) === undefined) return undefined;
  return join(cache, "kdiga", `tensorflow-${TENSORFLOW_VERSION}`);
}

/**
 * Names of TensorFlow's two libraries.
 *
 * @param os Operating system.
 * @param part "cc" for the one with the C API, "framework" for the one that must lie beside it.
 * @returns The file name; undefined where TensorFlow comes in another form (Windows).
 */
export function libraryFile(
  os: typeof Deno.build.os = Deno.build.os,
  part: "cc" | "framework" = "cc",
): string | undefined {
  if (os === "linux") return `libtensorflow_${part}.so.2`;
  if (os === "darwin") return `libtensorflow_${part}.2.dylib`;
  return undefined;
}

function inPython(prefix: string, file: string): string | undefined {
  for (const version of namesIn(join(prefix, "lib")).filter((name) => name.startsWith("python3"))) {
    for (const packages of ["site-packages", "dist-packages"]) {
      const path = join(prefix, "lib", version, packages, "tensorflow", file);
      if (isFile(path)) return path;
    }
  }
  return undefined;
}

function permittedEnv(name: string): string | undefined {
  return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
    ? Deno.env.get(name)
    : undefined;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // missing or not readable: not usable either way
  }
}

/** Names in a folder, newest Python first; none where it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  } catch {
    return [];
  }
}
