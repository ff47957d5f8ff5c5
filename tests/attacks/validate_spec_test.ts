import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { type AttackSpec, validateSpec } from "../../lib/attacks/mod.ts";

function assertRefuses(spec: unknown, message: string, eps: readonly number[] = [0.1]): void {
  const error = assertThrows(() => validateSpec(spec, eps, "attacks[1].attack"), UsageError) as UsageError;
  assertEquals(error.message, message);
}

Deno.test("validateSpec() returns every good spec as it is", () => {
  const good: AttackSpec[] = [
    { kind: "fgsm" },
    { kind: "fgsm", norm: "L2", loss: "margin" },
    { kind: "pgd", steps: 1 },
    { kind: "pgd", steps: 20, norm: "Linf", loss: "crossEntropy", restarts: 5, randomStart: true, relativeStepSize: 2 },
    { kind: "pgd", steps: 20, stepSize: "2/255", randomStart: false, restarts: 1 },
    { kind: "apgd" },
    { kind: "apgd", norm: "L1", loss: "targetedDlr", steps: 20, restarts: 2, targets: 3, rho: 1, largerReps: true },
    { kind: "ddn", norm: "L2", steps: 20, gamma: 0.1, initialNorm: 0.5 },
    { kind: "fab", norm: "L2", steps: 20, restarts: 2, targets: 3, alphaMax: 0.1, eta: 1.05, beta: 0.9 },
    { kind: "square", norm: "L1", queries: 20, pInit: 1, restarts: 2 },
    { kind: "autoattack" },
    { kind: "autoattack", norm: "L2", version: "plus" },
    { kind: "autoattack", version: "rand" },
    { kind: "fgsm", loss: "dlr", samples: 5 },
    { kind: "pgd", steps: 3, loss: "dlr", samples: 1 },
    { kind: "pgd", steps: 3, loss: "targetedDlr", target: "next" },
    { kind: "apgd", samples: 20 },
    { kind: "autoattack", version: [{ kind: "fgsm" }, { kind: "apgd", norm: "Linf", loss: "dlr" }] },
  ];
  for (const spec of good) assertStrictEquals(validateSpec(spec, [0, 1 / 255, 8 / 255, 1]), spec);
});

Deno.test("validateSpec() names the path of what is no spec, or of no known kind", () => {
  assertRefuses(
    "pgd",
    'Cannot use attacks[1].attack as it is "pgd": write an object such as { "kind": "pgd", "steps": 20 }',
  );
  assertRefuses(
    null,
    'Cannot use attacks[1].attack as it is null: write an object such as { "kind": "pgd", "steps": 20 }',
  );
  const kinds = '"fgsm" or "pgd" or "apgd" or "fab" or "ddn" or "square" or "autoattack"';
  assertRefuses({ steps: 3 }, `Cannot use attacks[1].attack as it has no kind: write ${kinds}`);
  assertRefuses({ kind: "cw" }, `Cannot use attacks[1].attack.kind as it is "cw": write ${kinds}`);
  assertRefuses({ kind: "toString" }, `Cannot use attacks[1].attack.kind as it is "toString": write ${kinds}`);
});

Deno.test("validateSpec() names unknown keys, norms and losses, and what would do", () => {
  assertRefuses(
    { kind: "fgsm", steps: 3 },
    "Cannot use attacks[1].attack.steps as a fgsm attack has no such key: write one of kind, norm, loss, samples",
  );
  assertRefuses(
    { kind: "pgd", steps: 3, step: 1 },
    "Cannot use attacks[1].attack.step as a pgd attack has no such key: write one of kind, norm, steps, " +
      "relativeStepSize, stepSize, restarts, randomStart, loss, momentum, target, samples",
  );
  assertRefuses(
    { kind: "fgsm", norm: "Linfinity" },
    'Cannot use attacks[1].attack.norm as it is "Linfinity": write "Linf" or "L2"',
  );
  assertRefuses(
    { kind: "fgsm", loss: 1 },
    'Cannot use attacks[1].attack.loss as it is 1: write "crossEntropy" or "margin" or "dlr"',
  );
});

