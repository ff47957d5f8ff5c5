import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as {
  readonly tasks: Readonly<Record<string, { readonly command: string; readonly description: string }>>;
};

/** Names of the tasks that are a script of ours. */
export const SCRIPT_TASKS: readonly string[] = Object.keys(tasks).filter((name) =>
  tasks[name]!.command.startsWith("deno run ")
);

/**
 * The command line of a task as deno.json has it, permissions included, with the script's path made absolute: so it can
 * run in a folder of its own.
 */
export function taskArgs(name: string): string[] {
  const [deno, run, ...args] = tasks[name]!.command.split(" ");
  if (deno !== "deno" || run !== "run") throw new Error(`the task "${name}" is no "deno run"`);
  const own = args.map((arg) => arg.startsWith("scripts/") ? `${ROOT}${arg}` : arg);
  return ["run", "--quiet", "--config", `${ROOT}deno.json`, ...own];
}

/** Starts a task in a folder. */
export function startTask(folder: string, name: string, ...args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...taskArgs(name), ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a task left. */
export interface TaskResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a task in a folder to its end. */
export async function runTask(folder: string, name: string, ...args: readonly string[]): Promise<TaskResult> {
  return await resultOf(startTask(folder, name, ...args));
}

/** Waits for the end of a task. */
export async function resultOf(child: Deno.ChildProcess): Promise<TaskResult> {
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** Runs a body with a folder that is removed afterwards. */
export async function inTempFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file without times, which are never the same: of the page also without what the manifest says. */
function withoutTimes(name: string, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (name !== "cost.csv" && name !== "report.html") return bytes;
  const text = new TextDecoder().decode(bytes);
  const timeless = name === "cost.csv" ? text.replaceAll(/(,\d+),[^,\n]*,[^,\n]*\n/g, "$1\n") : text.replaceAll(
    /<h2>Cost<\/h2>[\s\S]*?<\/table>|<dl class="made">[\s\S]*?<\/dl>|<table class="facts">[\s\S]*?<\/table>/g,
    "",
  );
  return new TextEncoder().encode(timeless);
}

/** Every file below a folder, with a digest of its bytes. */
export async function filesIn(folder: string, prefix = ""): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...Object.entries(await filesIn(path, `${prefix}${name}/`)));
    else {
      const digest = await crypto.subtle.digest("SHA-256", withoutTimes(name, await Deno.readFile(path)));
      found.push([prefix + name, new Uint8Array(digest).toHex()]);
    }
  }
  return Object.fromEntries(found.sort(([a], [b]) => a < b ? -1 : 1));
}
