/**
 * A stand-in for `jsr:@std/cli/parse-args`: flags of a command line, in the tradition of minimist.
 *
 * @module
 */

/** What {@linkcode parseArgs} takes. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  D extends Readonly<Record<string, unknown>> = Readonly<Record<string, unknown>>,
> {
  /** Put what stands after `--` under that name instead of into `_`. */
  "--"?: boolean;
  /** Other names of flags. */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Flags that take no value (false where absent); `true` for every `--flag` without an equal sign. */
  boolean?: boolean | B | readonly B[];
  /** Values of flags that are absent. */
  default?: D;
  /** Put everything after the first argument that is no flag into `_`. */
  stopEarly?: boolean;
  /** Flags whose value stays a text. */
  string?: S | readonly S[];
  /** Flags that may be repeated; their values are gathered in an array. */
  collect?: C | readonly C[];
  /** Flags that `--no-flag` sets to false. */
  negatable?: string | readonly string[];
  /** Called for every argument that the other options do not name; where it returns false the argument is left out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What {@linkcode parseArgs} returns: a field per flag, and the rest in `_`. */
export type Args<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  D extends Readonly<Record<string, unknown>> = Record<never, never>,
> =
  & Record<string, unknown>
  & { [K in Exclude<B, C>]: boolean | (K extends keyof D ? D[K] : never) }
  & { [K in Exclude<S, C> & keyof D]: string | D[K] }
  & { [K in Exclude<S, C | keyof D>]?: string }
  & { [K in C]: K extends S ? string[] : K extends B ? boolean[] : unknown[] }
  & {
    /** Arguments that belong to no flag. */
    _: (string | number)[];
    /** Arguments after `--`, where asked for. */
    "--"?: string[];
  };

/**
 * Reads the arguments of a command line.
 *
 * @param args The arguments, as in `Deno.args`.
 * @param options How flags are to be read.
 * @returns The values of the flags.
 */
export function parseArgs<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  const D extends Readonly<Record<string, unknown>> = Record<never, never>,
>(args: readonly string[], options: ParseOptions<B, S, C, D> = {}): Args<B, S, C, D> {
  const others = aliases(options.alias ?? {});
  const named = (names: string | readonly string[] | undefined) =>
    new Set([names ?? []].flat().flatMap((name) => [name, ...others.get(name) ?? []]));
  const everyBoolean = options.boolean === true;
  const booleans = named(typeof options.boolean === "boolean" ? [] : options.boolean);
  const strings = named(options.string);
  const collected = named(options.collect);
  const negatable = named(options.negatable);
  const result: Record<string, unknown> = {};
  const rest: (string | number)[] = [];

  const assign = (key: string, value: unknown, gather: boolean) => {
    for (const name of [key, ...others.get(key) ?? []]) setField(result, name.split("."), value, gather);
  };
  const set = (key: string, value: string | boolean, arg: string, gather = true) => {
    const known = booleans.has(key) || strings.has(key) || others.has(key) || (everyBoolean && /^--[^=]+$/.test(arg));
    if (!known && options.unknown?.(arg, key, value) === false) return;
    const typed = typeof value === "string" && !strings.has(key) && isNumeric(value) ? Number(value) : value;
    assign(key, typed, gather && collected.has(key));
  };
  const bare = (key: string) => strings.has(key) ? "" : true;

  const dashes = args.indexOf("--");
  const before = dashes < 0 ? args : args.slice(0, dashes);
  const after = dashes < 0 ? [] : args.slice(dashes + 1);
  for (let i = 0; i < before.length; i++) {
    const arg = before[i]!;
    const next = before[i + 1];
    const long = /^--(no-)?(.+?)(?:=(.+))?$/s.exec(arg);
    if (long) {
      const [, no, name = "", value] = long;
      if (value !== undefined) {
        const key = (no ?? "") + name;
        set(key, booleans.has(key) ? value !== "false" : value, arg);
      } else if (no !== undefined && negatable.has(name)) {
        set(name, false, arg, false);
      } else {
        const key = (no ?? "") + name;
        if (next && !booleans.has(key) && !everyBoolean && !next.startsWith("-")) {
          set(key, next, arg);
          i++;
        } else if (next === "true" || next === "false") {
          set(key, next === "true", arg);
          i++;
        } else set(key, bare(key), arg);
      }
    } else if (/^-[^-]/.test(arg)) {
      const last = setLetters(arg, set, bare);
      if (last === undefined) continue;
      if (next && !/^--?[^-]/.test(next) && !booleans.has(last)) {
        set(last, next, arg);
        i++;
      } else if (next === "true" || next === "false") {
        set(last, next === "true", arg);
        i++;
      } else set(last, bare(last), arg);
    } else {
      if (options.unknown?.(arg) !== false) rest.push(strings.has("_") || !isNumeric(arg) ? arg : Number(arg));
      if (options.stopEarly) {
        rest.push(...before.slice(i + 1));
        break;
      }
    }
  }

  for (const [key, value] of Object.entries(options.default ?? {})) {
    if (!hasField(result, key.split("."))) assign(key, value, false);
  }
  for (const key of booleans) {
    if (!hasField(result, key.split("."))) setField(result, key.split("."), collected.has(key) ? [] : false, false);
  }
  for (const key of strings) {
    if (collected.has(key) && !hasField(result, key.split("."))) setField(result, key.split("."), [], false);
  }
  if (options["--"]) result["--"] = [...after];
  else rest.push(...after);
  return { ...result, _: rest } as Args<B, S, C, D>;
}

/** Sets the letters of `-abc` but the last, which is returned; undefined where a letter took the rest as its value. */
function setLetters(
  arg: string,
  set: (key: string, value: string | boolean, arg: string) => void,
  bare: (key: string) => string | boolean,
): string | undefined {
  for (let j = 1; j < arg.length - 1; j++) {
    const letter = arg[j]!;
    const rest = arg.slice(j + 1);
    const isLetter = /[A-Za-z]/.test(letter);
    if (rest === "-") set(letter, rest, arg);
    else if (isLetter && /=./.test(rest)) return void set(letter, rest.slice(rest.indexOf("=") + 1), arg);
    else if (isLetter && /-?\d+(\.\d*)?(e-?\d+)?$/.test(rest)) return void set(letter, rest, arg);
    else if (/^\W/.test(rest) && rest.length > 1) return void set(letter, rest, arg);
    else set(letter, bare(letter), arg);
  }
  return arg.endsWith("-") ? undefined : arg.slice(-1);
}

function aliases(alias: Readonly<Record<string, string | readonly string[]>>): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  for (const [key, names] of Object.entries(alias)) {
    const group = [key, ...[names].flat()];
    for (const name of group) result.set(name, group.filter((other) => other !== name));
  }
  return result;
}

function isNumeric(text: string): boolean {
  return /^0x[0-9a-f]+$/i.test(text) || /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/.test(text);
}

function setField(target: Record<string, unknown>, keys: readonly string[], value: unknown, gather: boolean): void {
  const [key = "", ...deeper] = keys;
  if (deeper.length > 0) {
    setField((target[key] ??= {}) as Record<string, unknown>, deeper, value, gather);
    return;
  }
  const old = target[key];
  target[key] = !gather ? value : Array.isArray(old) ? [...old, value] : old ? [old, value] : [value];
}

function hasField(target: unknown, keys: readonly string[]): boolean {
  const [key, ...deeper] = keys;
  if (key === undefined) return true;
  return typeof target === "object" && target !== null && Object.hasOwn(target, key) &&
    hasField(Reflect.get(target, key), deeper);
}
