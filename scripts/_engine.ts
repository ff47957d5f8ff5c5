import { ENGINE_CHOICES, type EngineChoice, UsageError } from "../mod.ts";

/** The engine that a flag asks for. */
export function engineOf(flag: string | undefined): EngineChoice {
  const choice = flag ?? "auto";
  if ((ENGINE_CHOICES as readonly string[]).includes(choice)) return choice as EngineChoice;
  throw new UsageError(`Cannot use the engine "${choice}": use one of ${ENGINE_CHOICES.join(", ")}`);
}
