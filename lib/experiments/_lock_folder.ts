import type { Progress } from "../core/mod.ts";
import { makeFolder, removeIfExists } from "./_files.ts";

/** The file that a process holds while it works in a run folder. */
export const LOCK_FILE = ".lock";

/** Milliseconds between two looks at a lock that another process holds. */
const INTERVAL = 500;

/**
 * Takes a folder for this process, and waits while another one has it. The system lets go of what a killed process held.
 *
 * @param path The folder; it is made where it is not there.
 * @returns What gives it back.
 */
export async function* lockFolder(
  path: string,
): AsyncGenerator<{ readonly kind: "progress" } & Progress, () => Promise<void>, void> {
  await makeFolder(path);
  const name = `${path}/${LOCK_FILE}`;
  for (;;) {
    const file = await Deno.open(name, { create: true, write: true });
    // The one before may have removed the file after it was opened here: then this lock keeps nobody out.
    if (await file.tryLock(true) && await isAt(file, name)) {
      return async () => {
        await removeIfExists(name);
        file.close();
      };
    }
    file.close();
    yield { kind: "progress", label: `wait for another process in ${path}`, done: 0, total: 1 };
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
}

async function isAt(file: Deno.FsFile, name: string): Promise<boolean> {
  const [open, found] = await Promise.all([file.stat(), Deno.stat(name).catch(() => undefined)]);
  return found !== undefined && open.ino === found.ino;
}
