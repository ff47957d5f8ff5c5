/** How many tests passed and failed. */
export interface TestCounts {
  /** Tests that passed. */
  readonly passed: number;
  /** Tests that failed, and test files that could not be run. */
  readonly failed: number;
}

/**
 * Counts the tests of a run of `deno test`.
 *
 * @param output What it printed, without colours: its last summary counts, as tests may print others before it.
 * @param success Whether its exit status was 0.
 * @returns The counts; a run that failed without a failed test, or has no summary, counts as one failure.
 */
export function countsOf(output: string, success: boolean): TestCounts {
  const summary = [...output.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm)].at(-1);
  const [passed = 0, failed = 0] = summary?.slice(1).map(Number) ?? [];
  return { passed, failed: success && summary !== undefined ? failed : Math.max(1, failed) };
}
