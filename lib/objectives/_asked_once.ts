import type { Tensor } from "../engine/mod.ts";
import type { TracedPair } from "./objective.ts";

/** A pair whose networks are run once for the same tensor, however often they are asked at it. */
export function askedOnce(pair: TracedPair): TracedPair {
  return { ...pair, student: once(pair.student), teacher: pair.teacher && once(pair.teacher) };
}

function once(forward: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  const answers = new Map<Tensor, Tensor>();
  return (x) => {
    const answer = answers.get(x) ?? forward(x);
    answers.set(x, answer);
    return answer;
  };
}
