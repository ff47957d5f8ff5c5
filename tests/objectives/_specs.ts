import {
  ADAAD_PAPER,
  ADAAD_RELEASED_CODE,
  ADAIAD_PAPER,
  AKD2_RELEASED_CODE,
  AKD_PAPER,
  ARD_KDIGA_RELEASED_CODE,
  ARD_PAPER,
  FAST_AT,
  FAST_AT_GRAD_ALIGN,
  GAUSSIAN_NOISE,
  IAD_PAPER,
  IAD_RELEASED_CODE,
  IGAM_PAPER,
  type IgamSpec,
  IGDM_PAPER,
  KDIGA_ARD_ADVERSARIAL,
  KDIGA_ARD_CLEAN,
  KDIGA_PAPER,
  KDIGA_PROJECTION,
  KDIGA_RELEASED_CODE,
  MART_PAPER,
  MART_RELEASED_CODE,
  MTARD_PAPER,
  MTARD_RELEASED_CODE,
  type ObjectiveSpec,
  PGD_AT,
  RSLAD_PAPER,
  RSLAD_RELEASED_CODE,
  SAAD_CLEAN,
  SAAD_PAPER,
  SAAD_RELEASED_CODE,
  TRADES_PAPER,
} from "../../lib/objectives/mod.ts";

/** Terms large enough for float32 differences. */
const IGAM: IgamSpec = {
  ...IGAM_PAPER,
  weight: 1,
  discriminator: { ...IGAM_PAPER.discriminator, channels: 3 },
};

/** Small specs of each kind: a new kind does not compile until it has one. */
export const SPECS: { readonly [K in ObjectiveSpec["kind"]]: readonly Extract<ObjectiveSpec, { kind: K }>[] } = {
  natural: [{ kind: "natural" }],
  gaussianNoise: [GAUSSIAN_NOISE],
  // So far that gradients part.
  adversarial: [PGD_AT, FAST_AT, { ...FAST_AT_GRAD_ALIGN, eps: "0.9" }],
  kd: [
    { kind: "kd", alpha: 0.5, temperature: 1 },
    { kind: "kd", alpha: 0.9, temperature: 4, klReduction: "elementMean" },
  ],
  kdiga: [
    KDIGA_PAPER,
    // Of the order of the other terms, so that float32 differences can see it.
    { ...KDIGA_RELEASED_CODE, weight: 10 },
    { ...KDIGA_PAPER, squared: true, temperature: 2, randomStart: "8/255", separatePasses: true },
    { ...KDIGA_ARD_CLEAN, distance: "cosine", separatePasses: true },
    { ...KDIGA_ARD_ADVERSARIAL, onlyWhereTeacherIsRight: true },
    { ...KDIGA_PROJECTION, randomStart: "8/255" },
  ],
  trades: [TRADES_PAPER],
  mart: [MART_PAPER, MART_RELEASED_CODE],
  // At temperature 30 the divergence is a difference of numbers 1e4 times as large, which float32 differences do not see.
  ard: [{ ...ARD_PAPER, temperature: 5 }, { ...ARD_PAPER, alpha: 0.7, temperature: 3 }, ARD_KDIGA_RELEASED_CODE],
  akd: [AKD_PAPER, AKD2_RELEASED_CODE],
  // Trust is near 1 at the usual beta of 0.1, and the student's own part too small for float32 differences.
  iad: [{ ...IAD_PAPER, beta: 1, alpha: 0.6, temperature: 2 }, { ...IAD_RELEASED_CODE, beta: 1 }],
  rslad: [RSLAD_PAPER, RSLAD_RELEASED_CODE, { ...RSLAD_PAPER, alpha: 1 }],
  adaad: [ADAAD_PAPER, { ...ADAAD_RELEASED_CODE, alpha: 0.6 }],
  adaiad: [{ ...ADAIAD_PAPER, beta: 1 }, { ...ADAIAD_PAPER, beta: 2, alpha: 0.6 }],
  igam: [IGAM, { ...IGAM, reduction: "sum", weight: 0.3 }],
  igdm: [
    IGDM_PAPER,
    { ...IGDM_PAPER, base: PGD_AT },
    { ...IGDM_PAPER, base: { ...FAST_AT_GRAD_ALIGN, eps: "0.9" } },
    { ...IGDM_PAPER, base: TRADES_PAPER },
    { ...IGDM_PAPER, base: MART_PAPER },
    { ...IGDM_PAPER, base: ARD_KDIGA_RELEASED_CODE },
    { ...IGDM_PAPER, base: { ...ARD_PAPER, temperature: 5 } },
    { ...IGDM_PAPER, base: AKD_PAPER },
    { ...IGDM_PAPER, base: { ...IAD_PAPER, beta: 1 } },
    { ...IGDM_PAPER, base: RSLAD_PAPER },
    { ...IGDM_PAPER, base: { ...ADAIAD_PAPER, beta: 1 } },
  ],
  mtard: [MTARD_PAPER, MTARD_RELEASED_CODE],
  saad: [SAAD_PAPER, SAAD_CLEAN, { ...SAAD_RELEASED_CODE, cleanWeight: 0.2 }],
};

/** Each of them with its text. */
export const EACH: readonly (readonly [ObjectiveSpec, string])[] = Object.values(SPECS).flat()
  .map((spec): [ObjectiveSpec, string] => [spec, JSON.stringify(spec)]);
