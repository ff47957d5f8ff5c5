/** Shows many runs at once on standard error. */
export interface StatusLines {
  /** Says what a run does; where there is no terminal, a line is written if that is new. */
  readonly set: (name: string, status: string) => void;
  /** Leaves the lines as they are. */
  readonly end: () => void;
}

/**
 * One line per run: drawn again in place on a terminal, else a line for each change.
 *
 * @param names Names of the runs, in the order of their lines.
 */
export function createStatusLines(names: readonly string[]): StatusLines {
  const terminal = Deno.stderr.isTerminal();
  const write = (text: string) => void Deno.stderr.writeSync(new TextEncoder().encode(text));
  const width = Math.max(0, ...names.map((name) => name.length));
  const states = new Map(names.map((name) => [name, "waiting"]));
  let drawn = 0;
  const draw = () => {
    const { columns, rows } = Deno.consoleSize();
    const all = [...states];
    // Where the terminal is lower than the list, those that are waiting or done are counted.
    const shown = all.length < rows
      ? all
      : all.filter(([, state]) => state !== "waiting" && !state.startsWith("finished"));
    const lines = shown.slice(0, rows - 2).map(([name, state]) =>
      `${name.padEnd(width)}  ${state}`.slice(0, columns - 1)
    );
    if (shown.length < all.length) {
      lines.push(`and ${all.length - shown.length} waiting or finished`.slice(0, columns - 1));
    }
    write(`${drawn > 0 ? `\x1b[${drawn}A` : ""}\x1b[J${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  return {
    set: (name, status) => {
      if (states.get(name) === status) return;
      states.set(name, status);
      if (terminal) draw();
      else write(`${name}: ${status}\n`);
    },
    end: () => {
      drawn = 0;
    },
  };
}
