/**
 * A stand-in for `jsr:@std/cli/unstable-progress-bar`.
 *
 * @module
 */

/** What a formatter of a {@linkcode ProgressBar} is given. */
export interface ProgressBarFormatter {
  /** Time since the start as `mm:ss`. */
  readonly styledTime: string;
  /** Value and maximum in units of bytes: `0.40/97.66 KiB`. */
  readonly styledData: (fractions?: number) => string;
  /** The bar: `###-------`. */
  readonly progressBar: string;
  /** Time since the start, in ms. */
  readonly time: number;
  /** `time` of the last drawing. */
  readonly previousTime: number;
  /** Present value. */
  readonly value: number;
  /** `value` of the last drawing. */
  readonly previousValue: number;
  /** Value at the end. */
  readonly max: number;
}

/** What the constructor of a {@linkcode ProgressBar} takes. */
export interface ProgressBarOptions {
  /** Where the bar is drawn; standard error by default. */
  readonly writable?: WritableStream<Uint8Array>;
  /** Value at the start, 0 by default. */
  readonly value?: number;
  /** Value at the end. */
  readonly max: number;
  /** Length of the bar in characters, 50 by default. */
  readonly barLength?: number;
  /** Character of what is done, "#" by default. */
  readonly fillChar?: string;
  /** Character of what is left, "-" by default. */
  readonly emptyChar?: string;
  /** Whether to remove the bar at the end; false by default. */
  readonly clear?: boolean;
  /** How the line is made; `[mm:ss] [###-------] [0.40/97.66 KiB]` by default. */
  readonly formatter?: (formatter: ProgressBarFormatter) => string;
  /** Whether `writable` is left open at the end; true by default. */
  readonly keepOpen?: boolean;
  /** Time between drawings in ms, 1000 by default. */
  readonly refreshMilliseconds?: number;
}

const LINE_CLEAR = "\r\x1b[K";
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A progress bar that redraws itself while its `value` is set; `await stop()` ends it. */
export class ProgressBar {
  /** Present value. */
  value: number;
  /** Value at the end. */
  max: number;
  readonly #options: ProgressBarOptions;
  readonly #start = Date.now();
  readonly #writer: WritableStreamDefaultWriter<string>;
  readonly #piped: Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;
  #previousTime = 0;
  #previousValue: number;

  /**
   * Draws the bar for the first time.
   *
   * @param options The value at the end, and how to draw.
   */
  constructor(options: ProgressBarOptions) {
    this.#options = options;
    this.value = this.#previousValue = options.value ?? 0;
    this.max = options.max;
    const encoder = new TextEncoderStream();
    this.#writer = encoder.writable.getWriter();
    this.#timer = setInterval(() => this.#draw(), options.refreshMilliseconds ?? 1000);
    this.#piped = encoder.readable.pipeTo(options.writable ?? Deno.stderr.writable, {
      preventClose: options.keepOpen ?? true,
    }).catch(() => clearInterval(this.#timer));
    this.#draw();
  }

  /** Draws the bar for the last time, or removes it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    try {
      if (this.#options.clear) await this.#writer.write(LINE_CLEAR);
      else {
        await this.#draw();
        await this.#writer.write("\n");
      }
      await this.#writer.close();
      await this.#piped;
    } catch {
      // A closed terminal must not end the work that the bar is about.
    }
  }

  async #draw(): Promise<void> {
    const { barLength = 50, fillChar = "#", emptyChar = "-", formatter = line } = this.#options;
    const { value, max } = this;
    const time = Date.now() - this.#start;
    const filled = Math.trunc(Math.min(Math.max(value / max, 0), 1) * barLength) || 0;
    const text = formatter({
      styledTime: `${two(time / 60_000)}:${two(time / 1000 % 60)}`,
      styledData: (fractions = 2) => bytes(value, max, fractions),
      progressBar: fillChar.repeat(filled) + emptyChar.repeat(barLength - filled),
      time,
      previousTime: this.#previousTime,
      value,
      previousValue: this.#previousValue,
      max,
    });
    this.#previousTime = time;
    this.#previousValue = value;
    try {
      await this.#writer.write(LINE_CLEAR + text);
    } catch {
      // As in stop().
    }
  }
}

function line({ styledTime, progressBar, styledData }: ProgressBarFormatter): string {
  return `[${styledTime}] [${progressBar}] [${styledData()}]`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, "0");
}

function bytes(value: number, max: number, fractions: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, max)) / 10)));
  const inUnit = (amount: number) => (amount / 1024 ** power).toFixed(fractions);
  return `${inUnit(value)}/${inUnit(max)} ${UNITS[power]}`;
}
