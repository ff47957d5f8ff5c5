import { dirname, join } from "node:path";
import { DataError, type Progress } from "../../core/mod.ts";
import { libraryFiles } from "./find_library.ts";
import { untarEntries } from "./untar_entries.ts";
import { unzipEntries } from "./unzip_entries.ts";

/** What {@linkcode unpackLibrary} unpacks, and where. */
export interface UnpackOptions {
  /** Python wheels, or TensorFlow's archive for C (.zip or .tar.gz). */
  readonly archives: readonly string[];
  /** Folder to make. */
  readonly to: string;
  /** Operating system. @default {Deno.build.os} */
  readonly os?: typeof Deno.build.os;
  /** Told of the bytes that were unpacked. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Takes TensorFlow's libraries, and CUDA's where they are there, out of archives, and nothing else. The folder is laid
 * out as Python's site-packages, as wheels are: TensorFlow's libraries look for CUDA's in `$ORIGIN/../nvidia/<name>/lib`.
 *
 * Source: openxla/xla, `cuda_rpath_flags`, for where they look.
 *
 * @param options Archives and folder.
 * @returns Path of the library with the C API.
 * @throws {DataError} If an archive is broken, or the library is in none.
 */
export async function unpackLibrary(options: UnpackOptions): Promise<string> {
  const { archives, to, os = Deno.build.os, onProgress } = options;
  const made = new Set<string>();
  for (const archive of archives) {
    const there = await Deno.stat(archive).then(({ isFile }) => isFile, () => false);
    if (!there) throw new DataError(`Cannot unpack "${archive}" as there is no such file: check the path`);
    const unpack = archive.endsWith(".tar.gz") ? untarEntries : unzipEntries;
    await unpack(archive, {
      to: (entry) => {
        const place = placeOf(entry, os);
        if (place === undefined || made.has(place)) return undefined;
        made.add(place);
        Deno.mkdirSync(dirname(join(to, place)), { recursive: true });
        return join(to, place);
      },
      onProgress: (done, total) => onProgress?.({ label: `unpack ${archive.split(/[\\/]/).at(-1)}`, done, total }),
    });
  }
  const file = libraryFiles(os).find((name) => made.has(`tensorflow/${name}`));
  if (file !== undefined) return join(to, "tensorflow", file);
  const names = archives.map((archive) => `"${archive}"`).join(", ");
  throw new DataError(`Cannot find ${libraryFiles(os).join(" or ")} in ${names}: use TensorFlow's for this system`);
}

/** A wheel's own libraries stay where they are. */
const WHEEL = /^(tensorflow\/(libtensorflow_(cc|framework)\.[^/]+)|nvidia\/\w+\/lib\/[^/]+\.so[^/]*)$/;

/** The library's file in an archive for C is named by its full version, "libtensorflow.so.2.18.0", with links to it. */
const ARCHIVE: Partial<Readonly<Record<typeof Deno.build.os, RegExp>>> = {
  linux: /^lib\/(libtensorflow(?:_framework)?\.so\.2)(?:\.[\d.]+)?$/,
  darwin: /^lib\/(libtensorflow(?:_framework)?\.2)[\d.]*(\.dylib)$/,
  windows: /^lib\/(tensorflow\.dll)$/,
};

/** Where an entry goes below the folder; undefined for what is not needed. */
function placeOf(entry: string, os: typeof Deno.build.os): string | undefined {
  const name = entry.replace(/^\.\//, "");
  if (WHEEL.test(name)) return name;
  const [, base, extension = ""] = name.match(ARCHIVE[os] ?? /$^/) ?? [];
  return base === undefined ? undefined : `tensorflow/${base}${extension}`;
}
