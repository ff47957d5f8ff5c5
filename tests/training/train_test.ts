import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { CheckpointError, DivergedError, type NdArray, rng, UsageError } from "../../lib/core/mod.ts";
import {
  type CompileOptions,
  createEngine,
  disposeTree,
  type Engine,
  type Program,
  putTree,
  readTree,
} from "../../lib/engine/mod.ts";
import { type LazyDataset, trainBatches } from "../../lib/data/mod.ts";
import { createModel, type Network, type VitSpec } from "../../lib/models/mod.ts";
import {
  IGAM_PAPER,
  KDIGA_PAPER,
  KDIGA_PROJECTION,
  MTARD_PAPER,
  type ObjectiveSpec,
} from "../../lib/objectives/mod.ts";
import {
  decodeTrainState,
  encodeTrainState,
  estimateStatistics,
  train,
  type TrainOptions,
  type TrainState,
} from "../../lib/training/mod.ts";
import { testOnEngines } from "../testing/engines.ts";
import { EACH } from "../objectives/_specs.ts";
import { countingEngine } from "./_counting_engine.ts";
import { CNN, collect, MLP, NATURAL, TEACHER, TOY } from "./_toy.ts";

const ENGINES = ["reference", "onnxruntime", "onnxruntime on webgpu", "tensorflow"];

/** Everything that a resumed run must have again: order, augmentation, noise or attack, buffers, velocity. */
const KDIGA: TrainOptions = {
  ...NATURAL,
  name: "kdiga",
  model: CNN,
  objective: { ...KDIGA_PAPER, randomStart: "8/255" },
  augment: { pad: 1, flip: true },
  teacher: TEACHER,
};
const ADVERSARIAL: TrainOptions = {
  ...NATURAL,
  name: "adversarial",
  model: CNN,
  objective: { kind: "adversarial", eps: "8/255", steps: 2, studentMode: "train" },
  augment: { pad: 1, flip: true },
};

/** What is carried, and what is drawn for a step, must be there again as well. */
const CARRYING: readonly TrainOptions[] = ([
  { ...IGAM_PAPER, from: 0.2, discriminator: { ...IGAM_PAPER.discriminator, channels: 2, every: 2 } },
  { ...MTARD_PAPER, steps: 1 },
  { ...KDIGA_PROJECTION, randomStart: "8/255" },
] satisfies ObjectiveSpec[]).map((objective) => ({
  ...KDIGA,
  name: objective.kind,
  objective,
  naturalTeacher: TEACHER,
}));

/** Parts of the network are dropped. */
const DROPPING: TrainOptions = { ...NATURAL, name: "dropping", model: transformer({ dropout: 0.3, dropPath: 0.5 }) };

function transformer(rates: Pick<VitSpec, "dropout" | "dropPath">): Network {
  const spec = { kind: "vit", patch: 2, depth: 2, dim: 4, heads: 1, ...rates } as const;
  return createModel(spec, { classes: 2, inputShape: [4, 4, 1] });
}

testOnEngines("train() reports every step and the end", async (engine) => {
  const events = await collect(train(engine, KDIGA));
  assertEquals(events.map(({ kind }) => kind), [...new Array(6).fill("step"), "end"]);
  events.forEach((event, i) => {
    if (event.kind !== "step") return;
    const { row, done, total, accuracy } = event;
    assertEquals([row.method, row.step, row.epoch, done, total], ["kdiga", i, Math.floor(i / 2), i + 1, 6]);
    assertAlmostEquals(row.learningRate, 0.05 * (1 + Math.cos(Math.PI * i / 6)), 1e-12);
    assertEquals(Object.keys(row.terms), ["ce", "kl", "iga"]);
    assertEquals(row.loss, Object.values(row.terms).reduce((a, b) => a + b));
    assert(accuracy >= 0 && accuracy <= 1);
  });
  const end = events.at(-1)!;
  assert(end.kind === "end");
  assertEquals(Object.keys(end.weights.parameters), Object.keys(CNN.shapes.parameters));
  assertEquals(Object.keys(end.weights.buffers), Object.keys(CNN.shapes.buffers));
}, ENGINES);

