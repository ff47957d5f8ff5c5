import {
  type AnalysisRow,
  type BracketRow,
  type CertifiedRow,
  type ClassRow,
  type ConvergenceRow,
  type EpochRow,
  type EvaluationRow,
  type EvidenceRow,
  type LossSurfaceRow,
  type ReliabilityRow,
  type ReportedRow,
  type StepRow,
  type TeacherRow,
  type WeightRow,
  wilson,
} from "../../lib/core/mod.ts";

/** Evaluation of three methods (one of them unknown to the theme) under two attacks at three radii, 200 images. */
export const EVALUATION: readonly EvaluationRow[] = [
  ...evaluated("kdiga", 174, { "fgsm": [160, 145, 118], "pgd-20": [156, 140, 100] }),
  ...evaluated("my net", 190, { "fgsm": [120, 60, 24], "pgd-20": [90, 30, 0] }),
  ...evaluated("teacher", 186, { "fgsm": [176, 168, 140], "pgd-20": [174, 164, 126] }),
];

/** Seven steps of two methods with different terms. */
export const STEPS: readonly StepRow[] = ["kdiga", "natural"].flatMap((method) =>
  Array.from({ length: 7 }, (_, step) => {
    const ce = 2 - step / 4;
    const terms: Record<string, number> = method === "kdiga" ? { ce, kl: step / 8, iga: 0.004 / (1 + step) } : { ce };
    const loss = Object.values(terms).reduce((sum, term) => sum + term, 0);
    return { method, step, epoch: 0, learningRate: 0.1, loss, terms };
  })
);

function evaluated(method: string, clean: number, attacked: Record<string, readonly number[]>): EvaluationRow[] {
  const row = (attack: string, eps: string, correct: number): EvaluationRow => ({
    method,
    attack,
    eps,
    n: 200,
    correct,
    ...wilson(correct, 200),
  });
  return [
    row("clean", "0", clean),
    ...Object.entries(attacked).flatMap(([attack, counts]) =>
      counts.map((correct, i) => row(attack, ["2/255", "4/255", "8/255"][i]!, correct))
    ),
  ];
}

/** The same rows in another order: every third one first, then the rest backwards. */
export function shuffled<R>(rows: readonly R[]): R[] {
  return [...rows.filter((_, i) => i % 3 === 0), ...rows.filter((_, i) => i % 3 !== 0).reverse()];
}

/** Two quantities of two networks at three radii. */
export const ANALYSIS: readonly AnalysisRow[] = ["kdiga", "kd"].flatMap((method, m) =>
  ["0", "4/255", "8/255"].flatMap((eps, i) =>
    (["local-linearity", "gradient-gap"] as const).map((quantity, q): AnalysisRow => {
      const mean = (1 + m) * i * 0.25 + q;
      return { method, eps, quantity, n: 200, mean, low: mean - 0.1, high: mean + 0.1 };
    })
  )
);

/** What is known of two networks at three radii: of one everything, of the other less the larger the radius. */
export const BRACKET: readonly BracketRow[] = ["kdiga", "kd"].flatMap((method, m) =>
  ["0", "4/255", "8/255"].map((eps, i): BracketRow => {
    const [finished, standing] = [160 - 40 * i - 20 * m * i, 160 - 40 * i + 10 * m * i];
    const [least, most] = [wilson(finished, 200), wilson(standing, 200)];
    return {
      method,
      norm: "Linf",
      eps,
      n: 200,
      finished,
      standing,
      lower: least.rate,
      lowerLow: least.low,
      lowerHigh: least.high,
      upper: most.rate,
      upperLow: most.low,
      upperHigh: most.high,
    };
  })
);

