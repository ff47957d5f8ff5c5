import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** A task of deno.json as a command for a child process, with the permissions of the task and in this folder. */
export async function taskCommand(
  name: string,
  args: readonly string[],
  options: Deno.CommandOptions,
): Promise<Deno.Command> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as {
    readonly tasks: Readonly<Record<string, { readonly command: string }>>;
  };
  const own = tasks[name]!.command.split(" ").slice(2).map((arg) => arg.startsWith("scripts/") ? ROOT + arg : arg);
  return new Deno.Command(Deno.execPath(), {
    ...options,
    args: ["run", "--quiet", "--config", `${ROOT}deno.json`, ...own, ...args],
  });
}
