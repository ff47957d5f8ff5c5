import { ADAAD_PAPER, ADAAD_RELEASED_CODE } from "./adaad.ts";
import { ADAIAD_PAPER, ADAIAD_RELEASED_CODE } from "./adaiad.ts";
import { FAST_AT, FAST_AT_GRAD_ALIGN, FAST_AT_GRAD_ALIGN_RELEASED_CODE, PGD_AT } from "./adversarial_training.ts";
import { AKD2_RELEASED_CODE, AKD_PAPER } from "./akd.ts";
import { ARD_KDIGA_RELEASED_CODE, ARD_PAPER, ARD_RELEASED_CODE } from "./ard.ts";
import { GAUSSIAN_NOISE } from "./gaussian_noise.ts";
import { IAD_PAPER, IAD_RELEASED_CODE } from "./iad.ts";
import { IGAM_PAPER, IGAM_RELEASED_CODE } from "./igam.ts";
import { IGDM_PAPER, IGDM_RELEASED_CODE } from "./igdm.ts";
import {
  KDIGA_ARD_ADVERSARIAL,
  KDIGA_ARD_CLEAN,
  KDIGA_ARD_RELEASED_CODE,
  KDIGA_PAPER,
  KDIGA_PROJECTION,
  KDIGA_RANDOM_START,
  KDIGA_RELEASED_CODE,
} from "./kdiga.ts";
import { MART_PAPER, MART_RELEASED_CODE } from "./mart.ts";
import { MTARD_PAPER, MTARD_RELEASED_CODE } from "./mtard.ts";
import { RSLAD_PAPER, RSLAD_RELEASED_CODE } from "./rslad.ts";
import { SAAD_CLEAN, SAAD_PAPER, SAAD_RELEASED_CODE } from "./saad.ts";
import type { ObjectiveSpec } from "./spec.ts";
import { TRADES_PAPER } from "./trades.ts";

/** A spec, and the name of the constant that it is. */
export interface Preset {
  /** Name of the exported constant; absent where the spec is written out. */
  readonly name?: string;
  /** The spec. */
  readonly spec: ObjectiveSpec;
}

/** What public code computes. */
export interface ReleasedCode {
  /** As a spec; absent where it is the same as the paper's. */
  readonly preset?: Preset;
  /** Repository, commit and file. */
  readonly source: string;
  /** What it does otherwise, a sentence each; first what the preset has, then what it has not. */
  readonly differs: readonly string[];
}

/** A published method, or an experiment of this library. */
export interface Method {
  /** Its name in tables. */
  readonly title: string;
  /** Authors, year, title. */
  readonly source: string;
  /** What the images that it trains on raise; "none" where they are those of the data set. */
  readonly innerMaximisation: string;
  /** Where teachers are asked; "never" where there are none. */
  readonly teacherAt: string;
  /** As its equations stand. */
  readonly paper: Preset;
  /** Other constants of it. @default {none} */
  readonly others?: readonly Preset[];
  /** What public code does. @default {none was read} */
  readonly releasedCode?: ReleasedCode;
  /** What belongs to the training and not to an objective. @default {nothing to say} */
  readonly recipe?: string;
}

const preset = (name: string, spec: ObjectiveSpec): Preset => ({ name, spec });

const KDIGA_SOURCE =
  "Shao, Yi, Chen, Hsieh (2021), How and when adversarial robustness transfers in knowledge distillation?";
const KDIGA_RECIPE =
  "Released code: 200 epochs, batches of 128 (256 on CIFAR-100), momentum 0.9, weight decay 0.0002. Its learning rate " +
  "of 0.1 becomes 0.01 at epoch 100 and stays so: the drop at epoch 150 starts from 0.1 again. Every epoch is scored on " +
  "the test set.";
const KDIGA_SCALES = [
  "Divergence as mean over images and classes: a tenth of the batch mean with 10 classes.",
  "One norm over the whole batch of gradients of the batch-mean loss, times gamma / B: it shrinks as B^-1.5.",
  'Batch norm\'s running statistics move in every forward pass (train with `batchNormUpdates: "every"`).',
];

