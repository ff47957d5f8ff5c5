/** The part of d3-dsv that is used here. */
export interface DsvFormat {
  /** Reads lines of fields. */
  parseRows(text: string): string[][];
  /** Writes one line of fields. */
  formatRow(row: readonly string[]): string;
}

/** A format whose fields are separated by the character. */
export function dsvFormat(separator: string): DsvFormat;