testOnEngines("train() keeps every bit of what is frozen, also under decay and momentum", async (engine) => {
  const optimizer = { kind: "sgd", weightDecay: 0.1, frozen: ["*", "!conv4.*", "!fc.*"] } as const;
  const initial = CNN.init(rng(77, "initial"));
  for (const options of [KDIGA, ADVERSARIAL]) {
    const events = await collect(train(engine, { ...options, optimizer, initial, checkpointEvery: 3 }));
    const end = events.at(-1)!;
    assert(end.kind === "end");
    assertEquals(Object.keys(end.weights.parameters), Object.keys(CNN.shapes.parameters));
    for (const [name, { data }] of Object.entries(end.weights.parameters)) {
      if (/^(conv4|fc)\./.test(name)) assertNotEquals(data, initial.parameters[name]!.data, name);
      else assertEquals(data, initial.parameters[name]!.data, name);
    }
    // Running statistics are no parameters: they move, as in PyTorch.
    assertNotEquals(end.weights.buffers["bn1.running_mean"], initial.buffers["bn1.running_mean"]);
    const { state } = events.find((event) => event.kind === "checkpoint")!;
    assertEquals(Object.keys(state.optimizerState.velocity!), ["conv4.weight", "fc.weight", "fc.bias"]);
    const resumed = await collect(train(engine, { ...options, optimizer, from: state }));
    assertEquals(resumed.at(-1), end);
  }
}, ENGINES);

Deno.test("train() hands out the weights of every epoch for a while, and their mean accuracy, resumed or not", async () => {
  const engine = countingEngine(await createEngine("reference"));
  const follow = async (options: TrainOptions) => {
    const [epochs, states, steps]: [unknown[], TrainState[], number[]] = [[], [], []];
    const order: string[] = [];
    for await (const event of train(engine, options)) {
      if (event.kind !== "end") order.push(event.kind);
      if (event.kind === "step") steps.push(event.accuracy);
      if (event.kind === "checkpoint") states.push(event.state);
      if (event.kind !== "epoch") continue;
      const { classifier: { logits, weights }, ...epoch } = event;
      assertEquals(logits, options.model.logits);
      epochs.push({ ...epoch, weights: await readTree(engine, weights) });
    }
    return { epochs, states, steps, order };
  };
  const { epochs, states, steps, order } = await follow({ ...KDIGA, checkpointEvery: 1 });
  const mean = (epoch: number) => (steps[2 * epoch - 2]! + steps[2 * epoch - 1]!) / 2;
  assertEquals(
    epochs,
    [1, 2, 3].map((epoch) => {
      const { weights } = states[2 * epoch - 1]!;
      return { kind: "epoch", epoch, total: 3, done: 2 * epoch, accuracy: mean(epoch), weights };
    }),
  );
  assertEquals(order.slice(0, 5), ["step", "checkpoint", "step", "epoch", "checkpoint"]);
  // What is resumed in the middle of an epoch knows how it began.
  const from = decodeTrainState(encodeTrainState(states[2]!, "hash"), "hash");
  assertEquals((await follow({ ...KDIGA, from })).epochs, epochs.slice(1));
  for await (const { kind } of train(engine, KDIGA)) if (kind === "epoch") break;
  assertEquals([engine.alive(), engine.programs()], [0, 0]);
});

Deno.test("train() hands out the moving average of every epoch where it is handed out in the end", async () => {
  await using engine = await createEngine("reference");
  for (const weights of ["average", "last"] as const) {
    let last;
    for await (const event of train(engine, { ...NATURAL, average: { kind: "ema", decay: 0.9, weights } })) {
      if (event.kind === "epoch") last = await readTree(engine, event.classifier.weights);
      if (event.kind === "end") assertEquals(last, event.weights, weights);
    }
  }
});

Deno.test("train() begins with the weights that it is given, and with new ones for the rest", async () => {
  await using engine = await createEngine("reference");
  const { buffers, parameters: { "fc1.bias": bias, ...rest } } = MLP.init(rng(5, "other"));
  const initial = { parameters: rest, buffers };
  const [end] = await collect(train(engine, { ...NATURAL, epochs: 0, initial }));
  const fresh = MLP.init(rng(NATURAL.seed, "init")).parameters["fc1.bias"];
  assertNotEquals(bias, fresh);
  assertEquals(end, { kind: "end", weights: { parameters: { ...rest, "fc1.bias": fresh! }, buffers } });
  const wrong = { parameters: { fc9: bias! }, buffers };
  await assertRejects(
    () => collect(train(engine, { ...NATURAL, initial: wrong })),
    CheckpointError,
    'Cannot go on training "natural" from this state as its parameter "fc9" is [6] where none is expected',
  );
});

