import { DataError, type EvaluationRow, formatEps, parseEps, UsageError } from "../core/mod.ts";

/** A published network as a leaderboard's card describes it: what others found, on their images. */
export interface ReferenceCard {
  /** Name of the network or of its paper. */
  readonly name: string;
  /** Accuracy without attack, percent. */
  readonly clean: number;
  /** Accuracy under AutoAttack, or under a stronger attack where the card has one ("external"), percent. */
  readonly robust: number;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Norm, where the card says it: RobustBench keeps it in the name of a folder. */
  readonly norm?: string;
}

/**
 * Reads a card in RobustBench's format: `clean_acc`, `autoattack_acc` and `external` in percent (as texts or numbers),
 * `eps`, `name`. Where there is an `external` accuracy, found by an attack of others, it counts, as on the leaderboard.
 *
 * Source: RobustBench, model_info/<dataset>/<threat model>/<model>.json.
 *
 * @param text The file.
 * @param file Its name, for messages.
 * @returns What is drawn of it.
 * @throws {DataError} If it is not JSON or lacks a field.
 */
export function parseReferenceCard(text: string, file = "the card"): ReferenceCard {
  const fail = (what: string): never => {
    throw new DataError(
      `Cannot read "${file}" as a reference as ${what}: use a card of RobustBench, or one that --export-cards wrote`,
    );
  };
  let card: Record<string, unknown>;
  try {
    card = JSON.parse(text);
  } catch {
    return fail("it is not JSON");
  }
  if (typeof card !== "object" || card === null || Array.isArray(card)) return fail("it is not a JSON object");
  const percent = (key: string): number => {
    const value = card[key];
    const number = typeof value === "number" || typeof value === "string" && value.trim() !== "" ? Number(value) : NaN;
    if (number >= 0 && number <= 100) return number;
    return fail(`its ${key} is ${JSON.stringify(value)} where a number from 0 to 100 was expected`);
  };
  if (typeof card.name !== "string" || card.name === "") return fail(`its name is ${JSON.stringify(card.name)}`);
  if (typeof card.eps !== "string" && typeof card.eps !== "number") {
    return fail(`its eps is ${JSON.stringify(card.eps)}`);
  }
  const { external } = card;
  const robust = external === undefined || external === null || external === "" ? "autoattack_acc" : "external";
  return {
    name: card.name,
    clean: percent("clean_acc"),
    robust: percent(robust),
    eps: formatEps(parseEps(card.eps, Infinity), Infinity),
    ...(typeof card.threat_model === "string" ? { norm: card.threat_model } : {}),
  };
}

/** What a card says beside the numbers. */
export interface CardDetails {
  /** Name of the network. */
  readonly name: string;
  /** Name of the network in the rows. */
  readonly method: string;
  /** Radius in pixel units as text. */
  readonly eps: string;
  /** Norm of the ball. */
  readonly norm: string;
  /** Name of the data set. */
  readonly dataset: string;
  /** Name of the network's form: "resnet18". */
  readonly architecture: string;
}

/**
 * Writes a card of a network of ours in RobustBench's format. `autoattack_acc` is there only where AutoAttack ran: under
 * other attacks the accuracy is `reported`, with the attacks that were run, as it is no more than an upper bound.
 *
 * @param rows Rows of `evaluation.csv`.
 * @param details The rest.
 * @returns JSON, indented.
 * @throws {UsageError} If no row has the network without attack, or none has it under one at the radius.
 */
export function formatReferenceCard(rows: readonly EvaluationRow[], details: CardDetails): string {
  const { name, method, norm, dataset, architecture } = details;
  const eps = formatEps(details.eps, Infinity);
  const own = rows.filter((row) => row.method === method);
  const at = (attack: string): EvaluationRow | undefined =>
    own.find((row) => row.attack === attack && (attack === "clean" || formatEps(row.eps, Infinity) === eps));
  const [clean, worst] = [at("clean"), at("worst")];
  if (clean === undefined || worst === undefined) {
    throw new UsageError(
      `Cannot write a card of "${method}" as it was not evaluated both without attack and at eps ${eps}: evaluate first`,
    );
  }
  const percent = (row: EvaluationRow): string => (100 * row.rate).toFixed(2);
  const attacks = [...new Set(own.map((row) => row.attack))].filter((attack) => !["clean", "worst"].includes(attack));
  const auto = own.find((row) => /^autoattack(-l[12])?$/.test(row.attack) && formatEps(row.eps, Infinity) === eps);
  const card = {
    name,
    dataset,
    "threat_model": norm,
    eps,
    architecture,
    "clean_acc": percent(clean),
    reported: percent(worst),
    ...(auto === undefined ? {} : { "autoattack_acc": percent(auto) }),
    attacks,
    images: worst.n,
    "reported_interval": [worst.low, worst.high].map((rate) => (100 * rate).toFixed(2)),
  };
  return `${JSON.stringify(card, null, 2)}\n`;
}
