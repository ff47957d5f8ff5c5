import type {
  AdaadSpec,
  AdaiadSpec,
  AdversarialSpec,
  AkdSpec,
  ArdSpec,
  GaussianNoiseSpec,
  IadSpec,
  IgamDiscriminator,
  IgamSpec,
  IgdmBase,
  IgdmSpec,
  InnerAttackFields,
  KdigaSpec,
  KdSpec,
  MartSpec,
  MtardSpec,
  NaturalSpec,
  ObjectiveSpec,
  RsladSpec,
  SaadSpec,
  TradesSpec,
} from "../objectives/mod.ts";
import { eps, kind } from "./_schema_fields.ts";
import { type Check, type Fields, flag, integer, list, number, object, oneOf, optional, union } from "./schema.ts";

const distillation = {
  kind,
  alpha: number(0, 1),
  temperature: number(0),
  klReduction: optional(oneOf("batchMean", "elementMean")),
};
const innerAttack: Fields<InnerAttackFields> = {
  eps,
  steps: integer(),
  stepSize: optional(eps),
  relativeStepSize: optional(number(0)),
  norm: optional(oneOf("Linf", "L2")),
  start: optional(oneOf("uniform", "gaussian", "none")),
  studentMode: optional(oneOf("train", "eval")),
};
const taught = { kind, alpha: number(0, 1), klReduction: optional(oneOf("batchMean", "elementMean")), ...innerAttack };
const introspective = {
  kind,
  alpha: number(0, 1),
  temperature: number(0),
  beta: number(0),
  introspectiveFrom: optional(number(0, 1)),
  weighsTeacher: optional(flag),
  ...innerAttack,
};

/** Those that train at images of an inner attack, which indirect gradient matching can be added to. */
const ADVERSARIAL: { readonly [K in IgdmBase["kind"]]: Check } = {
  adversarial: object<AdversarialSpec>({
    kind,
    eps,
    steps: integer(),
    stepSize: optional(eps),
    relativeStepSize: optional(number(0)),
    randomStart: optional(flag),
    studentMode: optional(oneOf("train", "eval")),
    gradAlign: optional(number(0)),
    gradAlignDetached: optional(flag),
  }),
  trades: object<TradesSpec>({ kind, beta: number(0), ...innerAttack }),
  mart: object<MartSpec>({ kind, lambda: number(0), floor: optional(number(0)), ...innerAttack }),
  ard: object<ArdSpec>({ ...distillation, teacherAt: optional(oneOf("clean", "adversarial")), ...innerAttack }),
  akd: object<AkdSpec>({ ...distillation, naturalAlpha: optional(number(0, 1)), ...innerAttack }),
  iad: object<IadSpec>(introspective),
  rslad: object<RsladSpec>(taught),
  adaad: object<AdaadSpec>(taught),
  adaiad: object<AdaiadSpec>(introspective),
};

/** Fields of each kind of objective. */
export const OBJECTIVE_CHECKS: { readonly [K in ObjectiveSpec["kind"]]: Check } = {
  natural: object<NaturalSpec>({ kind }),
  gaussianNoise: object<GaussianNoiseSpec>({ kind, sigma: number(0) }),
  ...ADVERSARIAL,
  kd: object<KdSpec>(distillation),
  kdiga: object<KdigaSpec>({
    ...distillation,
    weight: number(0),
    scale: optional(oneOf("perExample", "releasedCode")),
    squared: optional(flag),
    randomStart: optional(eps),
    separatePasses: optional(flag),
    attack: optional(object<InnerAttackFields>(innerAttack)),
    alignAt: optional(oneOf("clean", "adversarial")),
    distance: optional(oneOf("l2", "cosine")),
    gradientOf: optional(oneOf("crossEntropy", "projection")),
    onlyWhereTeacherIsRight: optional(flag),
  }),
  igam: object<IgamSpec>({
    kind,
    adversarialWeight: number(0),
    weight: number(0),
    reduction: optional(oneOf("mean", "sum")),
    from: number(0, 1),
    discriminator: object<IgamDiscriminator>({
      layers: integer(),
      channels: integer(),
      learningRate: number(0),
      weightDecay: number(0),
      every: integer(),
    }),
    randomStart: optional(eps),
  }),
  igdm: object<IgdmSpec>({ kind, base: union(ADVERSARIAL), weight: number(0) }),
  mtard: object<MtardSpec>({
    kind,
    ...innerAttack,
    weightRate: number(0, 1),
    weightRateDrops: optional(list(number(0, 1))),
    klReduction: optional(oneOf("batchMean", "elementMean")),
  }),
  saad: object<SaadSpec>({
    kind,
    ...innerAttack,
    gradientWeight: number(0),
    cleanWeight: number(0),
    weighting: optional(oneOf("entropy", "shifted")),
  }),
};