Deno.test("validateSpec() refuses counts that are not positive integers", () => {
  for (
    const [value, shown] of [[0, "0"], [-1, "-1"], [2.5, "2.5"], [NaN, "NaN"], ["20", '"20"'], [undefined, "undefined"]]
  ) {
    assertRefuses(
      { kind: "pgd", steps: value },
      `Cannot use attacks[1].attack.steps as it is ${shown}: write a positive integer`,
    );
  }
  assertRefuses(
    { kind: "pgd", steps: 2, restarts: 0 },
    "Cannot use attacks[1].attack.restarts as it is 0: write a positive integer",
  );
  assertRefuses(
    { kind: "pgd", steps: 2, restarts: 2, randomStart: false },
    "Cannot use attacks[1].attack.restarts = 2 without a random start as all starts would be alike: " +
      "write 1, or set randomStart to true",
  );
  assertRefuses(
    { kind: "pgd", steps: 2, randomStart: "no" },
    'Cannot use attacks[1].attack.randomStart as it is "no": write true or false',
  );
});

Deno.test("validateSpec() refuses steps that are longer than the ball, not positive, or given twice", () => {
  assertRefuses(
    { kind: "pgd", steps: 2, stepSize: "2/255", relativeStepSize: 0.25 },
    "Cannot use attacks[1].attack.stepSize together with attacks[1].attack.relativeStepSize: leave one of them out",
  );
  for (const value of [2.01, 0, -1, NaN]) {
    assertRefuses(
      { kind: "pgd", steps: 2, relativeStepSize: value },
      `Cannot use attacks[1].attack.relativeStepSize as it is ${value}: write a share of eps above 0 and up to 2, ` +
        "the ball's diameter",
    );
  }
  for (const value of ["0", "-1/255", "2", "fast", 0.01]) {
    assertRefuses(
      { kind: "pgd", steps: 2, stepSize: value },
      `Cannot use attacks[1].attack.stepSize as it is ${JSON.stringify(value)}: write a text of a length in pixel ` +
        'units above 0 and up to 1, such as "2/255" or "0.01"',
    );
  }
  // The released baselines of a later paper train with step 8/255 in a ball of 2/255: that cannot be written here.
  assertRefuses(
    { kind: "pgd", steps: 10, stepSize: "8/255" },
    'Cannot use attacks[1].attack.stepSize as it is "8/255" at eps 2/255, longer than the ball\'s diameter: ' +
      "write at most 4/255, or use relativeStepSize",
    [8 / 255, 2 / 255],
  );
});

Deno.test("validateSpec() refuses radii outside of the pixel box", () => {
  for (const eps of [-0.1, 8, NaN, Infinity]) {
    assertRefuses(
      { kind: "fgsm" },
      `Cannot use attacks[1].attack at eps ${eps} as pixels are in [0,1]: write a radius from 0 to 1, such as 8/255`,
      [eps],
    );
  }
});

Deno.test("validateSpec() refuses settings of slot attacks that are out of range or do not go together", () => {
  const refuses = (spec: object, message: string) => assertRefuses(spec, `Cannot use attacks[1].attack${message}`);
  refuses({ kind: "apgd", steps: 0 }, ".steps as it is 0: write a positive integer");
  refuses({ kind: "apgd", rho: 1.5 }, ".rho as it is 1.5: write a number above 0 and up to 1");
  refuses(
    { kind: "apgd", targets: 3 },
    '.targets with the loss "crossEntropy" as it aims at no class: write loss "targetedDlr", or leave targets out',
  );
  refuses({ kind: "apgd", largerReps: true }, '.largerReps at norm "Linf": it is made for "L1"');
  refuses({ kind: "apgd", norm: "L1", largerReps: 1 }, ".largerReps as it is 1: write true or false");
  refuses({ kind: "ddn" }, '.norm as it is undefined: a ddn attack has "L2" alone');
  refuses({ kind: "ddn", norm: "L1" }, '.norm as it is "L1": a ddn attack has "L2" alone');
  refuses({ kind: "ddn", norm: "L2", gamma: 2 }, ".gamma as it is 2: write a number above 0 and up to 1");
  refuses({ kind: "fab", eta: 1 }, ".eta as it is 1: write a number above 1 and up to 2");
  refuses({ kind: "square", pInit: "0.8" }, '.pInit as it is "0.8": write a number above 0 and up to 1');
  refuses({ kind: "square", queries: -1 }, ".queries as it is -1: write a positive integer");
});