testOnEngines("train() drops parts of a network, by the numbers of the step and the seed", async (engine) => {
  const losses = async (options: TrainOptions) =>
    (await collect(train(engine, { ...options, epochs: 1 }))).flatMap((event) =>
      event.kind === "step" ? [event.row.loss] : []
    );
  const dropped = await losses(DROPPING);
  assertEquals(await losses(DROPPING), dropped);
  assertNotEquals(await losses({ ...DROPPING, model: transformer({}) }), dropped);
}, ["reference"]);

testOnEngines("train() lowers the loss of a toy problem and learns it", async (engine) => {
  const events = await collect(train(engine, { ...NATURAL, epochs: 20, schedule: { kind: "oneCycle", peak: 0.5 } }));
  const steps = events.filter((event) => event.kind === "step");
  assert(steps[0]!.row.loss > 0.5, `${steps[0]!.row.loss}`);
  assert(steps.at(-1)!.row.loss < 0.05, `${steps.at(-1)!.row.loss}`);
  assertEquals(steps.at(-1)!.accuracy, 1);
}, ENGINES);

testOnEngines("train() goes on from any step as if it had not stopped, bit for bit", async (engine) => {
  for (
    const options of <TrainOptions[]> [
      KDIGA,
      ADVERSARIAL,
      DROPPING,
      ...CARRYING,
      { ...NATURAL, optimizer: { kind: "sgd", momentum: 0 } } as TrainOptions,
      { ...NATURAL, optimizer: { kind: "adamw", weightDecay: 0.1, clip: { kind: "norm", max: 1 } } },
      { ...KDIGA, average: { kind: "ema", decay: 0.9, warmUp: true }, weightPerturbation: { gamma: 0.1, from: 0.5 } },
      { ...ADVERSARIAL, average: { kind: "swa", from: 0.3 }, mix: { kind: "cutmix", alpha: 1 }, labelSmoothing: 0.1 },
    ]
  ) {
    const whole = await collect(train(engine, { ...options, checkpointEvery: 1 }));
    const plain = await collect(train(engine, options));
    assertEquals(plain, whole.filter(({ kind }) => kind !== "checkpoint"));
    const states = whole.filter((event) => event.kind === "checkpoint").map(({ state }) => state);
    assertEquals(states.map(({ step }) => step), [1, 2, 3, 4, 5, 6]);
    const carried = states.map(({ carried }) => carried);
    if (Object.keys(carried[0]!).length > 0) assertNotEquals(carried[0], carried[5], options.name);
    for (const k of [2, 3, 6]) {
      const from = decodeTrainState(encodeTrainState(states[k - 1]!, "hash"), "hash");
      assertEquals(await collect(train(engine, { ...options, from })), plain.slice(k), `${options.name} from ${k}`);
    }
  }
}, ENGINES);

testOnEngines("train() depends on its seed alone", async (engine) => {
  const lossesOf = async (options: TrainOptions) =>
    (await collect(train(engine, options))).flatMap((event) => event.kind === "step" ? [event.row.loss] : []);
  const losses = await lossesOf(KDIGA);
  assertEquals(await lossesOf({ ...KDIGA, name: "other" }), losses);
  assertNotEquals(await lossesOf({ ...KDIGA, seed: 2 }), losses);
}, ENGINES);

/** Weights after each step, and the end. */
async function path(engine: Engine, options: TrainOptions) {
  const events = await collect(train(engine, { ...options, checkpointEvery: 1 }));
  const end = events.at(-1)!;
  assert(end.kind === "end");
  return { end, states: events.flatMap((event) => event.kind === "checkpoint" ? [event.state] : []) };
}

Deno.test("train() hands out a moving average of weights and running statistics, and the last ones beside it", async () => {
  await using engine = await createEngine("reference");
  const { end: plain, states } = await path(engine, KDIGA);
  const options: TrainOptions = { ...KDIGA, average: { kind: "ema", decay: 0.5 } };
  const { end } = await path(engine, options);
  assertEquals(end.others, plain.weights);
  const first = CNN.init(rng(KDIGA.seed, "init"));
  for (const group of ["parameters", "buffers"] as const) {
    for (const [name, { data }] of Object.entries(end.weights[group])) {
      data.forEach((value: number, i: number) => {
        const seen = [first, ...states.map(({ weights }) => weights)].map((weights) => weights[group][name]!.data[i]!);
        assertAlmostEquals(value, seen.reduce((average, now) => (average + now) / 2), 1e-5, name);
      });
    }
  }
  const last = await path(engine, { ...options, average: { kind: "ema", decay: 0.5, weights: "last" } });
  assertEquals(last.end, { kind: "end", weights: plain.weights, others: end.weights });
});

