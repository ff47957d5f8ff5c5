import { TENSORFLOW_VERSION } from "./find_library.ts";
import type { IndexFile } from "./read_index_page.ts";
import type { TensorflowWheel } from "./tensorflow_wheel.ts";

/**
 * Chooses the wheel of TensorFlow for a system by its file name. Which Python it is for makes no difference to the
 * library in it; of several, the one for the newest CPython is taken.
 *
 * Source: PyPA, "Binary distribution format": `name-version(-build)?-python-abi-platform.whl`, tags joined by dots.
 *
 * @param files What an index has.
 * @param wheel The wheel that is wanted.
 * @returns The file; undefined where there is none.
 */
export function chooseWheel(files: readonly IndexFile[], { name, platform }: TensorflowWheel): IndexFile | undefined {
  const fitting = files.flatMap((file) => {
    if (!file.name.endsWith(".whl")) return [];
    const parts = file.name.slice(0, -".whl".length).split("-");
    const [python, , platforms] = parts.slice(-3);
    const right = (parts.length === 5 || parts.length === 6) && normal(parts[0]!) === normal(name) &&
      parts[1] === TENSORFLOW_VERSION && platforms!.split(".").some((tag) => platform.test(tag));
    return right ? [{ file, minor: Number(python!.match(/\bcp3(\d+)/)?.[1] ?? -1) }] : [];
  });
  return fitting.sort((a, b) => b.minor - a.minor)[0]?.file;
}

/** Source: PEP 503, "Normalized names". */
function normal(name: string): string {
  return name.replaceAll(/[-_.]+/g, "-").toLowerCase();
}