/** Four epochs of a teacher, and of a student whose accuracy under attack breaks down, with the theory's columns. */
export const EPOCHS: readonly EpochRow[] = ["kd", "teacher"].flatMap((method) =>
  [1, 2, 3, 4].map((epoch, i): EpochRow => {
    const student = method === "kd";
    const robustAccuracy = student ? [0.2, 0.4, 0.41, 0.1][i]! : [0.3, 0.5, 0.55, 0.55][i]!;
    return {
      method,
      epoch,
      n: 100,
      attack: "pgd-5",
      eps: "8/255",
      trainAccuracy: 0.5,
      cleanAccuracy: student ? 0.6 : 0.8 - i / 100,
      robustAccuracy,
      alarm: student && epoch === 4 ? "report" : "",
      gapL1: student ? 25.5 / epoch : "",
      gapL2: student ? 2 / epoch : "",
      linearity: student ? 0.3 * epoch : "",
      teacherLinearity: student ? 0.1 : "",
      cleanLossGap: student ? 0.5 / epoch : "",
      attackLossGap: student ? 0.7 : "",
      searchLossGap: student ? 0.6 : "",
      bound: student ? 0.5 / epoch + 0.8 / epoch + 0.3 * epoch + 0.1 : "",
      slack: student ? 0.1 : "",
      violations: student ? i : "",
    };
  })
);

const KINDS = [
  { images: "clean", source: "", eps: "0" },
  { images: "pgd-20", source: "", eps: "8/255" },
  { images: "pgd-20", source: "kdiga", eps: "8/255" },
] as const;

/** A teacher on clean images, its own adversarial ones, and a student's. */
export const TEACHER: readonly TeacherRow[] = [
  ...KINDS.flatMap((kind, i): TeacherRow[] => [
    {
      ...kind,
      quantity: "accuracy",
      n: 200,
      ...((({ rate, low, high }) => ({ value: rate, low, high }))(wilson(160 - 40 * i, 200))),
    },
    { ...kind, quantity: "ece", n: 200, value: 0.05 * (1 + i), low: "", high: "" },
    { ...kind, quantity: "entropy", n: 200, value: 1.2345, low: 1.1, high: 1.3 },
  ]),
  { ...KINDS[0], eps: "8/255", quantity: "local-linearity", n: 200, value: 0.0123, low: 0.01, high: 0.02 },
];

/** Its bins, the last one of a single image. */
export const RELIABILITY: readonly ReliabilityRow[] = KINDS.flatMap((kind, i) =>
  [[0.3, 40], [0.6, 159], [0.9, 1]].map(([confidence = 0, n = 0]): ReliabilityRow => ({
    ...kind,
    from: confidence - 0.05,
    to: confidence + 0.05,
    n,
    confidence,
    accuracy: confidence - 0.1 * i,
  }))
);

/** Two attacks on one network, the second longer: 200 images, margins that fall by 1 with each look. */
export const CONVERGENCE: readonly ConvergenceRow[] = [["pgd-20", 4], ["apgd-ce", 9]].flatMap(([attack, looks]) =>
  Array.from({ length: 1 + Number(looks) }, (_, k): ConvergenceRow => {
    const correct = Math.max(100, 180 - 10 * k);
    return {
      method: "kdiga",
      attack: String(attack),
      eps: "8/255",
      n: 200,
      correct,
      ...wilson(correct, 200),
      looks: k,
      margins: [-1 - k, 2 - k, 4 - k, 6 - k, 9 - k],
    };
  })
);

/** The margin 0.02 - a + b / 2 of one network and half of that of another, on a grid of 5 by 5 points. */
export const SURFACE: readonly LossSurfaceRow[] = ["kdiga", "natural"].flatMap((method, m) =>
  [-2, -1, 0, 1, 2].flatMap((j) =>
    [-2, -1, 0, 1, 2].map((i): LossSurfaceRow => {
      const [a, b] = [6 * i / 255, 6 * j / 255];
      const margin = (0.02 - a + b / 2) / (1 + m);
      const distance = Math.abs(a) + Math.abs(b);
      return { method, image: 7, eps: "8/255", a, b, loss: Math.log1p(Math.exp(-margin)), margin, distance };
    })
  )
);

/** A method at weights 0, 1, 4, 16 and 64, 200 images. */
export const WEIGHTS: readonly WeightRow[] = [
  { attack: "clean", eps: "0", counts: [160, 150, 140, 120, 90] },
  { attack: "pgd-20", eps: "8/255", counts: [2, 20, 45, 60, 55] },
  { attack: "autoattack", eps: "8/255", counts: [0, 14, 36, 54, 52] },
].flatMap(({ attack, eps, counts }) =>
  counts.map((correct, i): WeightRow => ({
    method: "kdiga",
    attack,
    eps,
    weight: [0, 1, 4, 16, 64][i]!,
    n: 200,
    correct,
    ...wilson(correct, 200),
  }))
);

