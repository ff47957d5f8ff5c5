/**
 * The errors that a person can cause and mend. Their message is one line: what was expected, what came, what to do.
 * Everything else that is thrown is a bug.
 */
export class UserError extends Error {
  /** Exit status of a command that ends with this error: 2 for wrong usage, 1 for wrong data or state. */
  readonly exitCode: 1 | 2 = 1;
  /** Name of the type, as it is told to people. */
  override name = "UserError";
}

/** A flag, key or value that cannot be used as given. */
export class UsageError extends UserError {
  /** Wrong usage. */
  override readonly exitCode = 2;
  /** Name of the type, as it is told to people. */
  override name = "UsageError";
}

/** A data file that is missing, cut short, or not of the expected format. */
export class DataError extends UserError {
  /** Name of the type, as it is told to people. */
  override name = "DataError";
}

/** A file whose content is not the one that was promised. */
export class ChecksumError extends UserError {
  /** Name of the type, as it is told to people. */
  override name = "ChecksumError";
  /**
   * Says what was found in place of what.
   *
   * @param path The file.
   * @param expected SHA-256 (hex) that was promised.
   * @param actual SHA-256 (hex) that was found.
   * @param advice What to do.
   */
  constructor(readonly path: string, readonly expected: string, readonly actual: string, advice: string) {
    super(`Cannot use "${path}" as its SHA-256 is ${actual} where ${expected} was expected: ${advice}`);
  }
}

/** A weights or checkpoint file that cannot be read as such. */
export class CheckpointError extends UserError {
  /** Name of the type, as it is told to people. */
  override name = "CheckpointError";
}

/** A run folder or an experiment that does not fit what was asked. */
export class ExperimentError extends UserError {
  /** Name of the type, as it is told to people. */
  override name = "ExperimentError";
}

/** Training whose loss is no longer finite. */
export class DivergedError extends UserError {
  /** Name of the type, as it is told to people. */
  override name = "DivergedError";
  /**
   * Says where training left the finite numbers.
   *
   * @param step Step (from 0) at which it happened.
   * @param term The first term that was not finite.
   * @param value What it was.
   */
  constructor(readonly step: number, readonly term: string, value: number) {
    super(
      `Cannot go on training as the term "${term}" is ${value} at step ${step}: lower the learning rate or its weight`,
    );
  }
}
