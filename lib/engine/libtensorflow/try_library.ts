import { DataError } from "../../core/mod.ts";
import { createLibtensorflowEngine } from "./create_libtensorflow_engine.ts";
import { selfTest } from "./self_test.ts";

/** What the process that tries a library prints. */
type Outcome = { readonly device: string } | { readonly wrong: string };

/**
 * Finds out whether a library works, in a process of its own: one that is made for another processor ends its process,
 * and a process that has loaded one library cannot load another reliably.
 *
 * @param path Path of `libtensorflow_cc` or `libtensorflow`.
 * @param signal Ends it.
 * @returns The device that it found.
 * @throws {DataError} If it cannot be loaded or gives wrong numbers; the message is a clause that says no more.
 */
export async function tryLibrary(path: string, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const permissions = ["--no-prompt", "--allow-read", "--allow-ffi", "--allow-env=TF_CPP_MIN_LOG_LEVEL"];
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...permissions, import.meta.url, path],
    env: { TF_CPP_MIN_LOG_LEVEL: "0" }, // what it says before it ends may be the reason
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(signal ? { signal } : {}),
  });
  const { stdout, stderr, signal: ended, code } = await command.output();
  signal?.throwIfAborted();
  const lastLine = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim().split("\n").at(-1)!;
  const outcome = outcomeOf(lastLine(stdout));
  if (outcome !== undefined && "device" in outcome) return outcome.device;
  const last = lastLine(stderr);
  throw new DataError(outcome?.wrong ?? `its process ended with ${ended ?? code}${last ? ` (${last})` : ""}`);
}

function outcomeOf(line: string): Outcome | undefined {
  try {
    return JSON.parse(line) as Outcome;
  } catch {
    return undefined; // it ended before it could print
  }
}

async function attempt(path: string): Promise<Outcome> {
  try {
    await using engine = await createLibtensorflowEngine(path);
    const wrong = await selfTest(engine);
    return wrong === undefined ? { device: engine.device } : { wrong };
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

if (import.meta.main) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(await attempt(Deno.args[0]!))}\n`));
  Deno.exit();
}