/** Three classes of 50 images under PGD-20 at two radii. */
export const CLASSES: readonly ClassRow[] = [
  { method: "teacher", clean: [45, 40, 30], attacked: [30, 25, 5] },
  { method: "kdiga", clean: [44, 36, 25], attacked: [28, 20, 2] },
].flatMap(({ method, clean, attacked }) =>
  [0, 1, 2].flatMap((label) =>
    [
      { attack: "clean", eps: "0", correct: clean[label]! },
      { attack: "pgd-20", eps: "4/255", correct: attacked[label]! + 5 },
      { attack: "pgd-20", eps: "8/255", correct: attacked[label]! },
    ].map(({ attack, eps, correct }): ClassRow => ({
      method,
      attack,
      eps,
      label,
      n: 50,
      correct,
      ...wilson(correct, 50),
    }))
  )
);

/**
 * Twenty images of two networks under three attacks at 8/255, as letters: "." stands, "x" is broken, "w" is wrong without
 * an attack.
 */
export const EVIDENCE: readonly EvidenceRow[] = [
  ...outcomes("kd", {
    "fgsm": "wwwwxxxxxxxx........",
    "pgd-20": "wwwwxxxxxxxxxxxx....",
    "square": "wwww..xxxxxx....xx..",
    "clean": "wwww................",
  }),
  ...outcomes("kdiga", {
    "fgsm": "wwwwwwxxx...........",
    "pgd-20": "wwwwwwxxxxx.........",
    "square": "wwwwww...xx..x......",
    "clean": "wwwwww..............",
  }),
];

/** The stages of an ensemble, each with what is left after it and those before: two fell to the third alone. */
export const STAGES: readonly EvidenceRow[] = outcomes("kdiga", {
  "autoattack.apgd-ce": "wwwwxxxx............",
  "autoattack.apgd-t": "wwwwxxxxxxx.........",
  "autoattack.fab-t": "wwwwxxxxxxx.........",
  "autoattack.square": "wwwwxxxxxxxxx.......",
  "autoattack": "wwwwxxxxxxxxx.......",
  "clean": "wwww................",
});

function outcomes(method: string, attacks: Readonly<Record<string, string>>): EvidenceRow[] {
  return Object.entries(attacks).flatMap(([attack, letters], stage) =>
    [...letters].map((letter, image): EvidenceRow => ({
      method,
      attack,
      eps: attack === "clean" ? "0" : "8/255",
      image: 100 + image,
      label: image % 10,
      cleanMargin: letter === "w" ? -1 : 2,
      // Later stages find lower margins where they find anything.
      margin: letter === "." ? 1 - stage / 100 : -1,
      success: letter === "." ? 0 : 1,
      firstStep: letter === "." ? "" : letter === "w" ? 0 : 3,
      seed: 1,
    }))
  );
}

/** Two methods, one with two certificates, at four radii, 200 images. */
export const CERTIFIED: readonly CertifiedRow[] = [
  { method: "kdiga", certificate: "crown", certified: [160, 120, 80, 5] },
  { method: "kdiga", certificate: "ibp", certified: [160, 90, 50, 0] },
  { method: "trades", certificate: "crown", certified: [150, 130, 100, 20] },
].flatMap(({ method, certificate, certified }) =>
  [0, 1, 2, 8].map((eps, i): CertifiedRow => ({
    method,
    certificate,
    attack: "autoattack",
    eps: `${eps}/255`,
    n: 200,
    certified: certified[i]!,
    attacked: (method === "kdiga" ? [160, 150, 140, 80] : [150, 145, 135, 90])[i]!,
  }))
);

/** Two networks: one as it is reported, one whose attack here is too weak. */
export const REPORTED: readonly ReportedRow[] = [
  { name: "Wong2020Fast", attack: "clean", reported: 0.8334, correct: 415 },
  { name: "Wong2020Fast", attack: "autoattack", reported: 0.4321, correct: 220 },
  { name: "Zhang2019Theoretically", attack: "clean", reported: 0.8492, correct: 427 },
  { name: "Zhang2019Theoretically", attack: "worst", reported: 0.5308, correct: 300 },
].map(({ correct, ...row }) => ({ ...row, n: 500, ...wilson(correct, 500) }));