/** The methods by name. */
export const METHODS: Readonly<Record<string, Method>> = {
  natural: {
    title: "Natural training",
    source: "label smoothing: Szegedy et al. (2016), Rethinking the Inception architecture for computer vision",
    innerMaximisation: "none",
    teacherAt: "never",
    paper: { spec: { kind: "natural" } },
  },
  "gaussian-noise": {
    title: "Gaussian noise",
    source: "Cohen, Rosenfeld, Kolter (2019), Certified adversarial robustness via randomized smoothing",
    innerMaximisation: "none",
    teacherAt: "never",
    paper: preset("GAUSSIAN_NOISE", GAUSSIAN_NOISE),
    recipe: "Trains the base classifier of a smoothed one; judged by randomised smoothing, and not robust without it.",
  },
  "pgd-at": {
    title: "PGD adversarial training",
    source:
      "Madry, Makelov, Schmidt, Tsipras, Vladu (2018), Towards deep learning models resistant to adversarial attacks",
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "never",
    paper: preset("PGD_AT", PGD_AT),
  },
  "fast-at": {
    title: "Fast adversarial training",
    source: "Wong, Rice, Kolter (2020), Fast is better than free",
    innerMaximisation: "CE(S(x'), y), one step",
    teacherAt: "never",
    paper: preset("FAST_AT", FAST_AT),
    recipe: "Can collapse without a sign in the training loss: watch PGD on held-out images.",
  },
  "fast-at-grad-align": {
    title: "Fast adversarial training with GradAlign",
    source: "Andriushchenko, Flammarion (2020), Understanding and improving fast adversarial training",
    innerMaximisation: "CE(S(x'), y), one step",
    teacherAt: "never",
    paper: preset("FAST_AT_GRAD_ALIGN", FAST_AT_GRAD_ALIGN),
    releasedCode: {
      preset: preset("FAST_AT_GRAD_ALIGN_RELEASED_CODE", FAST_AT_GRAD_ALIGN_RELEASED_CODE),
      source: "tml-epfl/understanding-fast-adv-training@250265e/train.py",
      differs: [
        "The gradient at the clean images is a constant.",
        "Images without a gradient are left out of the mean.",
      ],
    },
    recipe: "Released code: 30 epochs, batches of 128, one learning-rate cycle up to 0.3, weight decay 0.0005.",
  },
  trades: {
    title: "TRADES",
    source:
      "Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan (2019), Theoretically principled trade-off between robustness and accuracy",
    innerMaximisation: "KL(S(x) || S(x'))",
    teacherAt: "never",
    paper: preset("TRADES_PAPER", TRADES_PAPER),
    releasedCode: {
      source: "yaodongyu/TRADES@6e8e11b/trades.py",
      differs: [
        "The clean logits are made twice in training mode, so that batch norm's statistics move once more.",
      ],
    },
    recipe: "Released code: 76 epochs, batches of 128, learning rate 0.1, weight decay 0.0002.",
  },
  mart: {
    title: "MART",
    source:
      "Wang, Zou, Yi, Bailey, Ma, Gu (2020), Improving adversarial robustness requires revisiting misclassified examples",
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "never",
    paper: preset("MART_PAPER", MART_PAPER),
    releasedCode: {
      preset: preset("MART_RELEASED_CODE", MART_RELEASED_CODE),
      source: "YisenWang/MART@2d83e17/mart.py",
      differs: [
        "1.0001 - p in the boosted part, which bounds it at 9.2.",
        "1e-12 inside the other logarithms and 1.0000001 in the place of 1, which are left out.",
        "Lambda is 6 for its WideResNet.",
      ],
    },
    recipe: "Released code: learning rate 0.01, weight decay 0.0035.",
  },
  kd: {
    title: "Knowledge distillation",
    source: "Hinton, Vinyals, Dean (2015), Distilling the knowledge in a neural network",
    innerMaximisation: "none",
    teacherAt: "x",
    paper: { spec: { kind: "kd", alpha: 0.5, temperature: 1 } },
    releasedCode: {
      preset: { spec: { kind: "kd", alpha: 0.5, temperature: 1, klReduction: "elementMean" } },
      source: "RulinShao/AdversariallyRobustDistillation@e77a13d/main.py (kd)",
      differs: [KDIGA_SCALES[0]!],
    },
    recipe: KDIGA_RECIPE,
  },
  ard: {
    title: "ARD",
    source: "Goldblum, Fowl, Feizi, Goldstein (2020), Adversarially robust distillation",
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "x",
    paper: preset("ARD_PAPER", ARD_PAPER),
    others: [preset("ARD_KDIGA_RELEASED_CODE", ARD_KDIGA_RELEASED_CODE)],
    releasedCode: {
      preset: preset("ARD_RELEASED_CODE", ARD_RELEASED_CODE),
      source: "goldblum/AdversariallyRobustDistillation@8860f70/main.py",
      differs: [
        "Divergence as mean over images and classes; student in training mode while it is attacked.",
        "Passes of the attack move batch norm's statistics, and so does a pass on clean images at alpha = 1.",
        "As a baseline in KDIGA's code (`ARD_KDIGA_RELEASED_CODE`) the teacher is asked at x', alpha is 0.5, t is 1.",
      ],
    },
    recipe:
      "Released code: 200 epochs, weight decay 0.0002. Its learning rate of 0.1 becomes 0.01 at epoch 100 and stays " +
      "so: the drop at epoch 150 starts from 0.1 again.",
  },
  akd: {
    title: "AKD",
    source:
      "Maroto, Ortiz-Jimenez, Frossard (2022), On the benefits of knowledge distillation for adversarial robustness; with " +
      "two teachers Chen, Zhang, Liu, Chang, Wang (2021), Robust overfitting may be mitigated by properly learned smoothening",
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "x'",
    paper: preset("AKD_PAPER", AKD_PAPER),
    releasedCode: {
      preset: preset("AKD2_RELEASED_CODE", AKD2_RELEASED_CODE),
      source: "ZFancy/IAD@a8091a8/AKD2.py",
      differs: [
        "A second teacher, trained on clean images, with a quarter; student in training mode while it is attacked.",
      ],
    },
  },
  iad: {
    title: "IAD",
    source:
      "Zhu, Yao, Han, Zhang, Liu, Niu, Zhou, Xu, Yang (2022), Reliable adversarial distillation with unreliable teachers",
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "x and x'",
    paper: preset("IAD_PAPER", IAD_PAPER),
    releasedCode: {
      preset: preset("IAD_RELEASED_CODE", IAD_RELEASED_CODE),
      source: "ZFancy/IAD@a8091a8/IAD-I.py",
      differs: [
        "The teacher's part is not weighed by the trust; student in training mode while it is attacked.",
        "The student's clean logits are made twice, and passes of the attack move batch norm's statistics.",
      ],
    },
    recipe: "Released code: its learning rate becomes 0.01 at epoch 100 of 200 and stays so.",
  },
  rslad: {
    title: "RSLAD",
    source:
      "Zi, Zhao, Ma, Jiang (2021), Revisiting adversarial robustness distillation: robust soft labels make student better",
    innerMaximisation: "KL(T(x) || S(x'))",
    teacherAt: "x",
    paper: preset("RSLAD_PAPER", RSLAD_PAPER),
    releasedCode: {
      preset: preset("RSLAD_RELEASED_CODE", RSLAD_RELEASED_CODE),
      source: "zibojia/RSLAD@c40e04f/rslad_loss.py",
      differs: [
        "Divergences as means over images and classes; on CIFAR-100 they are multiplied by 10.",
        "1e-5 inside the teacher's logarithm, which has no gradient and is left out.",
      ],
    },
    recipe: "Released code: 300 epochs, learning rate 0.1 with drops after 215, 260 and 285, weight decay 0.0002.",
  },
  adaad: {
    title: "AdaAD",
    source:
      "Huang, Chen, Wang, Lu, Cheng, Wang (2023), Boosting accuracy and robustness of student models via adaptive adversarial distillation",
    innerMaximisation: "KL(T(x') || S(x')), through both",
    teacherAt: "x'",
    paper: preset("ADAAD_PAPER", ADAAD_PAPER),
    releasedCode: {
      preset: preset("ADAAD_RELEASED_CODE", ADAAD_RELEASED_CODE),
      source: "boyellow/AdaAD@fe97c3e/main.py, AT_helper.py",
      differs: [
        "Divergences as means over images and classes on CIFAR-10.",
        "The defaults of its flags are a radius of 16/255 and steps of 4/255.",
      ],
    },
    recipe: "Released code: 200 epochs, learning rate 0.1 with drops at 100 and 150, weight decay 0.0005.",
  },
  adaiad: {
    title: "AdaIAD",
    source: "Huang et al. (2023), as AdaAD",
    innerMaximisation: "KL(T(x') || S(x')), through both",
    teacherAt: "x'",
    paper: preset("ADAIAD_PAPER", ADAIAD_PAPER),
    releasedCode: {
      preset: preset("ADAIAD_RELEASED_CODE", ADAIAD_RELEASED_CODE),
      source: "boyellow/AdaAD@fe97c3e/main.py (AdaAD_with_IAD1)",
      differs: [
        "The default temperature of its flags is 30.",
        "The student's clean logits are made two or three times.",
      ],
    },
  },
  mtard: {
    title: "MTARD",
    source:
      "Zhao, Yu, Sun, Zhu, Wang, Wei (2022), Enhanced accuracy and robustness via multi-teacher adversarial distillation",
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "x' (robust), x (natural)",
    paper: preset("MTARD_PAPER", MTARD_PAPER),
    releasedCode: {
      preset: preset("MTARD_RELEASED_CODE", MTARD_RELEASED_CODE),
      source: "zhaoshiji123/MTARD@6480a1b/mtard/mtard_resnet18_cifar10.py, mtard_loss.py",
      differs: [
        "Divergences as means over images and classes.",
        "The step of the weights falls tenfold with the learning rate.",
        "1e-5 inside the teachers' logarithm, which has no gradient but a part in the weights, and is left out.",
      ],
    },
    recipe:
      "Released code: 300 epochs, learning rate 0.1 with drops after 215, 260 and 285, weight decay 0.0002. Networks " +
      "are named by their accuracy under PGD on the test set.",
  },
  igam: {
    title: "IGAM",
    source:
      "Chan, Tay, Ong (2020), What it thinks is important is important: robustness transfers through input gradients",
    innerMaximisation: "none; uniform noise of 8/255",
    teacherAt: "x, with its gradient",
    paper: preset("IGAM_PAPER", IGAM_PAPER),
    releasedCode: {
      preset: preset("IGAM_RELEASED_CODE", IGAM_RELEASED_CODE),
      source: "alvinchangw/IGAM_CVPR2020@f3dba12/train_igam.py, model_new.py",
      differs: [
        "The squared distance is a sum over the batch.",
        "The discriminator moves after the student, on gradient maps of the moved student; here on the same maps.",
        "Its convolutions have offsets, which batch normalisation takes away again.",
      ],
    },
    recipe:
      "Released code, CIFAR-10 to CIFAR-100: 320,000 steps of 32 images, learning rate 0.1, 0.01 and 0.001 from steps " +
      "0, 160,000 and 240,000; gradients from step 280,000 on; the teacher is finetuned to the student's classes before.",
  },
  igdm: {
    title: "IGDM",
    source: "Lee, Cho, Kim (2025), Indirect gradient matching for adversarial robust distillation",
    innerMaximisation: "that of its base",
    teacherAt: "x' and 2x - x', and where its base asks",
    paper: preset("IGDM_PAPER", IGDM_PAPER),
    releasedCode: {
      preset: preset("IGDM_RELEASED_CODE", IGDM_RELEASED_CODE),
      source: "HongsinLee/saad@295121c/igdm.py",
      differs: [
        "Step and radius of the inner attack are swapped: it trains inside 2/255 with steps of 8/255.",
        "The weight grows by epochs, from 1 / epochs; here by steps, from 0.",
      ],
    },
    recipe:
      "The paper tunes the weight from 0.5 to 220 for each base, data set and teacher. Released code: 200 epochs, " +
      "learning rate 0.1 with drops after 100 and 150, weight decay 0.0002 (0.0005 in the paper).",
  },
  saad: {
    title: "SAAD",
    source: "Lee, Chung (2026), Sample-wise adaptive weighting for transfer consistency in adversarial distillation",
    innerMaximisation: "KL(T_lin(x') || S(x')), T_lin linear in the logit of y",
    teacherAt: "x with its gradient, x' and 2x - x'",
    paper: preset("SAAD_PAPER", SAAD_PAPER),
    others: [preset("SAAD_CLEAN", SAAD_CLEAN)],
    releasedCode: {
      preset: preset("SAAD_RELEASED_CODE", SAAD_RELEASED_CODE),
      source: "HongsinLee/saad@295121c/saad.py, attacks.py",
      differs: [
        "Weights are 5 (H_i - min_j H_j): the image of least entropy has none.",
        "The student is run on clean images though their weight is 0.",
      ],
    },
    recipe:
      "Released code: running mean of weights (SWA) from epoch 95 of 200 on, learning rate 0.1 with drops after 100 and " +
      "150, weight decay 0.0002.",
  },
  kdiga: {
    title: "KDIGA",
    source: KDIGA_SOURCE,
    innerMaximisation: "none",
    teacherAt: "x, with its gradient",
    paper: preset("KDIGA_PAPER", KDIGA_PAPER),
    releasedCode: {
      preset: preset("KDIGA_RELEASED_CODE", KDIGA_RELEASED_CODE),
      source: "RulinShao/AdversariallyRobustDistillation@e77a13d/main.py (kdiga)",
      differs: [
        ...KDIGA_SCALES,
        "Logits and gradient are made in two passes (`separatePasses: true`).",
        "Its first public version, ac94b4b, detached the student's gradient: the alignment did nothing.",
      ],
    },
    recipe: KDIGA_RECIPE,
  },
  "kdiga-rs": {
    title: "KDIGA, random start",
    source: KDIGA_SOURCE,
    innerMaximisation: "none; uniform noise of 8/255, not clipped to [0, 1]",
    teacherAt: "the moved x, with its gradient",
    paper: preset("KDIGA_RANDOM_START", KDIGA_RANDOM_START),
    releasedCode: {
      source: "RulinShao/AdversariallyRobustDistillation@e77a13d/main.py (kdiga_rs)",
      differs: KDIGA_SCALES,
    },
    recipe: KDIGA_RECIPE,
  },
  "kdiga-ard-c": {
    title: "KDIGA-ARD, clean gradients",
    source: KDIGA_SOURCE,
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "x with its gradient, x'",
    paper: preset("KDIGA_ARD_CLEAN", KDIGA_ARD_CLEAN),
    releasedCode: {
      preset: preset("KDIGA_ARD_RELEASED_CODE", KDIGA_ARD_RELEASED_CODE),
      source: "RulinShao/AdversariallyRobustDistillation@e77a13d/main.py (kdiga_ard)",
      differs: [...KDIGA_SCALES, "Passes of the attack move batch norm's statistics as well, which is not done here."],
    },
    recipe: KDIGA_RECIPE,
  },
  "kdiga-ard-a": {
    title: "KDIGA-ARD, adversarial gradients",
    source: KDIGA_SOURCE,
    innerMaximisation: "CE(S(x'), y)",
    teacherAt: "x', with its gradient",
    paper: preset("KDIGA_ARD_ADVERSARIAL", KDIGA_ARD_ADVERSARIAL),
    recipe: "No public code runs it; that it exists is inferred from names of the authors' checkpoints.",
  },
  "kdiga-projection": {
    title: "KDIGA with projections",
    source: "an experiment of this library, no published method",
    innerMaximisation: "none",
    teacherAt: "x, with the gradient of v . T(x)",
    paper: preset("KDIGA_PROJECTION", KDIGA_PROJECTION),
  },
};
