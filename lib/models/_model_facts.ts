import type { ModelCard } from "./card.ts";
import type { Network } from "./network_spec.ts";
import { networkSize } from "./_network_size.ts";
import type { ModelSpec } from "./spec.ts";

/** What is to be known of a network, by name. */
export function modelFacts({ kind, ...settings }: ModelSpec, network: Network): Record<string, string> {
  const { parameters, macs } = networkSize(network);
  return {
    Network: [kind, ...Object.entries(settings).map(([name, value]) => `${name} ${textOf(value)}`)].join(", "),
    Images: network.inputShape.join(" × "),
    Classes: String(network.classes),
    Parameters: parameters.toLocaleString("en-US"),
    "Multiply-accumulates": `${macs.toLocaleString("en-US")} for an image`,
  };
}

/** Names of classes that are told; of more, the number. */
const NAMED = 20;

/** What is to be known of weights that were loaded, beside their network. */
export function cardFacts({ classes, provenance, sha256 }: ModelCard): Record<string, string> {
  return {
    Classes: classes.length > NAMED ? `${classes.length}` : `${classes.length}: ${classes.join(", ")}`,
    ...Object.fromEntries(Object.entries(provenance).map(([name, value]) => [name, textOf(value)])),
    "SHA-256": sha256,
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
