let forbiddenBy: string | undefined;

/**
 * Runs a function in which no random number may be drawn: a draw inside a traced function would be kept as a constant
 * and come out the same at every call.
 *
 * @param by Name of the traced program, for the error message.
 * @param fn What to run (synchronous).
 * @returns What `fn` returns.
 */
export function withoutDraws<T>(by: string, fn: () => T): T {
  const before = forbiddenBy;
  const random = Math.random;
  forbiddenBy = by;
  Math.random = () => {
    assertDrawsAllowed();
    return random();
  };
  try {
    return fn();
  } finally {
    forbiddenBy = before;
    Math.random = random;
  }
}

/**
 * Refuses a random draw inside a traced function.
 *
 * @throws {TypeError} If called while {@linkcode withoutDraws} runs.
 */
export function assertDrawsAllowed(): void {
  if (forbiddenBy !== undefined) {
    throw new TypeError(
      `Cannot draw random numbers inside the traced program "${forbiddenBy}": draw them before the call and pass them in`,
    );
  }
}