Deno.test("train() hands out an equal average of weights, with running statistics of its own", async () => {
  await using engine = await createEngine("reference");
  const { states } = await path(engine, KDIGA);
  const { end } = await path(engine, { ...KDIGA, average: { kind: "swa", from: 0.5, statisticsBatches: 1 } });
  const [middle, last] = [states[3]!.weights, states[5]!.weights]; // the ends of the second and third epoch
  for (const [name, { data }] of Object.entries(end.weights.parameters)) {
    data.forEach((value: number, i: number) => {
      assertAlmostEquals(value, (middle.parameters[name]!.data[i]! + last.parameters[name]!.data[i]!) / 2, 1e-6, name);
    });
  }
  const choice = { batchSize: KDIGA.batchSize, rng: rng(KDIGA.seed, "data"), epoch: 3, augment: KDIGA.augment! };
  const [batch] = trainBatches(TOY, choice);
  const statistics = await estimateStatistics(
    engine,
    CNN,
    end.weights,
    (async function* () {
      yield await Promise.resolve(batch!);
    })(),
  );
  assertEquals(end.weights.buffers, statistics);
});

Deno.test("train() perturbs weights from its share on, and takes plain steps before", async () => {
  await using engine = await createEngine("reference");
  const losses = async (weightPerturbation?: NonNullable<TrainOptions["weightPerturbation"]>) => {
    const events = await collect(train(engine, { ...KDIGA, ...(weightPerturbation && { weightPerturbation }) }));
    return events.flatMap((event) => event.kind === "step" ? [event.row.loss] : []);
  };
  const [plain, late] = [await losses(), await losses({ gamma: 0.1, from: 0.5 })];
  assertEquals(late.slice(0, 3), plain.slice(0, 3));
  assert(late[3]! > plain[3]!); // the loss at the perturbed weights
  assert((await losses({ gamma: 0.1 }))[0]! > plain[0]!);
});

Deno.test("train() mixes images, smooths labels and perturbs weights for every objective", async () => {
  await using engine = await createEngine("reference");
  for (const [objective, name] of EACH) {
    const options: TrainOptions = { ...NATURAL, objective, teacher: TEACHER, naturalTeacher: TEACHER, batchSize: 4 };
    const lossOf = async (change: Partial<TrainOptions>) => {
      for await (const event of train(engine, { ...options, ...change })) {
        if (event.kind === "step") return event.row.loss;
      }
      throw new Error("no step");
    };
    const plain = await lossOf({});
    const mixed = await lossOf({ mix: { kind: "mixup", alpha: 1 }, labelSmoothing: 0.1 });
    assert(Number.isFinite(mixed), name);
    assertNotEquals(mixed, plain, name);
    assertEquals(await lossOf({ weightPerturbation: { gamma: 0 } }), plain, name);
    // Labels as probabilities that are as hard as classes: the same loss, but for rounding.
    assertAlmostEquals(await lossOf({ labelSmoothing: 1e-9 }), plain, 1e-5 * Math.max(1, Math.abs(plain)), name);
  }
});

Deno.test("train() perturbs an image anew at every step", async () => {
  const engine = await createEngine("reference");
  const noises: Map<string, string>[] = []; // of each step: pixels of an image -> its noise
  const watching: Engine = {
    ...engine,
    compile<I, O>(fn: (inputs: I) => O, options?: CompileOptions) {
      const program = engine.compile(fn, options);
      const watched = (inputs: unknown) => {
        const { x, xAdv } = inputs as { x: NdArray; xAdv: NdArray };
        const row = (data: ArrayLike<number>, i: number) => Array.from(data).slice(16 * i, 16 * i + 16);
        noises.push(
          new Map(Array.from({ length: 20 }, (_, i) => {
            const [from, to] = [row(x.data, i), row(xAdv.data, i)];
            return [from.join(), to.map((value, k) => (value - from[k]!).toFixed(5)).join()];
          })),
        );
        return program(inputs as Parameters<Program<I, O>>[0]);
      };
      return Object.assign(watched, { stats: [], dispose: program.dispose }) as unknown as Program<I, O>;
    },
  };
  const { augment: _, ...options } = KDIGA;
  await collect(train(watching, { ...options, batchSize: 20, epochs: 2 }));
  assertEquals(noises.map(({ size }) => size), [20, 20]);
  for (const [image, noise] of noises[0]!) assertNotEquals(noises[1]!.get(image), noise);
});

