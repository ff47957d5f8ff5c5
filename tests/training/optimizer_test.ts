import { assertEquals, assertThrows } from "@std/assert";
import { float32, scalar, UsageError } from "../../lib/core/mod.ts";
import { createEngine, readTree } from "../../lib/engine/mod.ts";
import {
  type Optimizer,
  type OptimizerBase,
  OPTIMIZERS,
  type OptimizerSpec,
  type UpdateInputs,
} from "../../lib/training/optimizer.ts";

const KINDS = Object.keys(OPTIMIZERS) as OptimizerSpec["kind"][];
const tableOf = (kind: OptimizerSpec["kind"]) => OPTIMIZERS[kind] as Optimizer<OptimizerSpec>;

for (const kind of KINDS) {
  Deno.test(`${kind} keeps nothing of what is frozen, decays what noDecay does not name, and knows factors of rates`, async () => {
    await using engine = await createEngine("reference");
    const spec: OptimizerSpec = {
      kind,
      weightDecay: 0.5,
      noDecay: ["\\.bias$"],
      frozen: ["conv.*"],
      learningRates: [{ match: "head.*", factor: 0.5 }],
    };
    const names = ["fc.weight", "fc.bias", "head.bias"];
    const all = (value: number) => Object.fromEntries(names.map((name) => [name, float32([2], [value, value])]));
    const optimizerState = tableOf(kind).init(spec, { "conv.weight": float32([2]), ...all(1) });
    const kept = Object.values(optimizerState).filter((slot) => "fc.weight" in slot);
    assertEquals(kept.length > 0, true);
    for (const slot of kept) assertEquals(Object.keys(slot), names);
    const program = engine.compile((inputs: UpdateInputs) => tableOf(kind).update(spec, inputs).parameters);
    const step = async (gradient: number) => {
      const inputs = { parameters: all(1), optimizerState, gradients: all(gradient), learningRate: scalar(0.25) };
      const after = await readTree(engine, await program(inputs));
      return names.map((name) => 1 - after[name]!.data[0]!);
    };
    const [weight, bias, head] = await step(0); // the decay alone
    assertEquals([weight! > 0.1, bias, head], [true, 0, 0]);
    const [, full, half] = await step(1);
    assertEquals(half! / full! > 0.4999 && half! / full! < 0.5001, true, `${half} ${full}`);
  });

  Deno.test(`${kind} refuses what no parameter has, and limits that are none`, () => {
    const parameters = { "fc.weight": float32([1]) };
    const refuses = (spec: OptimizerBase, message: string) =>
      assertThrows(() => tableOf(kind).init({ kind, ...spec }, parameters), UsageError, message);
    refuses({ noDecay: ["bn"] }, 'Cannot exempt "bn" from weight decay as it matches no parameter');
    refuses({ frozen: ["fc.*"] }, 'Cannot train with every parameter frozen: take some out, such as "!fc.*"');
    refuses({ clip: { kind: "norm", max: 0 } }, "Cannot clip gradients to 0: write a positive number such as 1");
  });
}
