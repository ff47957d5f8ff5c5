import { basename, join } from "node:path";
import { DataError, type Progress, writeError } from "../../core/mod.ts";
import type { Obtained } from "./library_source.ts";
import { tryLibrary } from "./try_library.ts";
import { libraryFiles } from "./find_library.ts";
import { unpackLibrary } from "./unpack_library.ts";

/** What {@linkcode installLibrary} needs to know. */
export interface InstallLibraryOptions {
  /** What a source gave. */
  readonly obtained: Obtained;
  /** Folder to make; it gets its name when all is in it and works. */
  readonly folder: string;
  /** A folder on the same disk, for what is not complete yet. */
  readonly temporary: string;
  /** Whether a GPU must be found. @default {false} */
  readonly gpu?: boolean;
  /** Told of the bytes that were unpacked. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Finds out whether a library works, and on which device. @default {tryLibrary} */
  readonly attempt?: (path: string, signal?: AbortSignal) => Promise<string>;
}

/** A library that works. */
export interface InstalledLibrary {
  /** Its path. */
  readonly path: string;
  /** The device that it found. */
  readonly device: string;
}

/**
 * Makes what a source gave the library of this machine: it is unpacked or linked into a folder of its own, tried, and
 * only then the folder gets its name. A library that every run finds is tried where it is.
 *
 * @param options What a source gave, and the folder.
 * @returns The library and its device.
 * @throws {DataError} If an archive is broken, made for another system, or its library does not work here.
 */
export async function installLibrary(options: InstallLibraryOptions): Promise<InstalledLibrary> {
  const { obtained, folder, temporary, gpu = false, onProgress, signal, attempt = tryLibrary } = options;
  const tried = async (path: string): Promise<string> => {
    const device = await attempt(path, signal).catch((error) => {
      if (!(error instanceof DataError)) throw error;
      throw new DataError(`${nameOf(obtained)} does not work here: ${error.message}`);
    });
    if (gpu && /^cpu\b/.test(device)) throw new DataError(`${nameOf(obtained)} finds no GPU`);
    return device;
  };
  if (obtained.kind === "library") return { path: obtained.path, device: await tried(obtained.path) };
  const made = join(temporary, "library");
  try {
    const path = obtained.kind === "package" ? await linkPackage(obtained.folder, made) : await unpackLibrary({
      archives: obtained.paths,
      to: made,
      onProgress: (progress) => {
        signal?.throwIfAborted();
        onProgress?.(progress);
      },
    });
    const device = await tried(path);
    signal?.throwIfAborted();
    await Deno.remove(folder, { recursive: true }).catch(() => {}); // an earlier installation
    await Deno.rename(made, folder);
    return { path: join(folder, path.slice(made.length)), device };
  } catch (error) {
    throw writeError(error, made);
  }
}

function nameOf(obtained: Obtained): string {
  if (obtained.kind === "library") return obtained.path;
  return obtained.kind === "package" ? obtained.folder : `the library in ${basename(obtained.paths.at(-1) ?? "")}`;
}

/** The folder of the package is linked, not its files, as a library looks for others beside its own folder. */
async function linkPackage(folder: string, to: string): Promise<string> {
  await Deno.mkdir(to);
  await Deno.symlink(folder, join(to, "tensorflow"), { type: "dir" });
  return join(to, "tensorflow", libraryFiles()[0]!);
}
