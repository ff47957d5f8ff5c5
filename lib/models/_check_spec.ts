import { UsageError } from "../core/mod.ts";
import { ACTIVATIONS } from "./_layers.ts";
import { nearest } from "./_nearest.ts";
import type { NetworkShape, NetworkSpec } from "./network_spec.ts";

/**
 * Refuses a spec, which may come from a file, with fields that its kind does not have, and what all kinds share.
 *
 * @param spec The spec.
 * @param fields Every field of its kind.
 * @param shape What the network is made for.
 * @param minSide Least height and width of an image.
 * @throws {UsageError} If something cannot be used.
 */
export function checkSpec<S extends NetworkSpec & { readonly kind: string }>(
  spec: S,
  fields: Readonly<Record<keyof S & string, true>>,
  { classes, inputShape }: NetworkShape,
  minSide: number,
): void {
  for (const field of Object.keys(spec)) {
    if (Object.hasOwn(fields, field)) continue;
    const known = Object.keys(fields);
    const hint = nearest(field, known);
    throw unusable(spec, field, hint ? `did you mean "${hint}"?` : `its fields are ${known.join(", ")}`);
  }
  if (!Number.isInteger(classes) || classes < 2) {
    throw new UsageError(
      `Cannot make the model "${spec.kind}" for ${classes} classes: it needs an integer of 2 or more`,
    );
  }
  if (inputShape.length !== 3 || !inputShape.every(isCount)) {
    throw new UsageError(
      `Cannot make the model "${spec.kind}" for images of shape [${inputShape}]: it needs [height, width, channels]`,
    );
  }
  const [height, width, channels] = inputShape;
  if (Math.min(height, width) < minSide) {
    throw new UsageError(
      `Cannot make the model "${spec.kind}" for images of ${height}x${width} pixels: ` +
        `it needs at least ${minSide}x${minSide}; use larger images or "mlp"`,
    );
  }
  if (spec.activation !== undefined && !Object.hasOwn(ACTIVATIONS, spec.activation)) {
    throw unusable(spec, "activation", `use one of ${Object.keys(ACTIVATIONS).join(", ")}`);
  }
  if (spec.mean !== undefined && !isPerChannel(spec.mean, channels, -Infinity)) {
    throw unusable(spec, "mean", `it needs ${channels} numbers, one per channel`);
  }
  if (spec.std !== undefined && !isPerChannel(spec.std, channels, 0)) {
    throw unusable(spec, "std", `it needs ${channels} positive numbers, one per channel`);
  }
}

/** The error of a field that cannot be used, with what to do. */
export function unusable<S extends { readonly kind: string }>(
  spec: S,
  field: string,
  advice: string,
): UsageError {
  return new UsageError(
    `Cannot make the model "${spec.kind}" with ${field} = ${JSON.stringify(spec[field as keyof S])}: ${advice}`,
  );
}

/** Whether a value is an integer of 1 or more. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isPerChannel(values: unknown, channels: number, above: number): boolean {
  return Array.isArray(values) && values.length === channels &&
    values.every((value) => Number.isFinite(value) && value > above);
}