Deno.test("validateSpec() refuses ensembles that are empty, nested, of several norms, or have an attack twice", () => {
  const refuses = (version: unknown, message: string, norm = "Linf") =>
    assertRefuses({ kind: "autoattack", norm, version }, `Cannot use ${message}`);
  const path = "attacks[1].attack.version";
  refuses("random", `${path} as it is "random": write "standard" or "plus" or "rand"`);
  refuses([], `${path} as it is empty: write "standard", "plus", "rand" or some attacks`);
  refuses([{ kind: "autoattack" }], `${path}.0 as it is an ensemble itself: write its attacks`);
  refuses(
    [{ kind: "apgd", norm: "L2" }],
    `${path}.0.norm as it is "L2" where the ensemble has "Linf": leave it out`,
  );
  refuses([{ kind: "fgsm" }], `${path}.0 at norm "L1" as fgsm has Linf and L2 alone`, "L1");
  refuses([{ kind: "apgd" }, { kind: "apgd", steps: 100 }], `"apgd-ce" twice in ${path}: leave out ${path}.1`);
  refuses([{ kind: "pgd" }], `${path}.0.steps as it is undefined: write a positive integer`);
});

Deno.test("validateSpec() refuses a momentum above 1, targets that are no class, and a divergence without a direction", () => {
  const pgd = { kind: "pgd", steps: 3 };
  for (
    const good of [{ momentum: 1 }, { momentum: 0.5, target: 0 }, { target: "next" }, { loss: "klToClean" }, {
      target: "leastLikely",
      loss: "margin",
    }]
  ) {
    validateSpec({ ...pgd, ...good });
  }
  for (const momentum of [0, 1.5, -1, NaN, "1"]) {
    assertRefuses(
      { ...pgd, momentum },
      `Cannot use attacks[1].attack.momentum as it is ${
        typeof momentum === "string" ? '"1"' : momentum
      }: write a number above 0 and up to 1`,
    );
  }
  for (const [target, shown] of [[-1, "-1"], [1.5, "1.5"], ["cat", '"cat"'], [null, "null"]]) {
    assertRefuses(
      { ...pgd, target },
      `Cannot use attacks[1].attack.target as it is ${shown}: write "leastLikely", "next" or the number of a class`,
    );
  }
  assertRefuses(
    { ...pgd, loss: "klToClean", target: "next" },
    'Cannot use attacks[1].attack.target with the loss "klToClean" as that leads away from the clean image, not to a ' +
      'class: write loss "crossEntropy" or "margin", or leave target out',
  );
  assertRefuses(
    { ...pgd, loss: "klToClean", randomStart: false },
    'Cannot use attacks[1].attack.loss = "klToClean" without a random start as its gradient is 0 at the clean image: ' +
      "set randomStart to true",
  );
  assertRefuses(
    { kind: "fgsm", loss: "klToClean" },
    'Cannot use attacks[1].attack.loss as it is "klToClean": write "crossEntropy" or "margin" or "dlr"',
  );
});

Deno.test("validateSpec() refuses ratios of logits that do not fit the target, and samples that are no count", () => {
  assertRefuses(
    { kind: "pgd", steps: 3, loss: "dlr", target: "next" },
    'Cannot use attacks[1].attack.loss = "dlr" with a target as it aims at no class: write loss "targetedDlr", or leave ' +
      "target out",
  );
  assertRefuses(
    { kind: "pgd", steps: 3, loss: "targetedDlr" },
    'Cannot use attacks[1].attack.loss = "targetedDlr" without a target: write target "leastLikely", "next" or the ' +
      'number of a class, or loss "dlr"',
  );
  assertRefuses(
    { kind: "fgsm", loss: "targetedDlr" },
    'Cannot use attacks[1].attack.loss as it is "targetedDlr": write "crossEntropy" or "margin" or "dlr"',
  );
  for (const spec of [{ kind: "fgsm" }, { kind: "pgd", steps: 3 }, { kind: "apgd" }]) {
    for (const [samples, shown] of [[0, "0"], [-2, "-2"], [1.5, "1.5"], ["20", '"20"']]) {
      assertRefuses(
        { ...spec, samples },
        `Cannot use attacks[1].attack.samples as it is ${shown}: write a positive integer`,
      );
    }
  }
  assertRefuses(
    { kind: "square", samples: 2 },
    "Cannot use attacks[1].attack.samples as a square attack has no such key: write one of kind, norm, queries, pInit, " +
      "restarts",
  );
});
