import { dirname, join } from "node:path";
import { DataError, type Progress, writeError } from "../../core/mod.ts";
import { createLibtensorflowEngine } from "./create_libtensorflow_engine.ts";
import { libraryFile } from "./find_library.ts";
import { selfTest } from "./self_test.ts";
import { unzipEntries } from "./unzip_entries.ts";

/** What {@linkcode installLibrary} needs to know. */
export interface InstallLibraryOptions {
  /** A Python wheel of TensorFlow for this system. */
  readonly wheel: string;
  /** Folder to make; it gets its name when all is in it and works. */
  readonly folder: string;
  /** Told of the bytes that were unpacked. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Takes the two TensorFlow libraries out of a wheel into a folder of their own, tries them, and only then gives the
 * folder its name.
 *
 * @param options Wheel and folder.
 * @returns Path of `libtensorflow_cc` and the device that it found.
 * @throws {DataError} If the wheel is broken, made for another system, or its library does not work here.
 */
export async function installLibrary(
  { wheel, folder, onProgress }: InstallLibraryOptions,
): Promise<{ readonly path: string; readonly device: string }> {
  const files = [libraryFile(Deno.build.os, "cc"), libraryFile(Deno.build.os, "framework")];
  const [main] = files;
  if (main === undefined) throw new DataError(`Cannot use TensorFlow's library on ${Deno.build.os}: use onnxruntime`);
  await Deno.mkdir(dirname(folder), { recursive: true });
  const temporary = `${folder}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  await Deno.mkdir(temporary);
  try {
    await unzipEntries(wheel, {
      to: Object.fromEntries(files.map((file) => [`tensorflow/${file}`, join(temporary, file!)])),
      onProgress: (done, total) => onProgress?.({ label: "unpack TensorFlow", done, total }),
    });
    const device = await tried(join(temporary, main));
    await Deno.remove(folder, { recursive: true }).catch(() => {}); // left over from an earlier, broken installation
    await Deno.rename(temporary, folder);
    return { path: join(folder, main), device };
  } catch (error) {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
    throw writeError(error, temporary);
  }
}

/** The device that a library runs on. */
async function tried(path: string): Promise<string> {
  const engine = await createLibtensorflowEngine(path).catch((error: Error) => {
    throw new DataError(`Cannot use the unpacked TensorFlow library: ${error.message}`);
  });
  const wrong = await selfTest(engine);
  await engine[Symbol.asyncDispose]();
  if (wrong !== undefined) throw new DataError(`Cannot use the unpacked TensorFlow library: ${wrong}`);
  return engine.device;
}
