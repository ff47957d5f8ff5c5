import { parseArgs } from "@std/cli/parse-args";
import { DataError, UsageError, UserError } from "../mod.ts";

/** A flag of a command. */
export interface Flag {
  /** What follows the flag, for the help text: "PATH"; a flag without is on or off. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly many?: boolean;
  /** One line of help. */
  readonly help: string;
}

/** A command line program: how it is called and what it does. */
export interface Command<F extends Readonly<Record<string, Flag>>> {
  /** Name of its task. */
  readonly name: string;
  /** What it takes besides flags, for the help text: "<preset or file.json>". */
  readonly usage?: string;
  /** Fewest and most arguments besides flags. @default {[0, 0]} */
  readonly arity?: readonly [number, number];
  /** What it is for, in a line or two. */
  readonly about: string;
  /** Its flags; `help` and `json` are added. */
  readonly flags: F;
  /**
   * Whether it goes on where it was stopped when it is run again. At Ctrl-C or SIGTERM it is told by a signal, whose reason
   * it throws when nothing is under way.
   *
   * @default {false}
   */
  readonly resumable?: boolean;
  /** Does it. What it returns is printed with --json; it prints the rest itself unless `json` is set. */
  readonly main: (context: CommandContext<F>) => Promise<unknown>;
}

/** What a command gets. */
export interface CommandContext<F extends Readonly<Record<string, Flag>>> {
  /** Arguments besides flags. */
  readonly args: readonly string[];
  /** Flags that were given: texts, lists of texts where a flag may come several times, true for the others. */
  readonly flags: {
    readonly [K in keyof F]?: F[K]["many"] extends true ? readonly string[]
      : F[K]["value"] extends string ? string
      : true;
  };
  /** Whether a JSON document is asked for: then nothing else may go to standard output. */
  readonly json: boolean;
  /** Aborted at Ctrl-C, of a resumable command; a second Ctrl-C ends the process at once. */
  readonly signal: AbortSignal;
}

/**
 * Runs a command and ends the process: exit status 0 (or `Deno.exitCode`, where the command sets it), 1 for data or
 * state that do not fit, 2 for wrong usage. A person's mistake is told in one line; anything else is a bug and comes
 * with its stack.
 */
export async function runCommand<F extends Readonly<Record<string, Flag>>>(command: Command<F>): Promise<never> {
  try {
    const { _, help, json = false, ...flags } = parse(command);
    if (help) {
      console.log(helpText(command));
      Deno.exit(0);
    }
    const [least, most] = command.arity ?? [0, 0];
    const args = _.map(String);
    if (args.length < least || args.length > most) {
      throw new UsageError(
        `Cannot run ${command.name} with ${args.length} arguments: write "${usageOf(command)}"`,
      );
    }
    if (command.resumable) {
      Deno.addSignalListener("SIGINT", stop);
      // What Slurm and Kubernetes send before they end a process.
      if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
    }
    const context = { args, flags: flags as CommandContext<F>["flags"], json: Boolean(json), signal: stopping.signal };
    const result = await command.main(context);
    if (json) console.log(JSON.stringify(result, null, 2));
    Deno.exit();
  } catch (error) {
    if (stopping.signal.aborted && error === stopping.signal.reason) {
      const clear = Deno.stderr.isTerminal() ? "\r\x1b[K" : "";
      console.error(`${clear}stopped: run the same command again to go on`);
      Deno.exit(STOPPED);
    }
    const told = asUserError(error);
    if (!(told instanceof UserError)) throw error;
    console.error(`${told.name}: ${told.message}`);
    Deno.exit(told.exitCode);
  }
}

const stopping = new AbortController();
const STOPPED = 130;
let stoppedAt = 0;

/**
 * At Ctrl-C: a command ends between two steps, as a native library complains where it is ended within one. At another
 * Ctrl-C it ends at once, but not at the copies of the first that `deno task` hands on.
 */
function stop(): void {
  if (!stopping.signal.aborted) {
    stoppedAt = performance.now();
    stopping.abort();
  } else if (performance.now() - stoppedAt > 1000) Deno.exit(STOPPED);
}

/** What a person can mend though no part of the program foresaw it: a path that the system refuses. */
function asUserError(error: unknown): unknown {
  const refused = [Deno.errors.PermissionDenied, Deno.errors.NotADirectory, Deno.errors.IsADirectory];
  if (error instanceof Error && refused.some((type) => error instanceof type)) {
    return new DataError(`Cannot use a path as the system says "${error.message}": choose another one`);
  }
  return error;
}

function parse<F extends Readonly<Record<string, Flag>>>(
  { name, flags }: Command<F>,
): Record<string, unknown> & { _: unknown[] } {
  const keys = Object.keys(flags);
  const valued = keys.filter((key) => flags[key]!.value !== undefined);
  const parsed = parseArgs(Deno.args, {
    string: ["_", ...valued],
    boolean: ["help", "json", ...keys.filter((key) => flags[key]!.value === undefined)],
    collect: keys.filter((key) => flags[key]!.many),
    alias: { help: "h" },
    unknown: (argument, key) => {
      if (key === undefined) return true;
      const known = [...keys, "json", "help"].map((flag) => `--${flag}`).join(", ");
      throw new UsageError(
        `Cannot run ${name} with the flag "${argument}" as it is not known: known flags are ${known}`,
      );
    },
  }) as Record<string, unknown> & { _: unknown[] };
  const given: Record<string, unknown> & { _: unknown[] } = { _: parsed._, help: parsed.help, json: parsed.json };
  for (const key of keys) {
    const value = parsed[key];
    if (value === undefined || value === false || Array.isArray(value) && value.length === 0) continue;
    if ([value].flat().includes("")) {
      throw new UsageError(`Cannot run ${name} as --${key} has no value: write --${key} ${flags[key]!.value}`);
    }
    given[key] = value;
  }
  return given;
}

function usageOf({ name, usage }: { readonly name: string; readonly usage?: string }): string {
  return `deno task ${name} ${usage ? `${usage} ` : ""}[flags]`;
}

function helpText<F extends Readonly<Record<string, Flag>>>(command: Command<F>): string {
  const { about, flags } = command;
  const all: Readonly<Record<string, Flag>> = {
    ...flags,
    json: { help: "print one JSON document on standard output, progress on standard error" },
    help: { help: "print this" },
  };
  const heads = Object.entries(all).map(([key, { value }]) => value === undefined ? `--${key}` : `--${key} ${value}`);
  const width = Math.max(...heads.map((head) => head.length));
  const lines = Object.values(all).map(({ help }, index) => `  ${heads[index]!.padEnd(width)}  ${help}`);
  return [about, "", `Usage: ${usageOf(command)}`, "", ...lines].join("\n");
}
