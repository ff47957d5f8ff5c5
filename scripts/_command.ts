import { parseArgs } from "@std/cli/parse-args";
import { UsageError, UserError } from "../mod.ts";

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
}

/**
 * Runs a command and ends the process: exit status 0, 1 for data or state that do not fit, 2 for wrong usage. A
 * person's mistake is told in one line; anything else is a bug and comes with its stack.
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
        `Cannot run ${command.name} with ${args.length} arguments: write "deno task ${command.name} ${
          command.usage ?? ""
        }"`,
      );
    }
    const result = await command.main({ args, flags: flags as CommandContext<F>["flags"], json: Boolean(json) });
    if (json) console.log(JSON.stringify(result, null, 2));
    Deno.exit(0);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`${error.name}: ${error.message}`);
    Deno.exit(error.exitCode);
  }
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

function helpText<F extends Readonly<Record<string, Flag>>>({ name, usage, about, flags }: Command<F>): string {
  const all: Readonly<Record<string, Flag>> = {
    ...flags,
    json: { help: "print one JSON document on standard output, progress on standard error" },
    help: { help: "print this" },
  };
  const heads = Object.entries(all).map(([key, { value }]) => value === undefined ? `--${key}` : `--${key} ${value}`);
  const width = Math.max(...heads.map((head) => head.length));
  const lines = Object.values(all).map(({ help }, index) => `  ${heads[index]!.padEnd(width)}  ${help}`);
  return [about, "", `Usage: deno task ${name} ${usage ? `${usage} ` : ""}[flags]`, "", ...lines].join("\n");
}
