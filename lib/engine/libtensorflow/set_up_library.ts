import { dirname, join } from "node:path";
import { DataError, type Progress, UserError } from "../../core/mod.ts";
import { permittedEnv } from "./_env.ts";
import { fetchArchive } from "./fetch_archive.ts";
import { fetchFromIndex } from "./fetch_from_index.ts";
import { fetchWithPip } from "./fetch_with_pip.ts";
import { findLibrary, libraryFolder } from "./find_library.ts";
import { findPythonPackage } from "./find_python_package.ts";
import { type InstalledLibrary, installLibrary } from "./install_library.ts";
import type { LibrarySource, LibraryTarget, Obtained, SourceContext } from "./library_source.ts";
import { requireSpace } from "./require_space.ts";

/** What {@linkcode setUpLibrary} needs to know; the defaults are those of this machine. */
export interface SetUpLibraryOptions {
  /** Where to look, in order. @default {LIBRARY_SOURCES} */
  readonly sources?: readonly LibrarySource[];
  /** A wheel or archive to take the library from, instead of all sources. */
  readonly archive?: string;
  /** The package index to ask; else those that are configured. */
  readonly index?: string;
  /** Whether CUDA's libraries are wanted too, and a GPU must be found. @default {false} */
  readonly gpu?: boolean;
  /** Reads an environment variable. @default {Deno.env.get, where it is permitted} */
  readonly env?: (name: string) => string | undefined;
  /** The system that the library is for. @default {Deno.build} */
  readonly target?: LibraryTarget;
  /** Told in a line what is about to be fetched. */
  readonly say?: (line: string) => void;
  /** Told how far it has come. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends it; a download that has begun is kept for the next time. */
  readonly signal?: AbortSignal;
  /** Finds out whether a library works, and on which device. @default {tryLibrary} */
  readonly attempt?: (path: string, signal?: AbortSignal) => Promise<string>;
}

/** How a set-up ended. */
export interface LibrarySetup {
  /** The library that works; undefined where no source had one. */
  readonly library: InstalledLibrary | undefined;
  /** Where it came from. */
  readonly source: LibrarySource | "given" | undefined;
  /** Why the sources before it did not serve, a clause each. */
  readonly reasons: readonly string[];
}

const SOURCES: { readonly [K in LibrarySource]: (context: SourceContext) => Obtained | Promise<Obtained> } = {
  found: foundHere,
  python: findPythonPackage,
  pip: fetchWithPip,
  index: fetchFromIndex,
  archive: fetchArchive,
};

/** Names of the sources, in the order in which they are tried. */
export const LIBRARY_SOURCES: readonly LibrarySource[] = ["found", "python", "pip", "index", "archive"];

/** A folder that a killed set-up left is removed by a later one when it is older than this. */
const STALE_MS = 24 * 3600 * 1000;

/**
 * Finds TensorFlow's library or fetches it into kdiga's cache folder. In turn: the library that every run finds, the
 * package `tensorflow` of `python3`, a download by pip, one from a Python package index, TensorFlow's archive for C. The
 * first that works here is taken; nothing but its libraries is kept.
 *
 * Where `TENSORFLOW_LIBRARY` names a library, every run takes that one, so no other is looked for.
 *
 * @param options Where to look, and whom to tell.
 * @returns The library, or why there is none.
 */
export async function setUpLibrary(options: SetUpLibraryOptions = {}): Promise<LibrarySetup> {
  const { archive, index, gpu = false, env = permittedEnv, target = Deno.build } = options;
  const { sources = LIBRARY_SOURCES, say, onProgress, signal, attempt } = options;
  const folder = libraryFolder({ env, os: target.os });
  const cache = folder === undefined ? "" : dirname(folder);
  const context: SourceContext = {
    target,
    gpu,
    downloads: join(cache, "downloads"),
    temporary: join(cache, `tensorflow-${crypto.randomUUID().slice(0, 8)}.tmp`),
    env,
    announce: (what, bytes, kept) => {
      requireSpace(cache, (bytes ?? 0) + kept);
      const size = bytes === undefined ? "an unknown size" : megabytes(bytes);
      const fetched = bytes === 0 ? `unpack ${what}:` : `fetch ${what}: ${size}, of which`;
      say?.(`${fetched} about ${megabytes(kept)} are kept in ${folder}`);
    },
    ...(index === undefined ? {} : { index }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  };
  const { temporary, downloads } = context;
  const named = env("TENSORFLOW_LIBRARY");
  const reasons = new Set<string>();
  try {
    for (const source of archive !== undefined ? ["given" as const] : named ? ["found" as const] : sources) {
      let obtained: Obtained | undefined;
      try {
        if (source !== "found") await makeRoom(folder, context);
        obtained = source === "given" ? { kind: "archives", paths: [archive!] } : await SOURCES[source](context);
        const library = await installLibrary({
          obtained,
          folder: folder ?? "", // only what is found where it is has none
          temporary,
          gpu,
          ...(onProgress === undefined ? {} : { onProgress }),
          ...(signal === undefined ? {} : { signal }),
          ...(attempt === undefined ? {} : { attempt }),
        });
        if (obtained.kind !== "library") await Deno.remove(downloads, { recursive: true }).catch(() => {});
        return { library, source, reasons: [...reasons] };
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof UserError)) throw error;
        reasons.add(error.message);
        // What was fetched in vain goes, except for downloads that broke off.
        for (const path of obtained?.kind === "archives" ? obtained.paths : []) {
          if (dirname(path) === downloads) await Deno.remove(path);
        }
        await removeIfThere(temporary);
      }
    }
    if (named && archive === undefined) reasons.add("unset TENSORFLOW_LIBRARY to have another one found or fetched");
    return { library: undefined, source: undefined, reasons: [...reasons] };
  } finally {
    await removeIfThere(temporary);
    // Where nothing is in them.
    if (folder !== undefined) { for (const empty of [downloads, cache]) await Deno.remove(empty).catch(() => {}); }
  }
}

function foundHere({ target, env }: SourceContext): Obtained {
  const { path, looked: [place] } = findLibrary({ env, os: target.os });
  if (path !== undefined) return { kind: "library", path };
  throw new DataError(env("TENSORFLOW_LIBRARY") ? `there is no file ${place}` : "this machine has none");
}

/** Makes the folder for what a source fetches, in the cache folder, and removes what killed set-ups left there. */
async function makeRoom(folder: string | undefined, { target, temporary }: SourceContext): Promise<void> {
  if (folder === undefined) {
    const variable = target.os === "windows" ? "LOCALAPPDATA" : "HOME";
    throw new DataError(`there is no cache folder to fetch one into as ${variable} is not set`);
  }
  try {
    await Deno.mkdir(temporary, { recursive: true });
    await removeStale(dirname(folder));
  } catch (error) {
    throw new DataError(`nothing can be written to ${dirname(folder)} (${(error as Error).message})`);
  }
}

async function removeIfThere(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (!absent) throw error;
  }
}

async function removeStale(cache: string): Promise<void> {
  for await (const { name } of Deno.readDir(cache)) {
    if (!/^tensorflow-.*\.tmp$/.test(name)) continue;
    const { mtime } = await Deno.stat(join(cache, name));
    if (mtime !== null && Date.now() - mtime.getTime() > STALE_MS) {
      await Deno.remove(join(cache, name), { recursive: true });
    }
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
