/** How far some long work has come: what a progress bar draws. */
export interface Progress {
  /** What is being done: "train kdiga", "pgd-20 at 8/255". */
  readonly label: string;
  /** Units done so far. */
  readonly done: number;
  /** Units in all. */
  readonly total: number;
  /** What is being done just now, for people: "loss 0.812". */
  readonly detail?: string;
}

/**
 * The time that is left at the mean speed so far: elapsed * (total - done) / done.
 *
 * @param startMs When the work began, in ms.
 * @param nowMs The present, in ms.
 * @param done Units done since `startMs`.
 * @param total Units in all.
 * @returns Seconds left; 0 where all is done; undefined where nothing is done yet, as no speed is known.
 */
export function eta(startMs: number, nowMs: number, done: number, total: number): number | undefined {
  if (done >= total) return 0;
  if (done <= 0) return undefined;
  return Math.max(0, nowMs - startMs) / 1000 * (total - done) / done;
}

/**
 * A duration for people: "0:07", "12:34", "1:02:03".
 *
 * @param seconds Duration in seconds, rounded to whole ones; undefined or not finite is "-:--".
 * @returns The text.
 */
export function formatDuration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return "-:--";
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
