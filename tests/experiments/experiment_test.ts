import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/core/mod.ts";
import { checkExperiment, type Experiment, override, PRESETS } from "../../lib/experiments/mod.ts";
import { TINY } from "./_tiny.ts";

for (const [name, preset] of Object.entries(PRESETS)) {
  Deno.test(`the preset ${name} is an experiment of that name, and plain JSON`, () => {
    assertEquals(preset.name, name);
    assertStrictEquals(checkExperiment(preset), preset);
    assertEquals(JSON.parse(JSON.stringify(preset)), preset);
  });
}

/** Asserts the message for the tiny experiment with one value replaced. */
function refuses(assignment: string, message: string, experiment: Experiment = TINY): void {
  assertThrows(() => checkExperiment(override(experiment, assignment)), UsageError, message);
}

Deno.test("checkExperiment() refuses unknown keys at every depth, with their full path and the known keys", () => {
  refuses(
    "sead=1",
    'Cannot use the experiment as "sead" is not known: known keys are name, seed, data, teacher, naturalTeacher, ' +
      "students, evaluation, analysis",
  );
  refuses(
    "data.seeds=1",
    'Cannot use the experiment as "data.seeds" is not known: ' +
      "known keys are kind, seed, train, test, size, validation, parameters",
  );
  refuses(
    "teacher.epoch=1",
    'Cannot use the experiment as "teacher.epoch" is not known: known keys are name, model, objective, optimizer, ' +
      "schedule, pretrained, epochs, batchSize, augment, mix, labelSmoothing, weightPerturbation, average, batchNormUpdates",
  );
  refuses(
    "students.kd.model.width=4",
    'Cannot use the experiment as "students.0.model.width" is not known: ' +
      "known keys are kind, activation, mean, std, hidden",
  );
  refuses(
    "evaluation.attacks.0.steps=4",
    'Cannot use the experiment as "evaluation.attacks.0.steps" is not known: known keys are kind, norm, loss, samples',
  );
});

Deno.test("checkExperiment() refuses values of the wrong kind, with their path and what they must be", () => {
  const says = (what: string) => `Cannot use the experiment as ${what}`;
  refuses("seed=-1", says('"seed" is -1: it must be an integer of at least 0'));
  refuses(
    "name=Tiny",
    says('"name" is "Tiny": it must be a name of lower-case letters, digits, dots and hyphens'),
  );
  refuses("teacher.epochs=1.5", says('"teacher.epochs" is 1.5: it must be an integer of at least 0'));
  refuses(
    "teacher.epochs=0",
    'Cannot use the experiment as "teacher" has 0 epochs and no pretrained weights: give it one of them',
  );
  refuses(
    'teacher.pretrained={"weights":""}',
    says('"teacher.pretrained.weights" is "": it must be the path of a weights file'),
  );
  refuses(
    'teacher.optimizer.learningRates=[{"match":"fc.*"}]',
    says('"teacher.optimizer.learningRates.0.factor" is missing: it must be a number from 0 to Infinity'),
  );
  refuses('teacher.mix={"kind":"mixup","alpha":0}', 'Cannot mix images by "mixup" with alpha 0');
  refuses("teacher.labelSmoothing=1", "Cannot use 1 as label smoothing: write a share from 0 to below 1");
  refuses('teacher.average={"kind":"ema","decay":1}', "Cannot average weights with the decay 1");
  refuses(
    'teacher.average={"kind":"swa","from":0.5,"decay":1}',
    says('"teacher.average.decay" is not known: known keys are kind, weights, from, every, statisticsBatches'),
  );
  refuses('teacher.weightPerturbation={"gamma":"1"}', says('"teacher.weightPerturbation.gamma" is "1": it must be a'));
  refuses(
    'teacher.optimizer={"kind":"adamw","betas":[2]}',
    says('"teacher.optimizer.betas.0" is 2: it must be a number'),
  );
  refuses(
    'teacher.optimizer={"kind":"sgd","clip":{"kind":"length","max":1}}',
    says('"teacher.optimizer.clip.kind" is "length": it must be one of "norm", "value"'),
  );
  refuses('teacher.schedule={"kind":"piecewise","peak":1,"knots":[[0,1],[0,0]]}', "Cannot use the knots [[0,1],[0,0]]");
  refuses(
    'teacher.augment={"pad":1,"flip":true,"randAugment":{"magnitude":31}}',
    says('"teacher.augment.randAugment.magnitude" is 31: it must be an integer from 0 to 30'),
  );
  refuses(
    "teacher.model.kind=vgg",
    says(
      '"teacher.model.kind" is "vgg": it must be one of "mlp", "cnn", "resnet", "resnet18", "resnet34", "resnet50", ' +
        '"wide_resnet50_2", "preact_resnet18", "mobilenet_v2", "mobilenet_v2_cifar", "wide_resnet", "vit"',
    ),
  );
  refuses("students.kd.objective.alpha=2", says('"students.0.objective.alpha" is 2: it must be a number from 0 to 1'));
  refuses(
    'evaluation.eps=["8"]',
    'Cannot use "8" as a radius as pixels are in [0, 1]: write a value between 0 and 1; did you mean 8/255?',
  );
  refuses(
    'evaluation.eps=["big"]',
    says('"evaluation.eps.0" is "big": it must be a radius in pixel units such as "8/255"'),
  );
  refuses(
    "evaluation.split=train",
    says('"evaluation.split" is "train": it must be one of "test", "validation"'),
  );
  for (const value of [null, [], "tiny", undefined]) assertThrows(() => checkExperiment(value), UsageError);
});