Deno.test("train() gives all back at the end, after break and after an error", async () => {
  const engine = countingEngine(await createEngine("reference"));
  const nothingLeft = (programs = 0) => assertEquals([engine.alive(), engine.programs()], [0, programs]);
  await collect(train(engine, { ...KDIGA, checkpointEvery: 2 }));
  nothingLeft();
  for (const kind of ["step", "checkpoint"]) {
    for await (const event of train(engine, { ...KDIGA, checkpointEvery: 2 })) {
      assert(engine.alive() > 0);
      if (event.kind === kind) break;
    }
    nothingLeft();
  }
  await assertRejects(async () => {
    for await (const _ of train(engine, KDIGA)) throw new Error("the caller's");
  }, Error);
  nothingLeft();
  await assertRejects(() => collect(train(engine, { ...KDIGA, objective: { ...KDIGA_PAPER, weight: 1e39 } })));
  nothingLeft();
  const more: TrainOptions = { ...KDIGA, weightPerturbation: { gamma: 0.1, from: 0.5 }, optimizer: { kind: "adam" } };
  await collect(train(engine, { ...more, average: { kind: "swa", from: 0 } }));
  nothingLeft();
  for await (const { kind } of train(engine, { ...more, average: { kind: "ema", decay: 0.9 } })) {
    if (kind === "step") break;
  }
  nothingLeft();
  // The attack's programs are kept with the model, its values are not.
  for await (const { kind } of train(engine, ADVERSARIAL)) if (kind === "step") break;
  nothingLeft(2);
});

Deno.test("train() holds no more at a later step than at an earlier one", async () => {
  const engine = countingEngine(await createEngine("reference"));
  const alive: number[] = [];
  for await (const { kind } of train(engine, ADVERSARIAL)) if (kind === "step") alive.push(engine.alive());
  assertEquals(alive, new Array(6).fill(alive[0]));
});

Deno.test("train() leaves a teacher that is on the engine to its owner", async () => {
  const engine = countingEngine(await createEngine("reference"));
  const weights = putTree(engine, TEACHER.weights);
  const before = engine.alive();
  await collect(train(engine, { ...KDIGA, teacher: { ...TEACHER, weights } }));
  assertEquals(engine.alive(), before);
  assertEquals(await engine.read(weights.parameters["fc1.bias"]!), TEACHER.weights.parameters["fc1.bias"]);
  disposeTree(weights);
});

Deno.test("train() stops at the first term that is not finite, and says which and when", async () => {
  await using engine = await createEngine("reference");
  const kinds: string[] = [];
  const error = await assertRejects(
    async () => {
      const objective = { ...KDIGA_PAPER, weight: 1e39 }; // infinite in float32
      for await (const { kind } of train(engine, { ...KDIGA, objective, checkpointEvery: 1 })) kinds.push(kind);
    },
    DivergedError,
    'Cannot go on training as the term "iga" is Infinity at step 0: lower the learning rate or its weight',
  );
  assertEquals([error.step, error.term, kinds], [0, "iga", []]);
});

Deno.test("train() names the weight that a gradient spoilt, and its step, when a term shows it at the next", async () => {
  await using engine = await createEngine("reference");
  // After step 1 the rate is beyond float32, and so are the weights; no state is read before step 2 shows it.
  const schedule = { kind: "piecewise", peak: 1e39, knots: [[1 / 6, 0], [2 / 6, 1]] } as const;
  const steps: number[] = [];
  const error = await assertRejects(
    async () => {
      for await (const event of train(engine, { ...NATURAL, schedule })) {
        if (event.kind === "step") steps.push(event.row.step);
      }
    },
    DivergedError,
    'Cannot go on training as the term "fc1.weight" is ',
  );
  assertEquals([error.step, steps], [1, [0, 1]]);
});

