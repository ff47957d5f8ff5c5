import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/**
 * Starts a task of deno.json as a child process, with the permissions of the task and in this folder. When the signal
 * aborts, it is told to stop as by Ctrl-C.
 */
export async function startTask(
  name: string,
  args: readonly string[],
  options: Deno.CommandOptions,
  signal: AbortSignal,
): Promise<Deno.ChildProcess> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as {
    readonly tasks: Readonly<Record<string, { readonly command: string }>>;
  };
  const own = tasks[name]!.command.split(" ").slice(2).map((arg) => arg.startsWith("scripts/") ? ROOT + arg : arg);
  const child = new Deno.Command(Deno.execPath(), {
    ...options,
    args: ["run", "--quiet", "--config", `${ROOT}deno.json`, ...own, ...args],
  }).spawn();
  const stop = () => {
    try {
      child.kill("SIGINT");
    } catch {
      // It has ended by itself.
    }
  };
  signal.addEventListener("abort", stop);
  void child.status.finally(() => signal.removeEventListener("abort", stop));
  return child;
}
