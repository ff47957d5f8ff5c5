import { checkEvaluation } from "./_check_evaluation.ts";
import { checkNames } from "./_check_names.ts";
import { evaluationSet } from "./_evaluated.ts";
import { openModels } from "./_open_models.ts";
import type { EvaluateModelsOptions, ModelEvaluation } from "./evaluate_models.ts";

/** Checks what is asked, loads networks and images, and opens the folder. */
export function openEvaluation(
  asked: ModelEvaluation,
  { engine, models, data: path, out }: Pick<EvaluateModelsOptions, "engine" | "models" | "data" | "out">,
): ReturnType<typeof openModels> {
  const { evaluation, data, seed } = asked;
  checkNames(models.map(({ method }) => method), "evaluate");
  checkEvaluation(evaluation);
  const choose = (data: Parameters<typeof evaluationSet>[1]) => evaluationSet(evaluation, data);
  return openModels({ engine, models, noun: "evaluation", data, path, seed, images: [evaluation], choose, asked, out });
}