Deno.test("train() hands out no checkpoint and no end whose weights are not finite", async () => {
  await using engine = await createEngine("reference");
  for (const checkpointEvery of [1, 7]) {
    const kinds: string[] = [];
    const options: TrainOptions = {
      ...NATURAL,
      epochs: 1,
      batchSize: 20,
      schedule: { kind: "constant", peak: 1e39 },
      checkpointEvery,
    };
    const error = await assertRejects(
      async () => {
        for await (const { kind } of train(engine, options)) kinds.push(kind);
      },
      DivergedError,
      'Cannot go on training as the term "fc1.weight" is ',
    );
    // The weights of an epoch are not read unless somebody does.
    assertEquals([error.step, kinds], [0, ["step", "epoch"]]);
  }
});

Deno.test("train() refuses options that do not fit each other", async () => {
  const engine = countingEngine(await createEngine("reference"));
  const refuses = async (change: Partial<TrainOptions>, message: string) => {
    await assertRejects(() => collect(train(engine, { ...NATURAL, ...change })), UsageError, message);
    assertEquals([engine.alive(), engine.programs()], [0, 0]);
  };
  await refuses({ epochs: 0 }, 'Cannot train "natural" with epochs 0: write an integer of at least 1');
  await refuses({ batchSize: 1.5 }, 'Cannot train "natural" with batchSize 1.5: write an integer of at least 1');
  await refuses(
    { checkpointEvery: 0 },
    'Cannot train "natural" with checkpointEvery 0: write an integer of at least 1',
  );
  await refuses(
    { batchSize: 21 },
    'Cannot train "natural" with batches of 21 on the 20 images of "toy": take smaller batches or more images',
  );
  await refuses(
    { schedule: { kind: "constant", peak: -1 } },
    "Cannot use -1 as the largest learning rate: write a positive number such as 0.1",
  );
  const objective: ObjectiveSpec = KDIGA_PAPER;
  await refuses({ objective }, 'Cannot train "natural" with the objective "kdiga" as it has no teacher: give one');
  await refuses(
    { teacher: { ...TEACHER, classes: 3 }, objective },
    'Cannot train "natural" on "toy" as it has images [4, 4, 1] of 2 classes where the teacher is made for ' +
      "images [4, 4, 1] of 3 classes: take data and networks that fit",
  );
  await refuses(
    { dataset: { ...TOY, imageShape: [2, 8, 1] } },
    'Cannot train "natural" on "toy" as it has images [2, 8, 1] of 2 classes where the network is made for ' +
      "images [4, 4, 1] of 2 classes: take data and networks that fit",
  );
});

Deno.test("train() refuses a state that is not of this training", async () => {
  await using engine = await createEngine("reference");
  const weights = MLP.init(rng(1));
  const refuses = (from: NonNullable<TrainOptions["from"]>, message: string) =>
    assertRejects(() => collect(train(engine, { ...NATURAL, from })), CheckpointError, message);
  await refuses(
    { step: 7, weights, optimizerState: { velocity: weights.parameters }, carried: {} },
    'Cannot go on training "natural" from step 7 as it ends at step 6: train for more epochs',
  );
  await refuses(
    { step: 1, weights, optimizerState: {}, carried: {} },
    'Cannot go on training "natural" from this state as its optimizer value "velocity.fc1.weight" is missing ' +
      "where [16, 6] is expected: give a state of the same model and optimizer",
  );
  const odd = { ...weights, buffers: { "bn1.running_mean": weights.parameters["fc1.bias"]! } };
  await refuses(
    { step: 1, weights: odd, optimizerState: { velocity: weights.parameters }, carried: {} },
    'Cannot go on training "natural" from this state as its buffer "bn1.running_mean" is [6] where none is expected',
  );
});

testOnEngines("train() takes images that are read while it runs", async (engine) => {
  const asked: number[] = [];
  const lazy: LazyDataset = {
    ...TOY,
    batches: (options) => ({
      skipped: [],
      idleShare: () => 0,
      [Symbol.asyncIterator]: async function* () {
        asked.push(options.epoch);
        for (const batch of trainBatches(TOY, options)) yield await Promise.resolve(batch);
      },
    }),
  };
  assertEquals(
    await collect(train(engine, { ...ADVERSARIAL, dataset: lazy })),
    await collect(train(engine, ADVERSARIAL)),
  );
  assertEquals(asked, [0, 1, 2]);
}, ["reference"]);
