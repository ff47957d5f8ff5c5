import { join } from "node:path";
import { permittedEnv } from "./_env.ts";

/** Where {@linkcode packageIndexes} looks; the defaults are those of this machine. */
export interface IndexPlaces {
  /** Reads an environment variable. @default {Deno.env.get, where it is permitted} */
  readonly env?: (name: string) => string | undefined;
  /** Operating system. @default {Deno.build.os} */
  readonly os?: typeof Deno.build.os;
  /** Reads a file; undefined where it cannot be. */
  readonly read?: (path: string) => string | undefined;
}

/** Variables of pip and uv that hold addresses. */
const VARIABLES = [
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
  "UV_DEFAULT_INDEX",
  "UV_INDEX",
  "UV_INDEX_URL",
  "UV_EXTRA_INDEX_URL",
];

/**
 * The Python package indexes that a machine is configured for: by the variables of pip and uv, then by pip's
 * configuration files (of the active environment, the user and the system). None is built in.
 *
 * Source: pip's documentation, "Configuration"; uv's, "Environment variables".
 *
 * @param places Environment, system and files.
 * @returns Their addresses, each once, the most specific first.
 */
export function packageIndexes(places: IndexPlaces = {}): string[] {
  const { env = permittedEnv, os = Deno.build.os, read = textOf } = places;
  const named = VARIABLES.flatMap((name) => wordsOf(env(name) ?? ""));
  const configured = configurationFiles(env, os).flatMap((path) => indexesIn(read(path) ?? ""));
  // uv writes an index as name=address.
  const all = [...named, ...configured].map((word) => word.replace(/^[\w.-]+=(?=\w+:)/, ""));
  return [...new Set(all)];
}

function configurationFiles(env: (name: string) => string | undefined, os: typeof Deno.build.os): string[] {
  const own = env("PIP_CONFIG_FILE");
  const home = env("HOME");
  const path = (root: string | undefined, ...names: string[]) => root ? [join(root, ...names)] : [];
  if (os === "windows") {
    return [...path(own), ...path(env("VIRTUAL_ENV"), "pip.ini"), ...path(env("APPDATA"), "pip", "pip.ini")];
  }
  const config = env("XDG_CONFIG_HOME") || home && join(home, ".config");
  const library = (root: string | undefined) =>
    os === "darwin" && root !== undefined ? [join(root, "Library", "Application Support", "pip", "pip.conf")] : [];
  return [
    ...path(own),
    ...path(env("VIRTUAL_ENV"), "pip.conf"),
    ...library(home),
    ...path(config, "pip", "pip.conf"),
    ...path(home, ".pip", "pip.conf"),
    ...library("/"),
    ...(env("XDG_CONFIG_DIRS") || "/etc/xdg").split(":").flatMap((root) => path(root, "pip", "pip.conf")),
    "/etc/pip.conf",
  ];
}

/** The addresses in a configuration file of pip: INI, where a value may go on in indented lines. */
function indexesIn(text: string): string[] {
  const found: string[] = [];
  let section = "";
  let key = "";
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const heading = line.match(/^\[(.*)\]/);
    if (heading) [section, key] = [heading[1]!.trim(), ""];
    const [, name, value] = /^\s/.test(line) ? [line, key, line] : line.match(/^([^=:]+?)\s*[=:](.*)$/) ?? [];
    if (name === undefined || value === undefined) continue;
    key = name;
    const counts = ["global", "install", "download"].includes(section) && /^(extra[-_])?index[-_]url$/.test(key);
    if (counts) found.push(...wordsOf(value));
  }
  return found;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // missing or not readable: it configures nothing
  }
}