Deno.test("checkExperiment() knows CIFAR-100 and the corrupted images, which nothing can be trained on", () => {
  checkExperiment(override(TINY, 'data={"kind":"cifar100","seed":1,"labels":"coarse","validation":0.1}'));
  const data = (severity: number) => `data={"kind":"cifar10c","seed":1,"corruption":"fog","severity":${severity}}`;
  refuses(data(6), 'Cannot use the experiment as "data.severity" is 6: it must be an integer from 1 to 5');
  refuses(
    data(3).replace("fog", "../fog"),
    'Cannot use the experiment as "data.corruption" is "../fog": it must be the name of a file without ".npy", such as ' +
      '"fog"',
  );
  refuses(
    data(3),
    'Cannot train "teacher" on "cifar10c" as it has test images alone: evaluate with it, and train on "cifar10"',
  );
  refuses(
    data(3).replace("cifar10c", "cifar100c"),
    'Cannot train "teacher" on "cifar100c" as it has test images alone: evaluate with it, and train on "cifar100"',
  );
  const taken = { epochs: 0, pretrained: { weights: "a.safetensors" } };
  const networks = { teacher: { ...TINY.teacher, ...taken }, students: [] };
  checkExperiment(override({ ...TINY, ...networks }, data(3)));
});

Deno.test("checkExperiment() knows how images are decoded while they are used", () => {
  const images = (more: string) => `data={"kind":"imagenet","seed":1${more}}`;
  checkExperiment(override(TINY, images(',"size":12,"classes":10,"crops":"centre","onCorrupt":"skip","trainCount":9')));
  checkExperiment(override(TINY, 'data={"kind":"tinyimagenet","seed":1,"crops":"random","onCorrupt":"stop"}'));
  refuses(
    images(',"crops":"middle"'),
    'Cannot use the experiment as "data.crops" is "middle": it must be one of "random", "centre"',
  );
  refuses(
    images(',"trainCount":0'),
    'Cannot train "teacher" as "data.trainCount" is 0: leave it out for all images, or write a number',
  );
});

Deno.test("checkExperiment() refuses what would fail later", () => {
  refuses("students.kd.name=teacher", 'Cannot use the experiment as two networks are named "teacher": rename one');
  refuses(
    'teacher.objective={"kind":"kd","alpha":0.5,"temperature":1}',
    'Cannot use the experiment as "teacher.objective.kind" is "kd", which needs a teacher itself: ' +
      'use "natural" or "adversarial"',
  );
  refuses(
    "students.kd.objective.temperature=0",
    "Cannot use the temperature 0: write a positive number such as 1",
  );
  refuses(
    'evaluation.attacks=[{"kind":"pgd","steps":5},{"kind":"fgsm"},{"kind":"pgd","steps":5}]',
    'Cannot evaluate under "pgd-5" twice: leave out evaluation.attacks.2',
  );
  refuses(
    'evaluation.attacks=[{"kind":"fgsm"},{"kind":"fgsm","norm":"L2"}]',
    "Cannot evaluate Linf and L2 attacks together as a radius means another thing to each: " +
      "evaluate once for each norm",
  );
  refuses(
    'evaluation.attacks=[{"kind":"pgd","steps":5,"stepSize":"5/255"}]',
    'Cannot use evaluation.attacks.0.stepSize as it is "5/255" at eps 2/255, longer than the ball\'s diameter: ' +
      "write at most 4/255, or use relativeStepSize",
  );
  refuses(
    'evaluation.attacks=[{"kind":"autoattack","version":"rand"}]',
    "Cannot average over 20 samples of a classifier without random outputs as they would all be alike: " +
      'use another version than "rand"',
  );
  refuses("evaluation.eps=[]", 'Cannot evaluate attacks without a radius: write evaluation.eps such as ["8/255"]');
});

Deno.test("checkExperiment() lets an analysis pass, and refuses one that would fail after the training", () => {
  const analysis = { n: 20, batchSize: 8, eps: ["0", "8/255"], linearity: { norm: "Linf", steps: 3 } } as const;
  const experiment: Experiment = { ...TINY, analysis };
  assertStrictEquals(checkExperiment(experiment), experiment);
  const l2 = override(override(experiment, "analysis.linearity.norm=L2"), 'analysis.eps=["0","2.5"]');
  checkExperiment(override(l2, 'analysis.attack={"kind":"pgd","steps":3,"norm":"L2"}'));
  const cases = [
    ["analysis.n=1", 'Cannot use the experiment as "analysis.n" is 1: it must be an integer of at least 2'],
    ["analysis.linearity.keep=first", '"analysis.linearity.keep" is "first": it must be one of "best", "last"'],
    ["analysis.linearity.stepSize=0", "Cannot measure local linearity in steps of 0: write a length above 0"],
    ["analysis.linearity.norm=L2", "Cannot analyse Linf attacks beside local linearity in L2 as a radius means"],
    ["analysis.eps=[]", 'Cannot analyse without a radius: write analysis.eps such as ["8/255"]'],
    ['analysis.eps=["8"]', 'Cannot use "8" as a radius as pixels are in [0, 1]'],
    ['analysis.attack={"kind":"pgd","steps":3,"stepSize":"20/255"}', "Cannot use analysis.attack.stepSize as it is"],
  ] as const;
  for (const [assignment, message] of cases) refuses(assignment, message, experiment);
});
