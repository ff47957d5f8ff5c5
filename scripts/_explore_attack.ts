import {
  type AttackBatch,
  attackName,
  type AttackSpec,
  cachedProgram,
  type Classifier,
  type CompileOptions,
  componentsOf,
  disposeTree,
  type Engine,
  type Leaf,
  makeSlotAttack,
  type MapTensors,
  MAX_EPS,
  parseEps,
  type Program,
  rng,
  runAttack,
  type Tensor,
  validateSpec,
  type Value,
  type Weights,
} from "../mod.ts";
import type { Frame, Outcome } from "./_explore_protocol.ts";

/** What {@linkcode attackInSteps} is told. */
export interface AttackInSteps {
  readonly engine: Engine;
  /** The network that is attacked, and one that is shown the same images. */
  readonly networks: readonly Classifier[];
  /** One image. */
  readonly batch: AttackBatch;
  readonly spec: AttackSpec;
  /** Radius in pixel units. */
  readonly eps: number;
  readonly seed: number;
  /** Called with each image that the attack makes; what it throws ends the attack. */
  readonly onFrame: (frame: Frame) => Promise<void>;
}

/** A radius as a person writes it, at an attack's norm. */
export function radiusOf(spec: AttackSpec, text: string): number {
  return parseEps(text, MAX_EPS[spec.norm ?? "Linf"]);
}

/** What an attack is called, and the most steps that it takes. */
export function planOf(spec: AttackSpec, eps: number, { classes, inputShape }: Classifier): {
  readonly name: string;
  readonly steps: number;
} {
  validateSpec(spec, [eps]);
  const stepsOf = (spec: AttackSpec): number => {
    if (spec.kind === "fgsm") return 1;
    if (spec.kind === "pgd") return spec.steps * (spec.restarts ?? 1);
    if (spec.kind === "autoattack") return componentsOf(spec).reduce((sum, { spec }) => sum + stepsOf(spec), 0);
    const { steps, trials } = makeSlotAttack(spec, { classes, inputShape, eps, rng: rng(0) });
    return steps * trials;
  };
  return { name: attackName(spec), steps: stepsOf(spec) };
}

/**
 * Runs an attack of the library on one image and shows every image that it makes: its programs are watched as they are
 * called. Random numbers are those of an evaluation, so that the outcome is the row that `evidence.csv` has.
 *
 * @returns What it found, verified.
 * @throws {UserError} If spec, radius or image cannot be used.
 */
export async function attackInSteps(
  { engine, networks, batch, spec, eps, seed, onFrame }: AttackInSteps,
): Promise<Outcome> {
  let step = -1;
  let last: { readonly lowest: number; readonly frame: Frame } | undefined;
  const look = async (kind: Frame["kind"], pixels: Float32Array): Promise<Frame> => ({
    kind,
    step: Math.max(step, 0),
    pixels,
    logits: await logitsOf(engine, networks, { ...batch.x, data: pixels }),
  });
  const read = async (value: Value) => (await engine.read(value)).data as Float32Array;
  const watched = watch(engine, async (name, outputs) => {
    if (name.startsWith("attack start")) {
      step++;
      await onFrame(await look("start", await read(outputs as Value)));
    } else if (name.startsWith("attack step")) {
      step = Math.max(step, 0) + 1;
      await onFrame(await look("step", await read((outputs as { readonly xAdv: Value }).xAdv)));
    } else if (name.startsWith("attack over slots")) {
      step++;
      const { best } = outputs as { readonly best: { readonly xAdv: Value; readonly margin: Value } };
      const lowest = (await read(best.margin))[0]!;
      // Many steps of a search change nothing.
      const frame = last?.lowest === lowest ? { ...last.frame, step } : await look("best", await read(best.xAdv));
      last = { lowest, frame };
      await onFrame(frame);
    }
  });
  const result = await runAttack(watched, networks[0]!, batch, spec, eps, rng(seed, "attack", attackName(spec)));
  const frame = await look("result", result.xAdv.data);
  return {
    frame,
    margin: result.margin[0]!,
    firstStep: result.firstStep[0]!,
    forwardPasses: result.forwardPasses,
    backwardPasses: result.backwardPasses,
  };
}

/** What networks say of one image: logits of each. */
export async function logitsOf(
  engine: Engine,
  networks: readonly Classifier[],
  x: AttackBatch["x"],
): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (const { logits, weights } of networks) {
    const program = cachedProgram(
      engine,
      logits,
      "explore",
      () => ({ weights, x }: LogitsInputs) => logits(weights, x),
    );
    const value = await program({ weights, x });
    all.push(new Float32Array((await engine.read(value)).data));
    value.dispose();
  }
  return all;
}

interface LogitsInputs {
  readonly weights: Weights<Tensor>;
  readonly x: Tensor;
}

/** An engine that shows what each call of a program has returned, before its caller sees it. */
function watch(engine: Engine, onCall: (name: string, outputs: unknown) => Promise<void>): Engine {
  return {
    ...engine,
    compile: <I, O>(fn: (inputs: I) => O, options: CompileOptions = {}): Program<I, O> => {
      const program = engine.compile(fn, options);
      const call = async (inputs: MapTensors<I, Leaf>): Promise<MapTensors<O, Value>> => {
        const outputs = await program(inputs);
        try {
          await onCall(options.name ?? "", outputs);
        } catch (error) {
          disposeTree(outputs);
          throw error;
        }
        return outputs;
      };
      return Object.assign(call, { stats: program.stats, dispose: program.dispose });
    },
  };
}
