/**
 * A stand-in for `jsr:@std/csv`: {@linkcode parse} and {@linkcode stringify} over `npm:d3-dsv`.
 *
 * @module
 */
// @ts-types="./_d3_dsv.d.ts"
import { dsvFormat } from "d3-dsv";

/** What {@linkcode parse} takes. */
export interface ParseOptions {
  /** Character between fields, "," by default. */
  readonly separator?: string;
  /** Leave out the first line; where no `columns` are given it names them. */
  readonly skipFirstRow?: boolean;
  /** Names of the columns. */
  readonly columns?: readonly string[];
}

/** Rows as objects where columns are named, else as arrays. */
export type ParseResult<T extends ParseOptions> = T extends { readonly columns: readonly (infer C extends string)[] }
  ? Record<C, string>[]
  : T extends { readonly skipFirstRow: true } ? Record<string, string>[]
  : string[][];

/** A column of {@linkcode stringify}: a field, a path of fields, or either with a name of its own. */
export type Column = ColumnDetails | PropertyAccessor | readonly PropertyAccessor[];

/** The name of a field, or the index of an element. */
export type PropertyAccessor = number | string;

/** A column with a name of its own. */
export interface ColumnDetails {
  /** Name; the last part of `prop` where omitted. */
  readonly header?: string;
  /** Where the value is in an item. */
  readonly prop: PropertyAccessor | readonly PropertyAccessor[];
}

/** A row of {@linkcode stringify}. */
export type DataItem = Readonly<Record<string, unknown>> | readonly unknown[];

/** What {@linkcode stringify} takes. */
export interface StringifyOptions {
  /** Whether to write the names of the columns; true by default. */
  readonly headers?: boolean;
  /** Character between fields, "," by default. */
  readonly separator?: string;
  /** The columns; needed where items are objects. */
  readonly columns?: readonly Column[];
}

/**
 * Reads CSV text. Empty lines are skipped.
 *
 * @param input The text.
 * @returns A row of fields per line.
 * @throws {SyntaxError} If a quote is not closed.
 */
export function parse(input: string): string[][];
/**
 * Reads CSV text. Empty lines are skipped.
 *
 * @param input The text.
 * @param options Separator and names of columns.
 * @returns An object per line where columns are named, else a row of fields.
 * @throws {SyntaxError} If a quote is not closed.
 * @throws {Error} If a line has more or fewer fields than there are columns.
 */
export function parse<const T extends ParseOptions>(input: string, options: T): ParseResult<T>;
export function parse(input: string, options: ParseOptions = {}): string[][] | Record<string, string>[] {
  if ((input.match(/"/g)?.length ?? 0) % 2 !== 0) throw new SyntaxError(`record has an unclosed " in a quoted field`);
  const rows = dsvFormat(options.separator ?? ",").parseRows(input.replace(/^\ufeff/, ""))
    .filter((row) => row.length > 1 || row[0] !== "");
  if (!options.skipFirstRow && options.columns === undefined) return rows;
  const first = options.skipFirstRow ? rows.shift() : [];
  if (first === undefined) throw new TypeError("Headers must be defined");
  const columns = options.columns ?? first;
  return rows.map((row, i) => {
    if (row.length !== columns.length) {
      throw new Error(
        `Syntax error on line ${i + 1 + (options.skipFirstRow ? 1 : 0)}: The record has ${row.length} fields, ` +
          `but the header has ${columns.length} fields`,
      );
    }
    return Object.fromEntries(columns.map((column, k) => [column, row[k]!]));
  });
}

/**
 * Writes CSV text.
 *
 * @param data Rows: objects with `columns`, or arrays.
 * @param options Columns, separator, whether to name the columns.
 * @returns Lines ending in "\r\n".
 * @throws {TypeError} If an item is an object and no columns are given.
 */
export function stringify(data: readonly DataItem[], options: StringifyOptions = {}): string {
  const { headers = true, separator = ",", columns = [] } = options;
  const paths = columns.map(pathOf);
  const names = columns.map((column, i) =>
    typeof column === "object" && "header" in column && column.header !== undefined
      ? column.header
      : String(paths[i]!.at(-1))
  );
  const rows = data.map((item) => {
    if (paths.length > 0) return paths.map((path) => text(path.reduce(valueOf, item)));
    if (!Array.isArray(item)) throw new TypeError("No property accessor function was provided for object");
    return item.map(text);
  });
  const { formatRow } = dsvFormat(separator);
  return (headers ? [names, ...rows] : rows).map((row) => `${formatRow(row)}\r\n`).join("");
}

function pathOf(column: Column): readonly PropertyAccessor[] {
  const prop = typeof column === "object" && "prop" in column ? column.prop : column;
  return typeof prop === "object" ? prop : [prop];
}

function valueOf(value: unknown, key: PropertyAccessor): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : value;
}

function text(value: unknown): string {
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
