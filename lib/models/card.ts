import { canonicalJson, CheckpointError } from "../core/mod.ts";
import type { ModelSpec } from "./spec.ts";

/** Version of the model card's format that is written. */
export const CARD_VERSION = 1;

/** What a weights file is: the JSON file beside it. */
export interface ModelCard {
  /** Version of this format. */
  readonly version: typeof CARD_VERSION;
  /** The network. */
  readonly model: ModelSpec;
  /** Names of the classes, in the order of the logits. */
  readonly classes: readonly string[];
  /** Shape of one image: [height, width, channels]. */
  readonly inputShape: readonly [number, number, number];
  /** Where the weights come from: data, method, seed, engine, measured accuracy; plain JSON. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** SHA-256 of the weights file, hexadecimal. */
  readonly sha256: string;
}

/** Path of the card of a weights file: "runs/a/student.safetensors" -> "runs/a/student.json". */
export function cardPath(weightsPath: string): string {
  return `${weightsPath.replace(/\.safetensors$/, "")}.json`;
}

/**
 * Writes a model card.
 *
 * @param card The card.
 * @returns JSON with sorted keys, indented, ending in a line end.
 * @throws {TypeError} If the provenance holds what JSON cannot hold.
 */
export function formatCard(card: ModelCard): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(card)), null, 2)}\n`;
}

/**
 * Reads a model card. The model's own fields are checked by {@linkcode createModel}.
 *
 * @param text Its text.
 * @param name Its name, for messages.
 * @returns The card.
 * @throws {CheckpointError} If it is not JSON, of another version, or lacks a field.
 */
export function parseCard(text: string, name = "the card"): ModelCard {
  const fail = (what: string, advice: string): never => {
    throw new CheckpointError(`Cannot read "${name}" as a model card as ${what}: ${advice}`);
  };
  let card: Record<string, unknown>;
  try {
    card = JSON.parse(text);
  } catch {
    return fail("it is not JSON", "copy it again with its weights");
  }
  if (!isObject(card)) return fail("it is not a JSON object", "copy it again with its weights");
  if (card.version !== CARD_VERSION) {
    const advice = "use the release that wrote it, or save the weights again";
    fail(`its version is ${JSON.stringify(card.version)} where ${CARD_VERSION} was expected`, advice);
  }
  for (const [field, { is, expected }] of Object.entries(FIELDS)) {
    if (!is(card[field])) {
      fail(`its ${field} is ${JSON.stringify(card[field])} where ${expected} was expected`, "mend it");
    }
  }
  return card as unknown as ModelCard;
}

interface Field {
  readonly expected: string;
  readonly is: (value: unknown) => boolean;
}

const FIELDS: { readonly [K in Exclude<keyof ModelCard, "version">]: Field } = {
  model: { expected: "a model spec", is: (value) => isObject(value) && typeof value.kind === "string" },
  classes: {
    expected: "a list of names",
    is: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  },
  inputShape: {
    expected: "[height, width, channels]",
    is: (value) => Array.isArray(value) && value.length === 3 && value.every(Number.isInteger),
  },
  provenance: { expected: "an object", is: isObject },
  sha256: {
    expected: "64 hexadecimal digits",
    is: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  },
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
