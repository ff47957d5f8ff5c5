import { assertEquals, assertThrows } from "@std/assert";
import {
  type AnalysisRow,
  DataError,
  type EpochRow,
  type EvaluationRow,
  type EvidenceRow,
  formatAnalysis,
  formatBracket,
  formatCost,
  formatDistances,
  formatEpochs,
  formatEvaluation,
  formatEvidence,
  formatImages,
  formatMeasurements,
  formatReliability,
  formatSeeds,
  formatSteps,
  formatSweep,
  formatTeacher,
  type MeasurementRow,
  parseAnalysis,
  parseBracket,
  parseCost,
  parseDistances,
  parseEpochs,
  parseEvaluation,
  parseEvidence,
  parseImages,
  parseMeasurements,
  parseReliability,
  parseSeeds,
  parseSteps,
  parseSweep,
  parseTeacher,
  type SeedsRow,
  type StepRow,
  type SweepRow,
  type TeacherRow,
} from "../../lib/core/mod.ts";

const EVALUATION: EvaluationRow[] = [
  { method: "kdiga", attack: "pgd-20", eps: "8/255", n: 100, correct: 41, rate: 0.41, low: 0.3186, high: 0.508 },
  { method: 'a "b", c', attack: "clean", eps: "0", n: 1, correct: 0, rate: 0, low: 0, high: 0.79 },
];
const SWEEP: SweepRow[] = EVALUATION.map((row, i) => (
  { run: "tiny-kd-s2-0123abcd", ...row, seed: i, images: 18, studentPasses: 1728.5, teacherPasses: 0 }
));
const SEEDS: SeedsRow[] = [
  { method: "kd", attack: "clean", eps: "0", seeds: 3, n: 9, rate: 0.5, low: 0.1, high: 0.9, interval: "seeds" },
  { method: "kd", attack: "fgsm", eps: "8/255", seeds: 1, n: 9, rate: 0, low: 0, high: 0.3, interval: "images" },
];
const EVIDENCE: EvidenceRow[] = [
  {
    method: "kd",
    attack: "fgsm",
    eps: "2/255",
    image: 7,
    label: 3,
    cleanMargin: 1.25,
    margin: -1e-7,
    success: 1,
    firstStep: 0,
    seed: 5,
  },
  {
    method: "kd",
    attack: "fgsm",
    eps: "2/255",
    image: 8,
    label: 0,
    cleanMargin: -Infinity,
    margin: NaN,
    success: 0,
    firstStep: "",
    seed: 5,
  },
];
const MEASUREMENTS: MeasurementRow[] = [
  {
    method: "kdiga",
    eps: "8/255",
    image: 3,
    localLinearity: 0.25,
    crossEntropy: Math.fround(1.1),
    gradientNorm: 0.5,
    gradientGap: 0,
    gradientCosine: -0.75,
  },
  {
    method: "teacher",
    eps: "0",
    image: 4,
    localLinearity: 0,
    crossEntropy: 1e-7,
    gradientNorm: 2,
    gradientGap: "",
    gradientCosine: "",
  },
];
const ANALYSIS: AnalysisRow[] = [
  { method: "kdiga", eps: "8/255", quantity: "gradient-cosine", n: 2, mean: -0.5, low: -1.25, high: 0.25 },
];
const STEPS: StepRow[] = [
  {
    method: "natural",
    step: 0,
    epoch: 0,
    learningRate: 0.1,
    loss: 2.302585092994046,
    terms: { ce: 2.302585092994046 },
  },
  { method: "kdiga", step: 1, epoch: 0, learningRate: 0.1, loss: 1.5, terms: { ce: 1, iga: 0.5 } },
];

Deno.test("formatEvaluation() and its kin write the documented columns, and what is written reads back", () => {
  assertEquals(
    formatEvaluation(EVALUATION),
    "method,attack,eps,n,correct,rate,low,high\n" +
      'kdiga,pgd-20,8/255,100,41,0.41,0.3186,0.508\n"a ""b"", c",clean,0,1,0,0,0,0.79\n',
  );
  assertEquals(
    formatEvidence(EVIDENCE),
    "method,attack,eps,image,label,cleanMargin,margin,success,firstStep,seed\n" +
      "kd,fgsm,2/255,7,3,1.25,-1e-7,1,0,5\nkd,fgsm,2/255,8,0,-Infinity,NaN,0,,5\n",
  );
  assertEquals(
    formatSteps(STEPS),
    "method,step,epoch,learningRate,loss,ce,iga\n" +
      "natural,0,0,0.1,2.302585092994046,2.302585092994046,\nkdiga,1,0,0.1,1.5,1,0.5\n",
  );
  assertEquals(parseEvaluation(formatEvaluation(EVALUATION)), { rows: EVALUATION, torn: false });
  assertEquals(parseSweep(formatSweep(SWEEP)), { rows: SWEEP, torn: false });
  assertEquals(parseSeeds(formatSeeds(SEEDS)), { rows: SEEDS, torn: false });
  assertThrows(
    () => parseSeeds(formatSeeds(SEEDS).replace("images", "epochs")),
    DataError,
    'Cannot read line 3 of "means.csv" as its interval is "epochs" where "seeds" or "images" was expected',
  );
  assertEquals(parseEvidence(formatEvidence(EVIDENCE)), { rows: EVIDENCE, torn: false });
  assertEquals(parseSteps(formatSteps(STEPS)), { rows: STEPS, torn: false });
  assertEquals(
    formatMeasurements(MEASUREMENTS),
    "method,eps,image,localLinearity,crossEntropy,gradientNorm,gradientGap,gradientCosine\n" +
      "kdiga,8/255,3,0.25,1.100000023841858,0.5,0,-0.75\nteacher,0,4,0,1e-7,2,,\n",
  );
  assertEquals(
    formatAnalysis(ANALYSIS),
    "method,eps,quantity,n,mean,low,high\nkdiga,8/255,gradient-cosine,2,-0.5,-1.25,0.25\n",
  );
  assertEquals(parseMeasurements(formatMeasurements(MEASUREMENTS)), { rows: MEASUREMENTS, torn: false });
  assertEquals(parseAnalysis(formatAnalysis(ANALYSIS)), { rows: ANALYSIS, torn: false });
  assertEquals(parseSteps(formatSteps(STEPS).replaceAll("\n", "\r\n")).rows, STEPS);
  assertEquals(parseEvaluation(""), { rows: [], torn: false });
  assertEquals(parseEvaluation(formatEvaluation([])), { rows: [], torn: false });
});

Deno.test("formatCost() and parseCost() write and read what training cost, times that are not known left empty", () => {
  const passes = { studentForward: 12, studentBackward: 14, teacherForward: 2, teacherBackward: 1 };
  const rows = [
    { method: "kdiga-ard", ...passes, images: 96, seconds: 1.2, secondsPerImage: 0.0125 },
    { method: "teacher", ...passes, images: 0, seconds: "", secondsPerImage: "" } as const,
  ];
  assertEquals(
    formatCost(rows),
    "method,studentForward,studentBackward,teacherForward,teacherBackward,images,seconds,secondsPerImage\n" +
      "kdiga-ard,12,14,2,1,96,1.2,0.0125\nteacher,12,14,2,1,0,,\n",
  );
  assertEquals(parseCost(formatCost(rows)), { rows, torn: false });
  assertThrows(() => parseCost(formatCost(rows).replace(",96,", ",x,")), DataError, 'its images is "x"');
});

Deno.test("formatBracket(), formatImages() and formatDistances() write what their kin read", () => {
  const distances = [
    { method: "kd", image: 3, attack: "fab", norm: "Linf", distance: 0.0125 },
    { method: "kd", image: 4, attack: "fab", norm: "Linf", distance: Infinity },
  ];
  assertEquals(
    formatDistances(distances),
    "method,image,attack,norm,distance\nkd,3,fab,Linf,0.0125\nkd,4,fab,Linf,Infinity\n",
  );
  assertEquals(parseDistances(formatDistances(distances)), { rows: distances, torn: false });
  const bracket = {
    method: "kd",
    norm: "L2",
    eps: "0.5",
    n: 3,
    finished: 1,
    standing: 2,
    lower: 1 / 3,
    lowerLow: 0.06,
    lowerHigh: 0.8,
    upper: 2 / 3,
    upperLow: 0.2,
    upperHigh: 0.94,
  };
  const header = "method,norm,eps,n,finished,standing,lower,lowerLow,lowerHigh,upper,upperLow,upperHigh\n";
  assertEquals(formatBracket([]), header);
  assertEquals(parseBracket(formatBracket([bracket])), { rows: [bracket], torn: false });
  const images = [
    { method: "kd", image: 3, label: 1, cleanMargin: 0.5, smallestEps: "2/255", attack: "fgsm" },
    { method: "kd", image: 4, label: 0, cleanMargin: 2, smallestEps: "", attack: "" },
  ];
  assertEquals(
    formatImages(images),
    "method,image,label,cleanMargin,smallestEps,attack\nkd,3,1,0.5,2/255,fgsm\nkd,4,0,2,,\n",
  );
  assertEquals(parseImages(formatImages(images)), { rows: images, torn: false });
  assertThrows(() => parseImages(formatImages(images).replace(",3,", ",x,")), DataError, 'its image is "x"');
});

Deno.test("formatEpochs() and parseEpochs() agree, with the columns of the theory and without", () => {
  const none = { gapL1: "", gapL2: "", linearity: "", teacherLinearity: "", cleanLossGap: "" } as const;
  const plain: EpochRow = {
    ...{ method: "teacher", epoch: 1, n: 200, attack: "pgd-5", eps: "8/255" },
    ...{ trainAccuracy: 0.1 + 0.2, cleanAccuracy: 0.5, robustAccuracy: 0.25, alarm: "" },
    ...none,
    ...{ attackLossGap: "", searchLossGap: "", bound: "", slack: "", violations: "" },
  };
  const theory: EpochRow = {
    ...{ ...plain, method: "kd", alarm: "rollBack", gapL1: 3, gapL2: 0.5, linearity: 1, teacherLinearity: 0.25 },
    ...{ cleanLossGap: 0.125, attackLossGap: 1.5, searchLossGap: 1.25, bound: 2, slack: -1e-7, violations: 3 },
  };
  const text = formatEpochs([plain, theory]);
  assertEquals(text.split("\n").slice(0, 2), [
    "method,epoch,n,attack,eps,trainAccuracy,cleanAccuracy,robustAccuracy,alarm,gapL1,gapL2,linearity," +
    "teacherLinearity,cleanLossGap,attackLossGap,searchLossGap,bound,slack,violations",
    "teacher,1,200,pgd-5,8/255,0.30000000000000004,0.5,0.25,,,,,,,,,,,",
  ]);
  assertEquals(parseEpochs(text), { rows: [plain, theory], torn: false });
  assertEquals(parseEpochs(text + "kd,2").torn, true);
  assertThrows(
    () => parseEpochs(text.replace("rollBack", "undo")),
    DataError,
    'its alarm is "undo" where one of report, stop, rollBack, or nothing was expected',
  );
});

Deno.test("formatTeacher() and formatReliability() write what their kin read", () => {
  const kind = { images: "pgd-20", source: "kd", eps: "8/255" };
  const rows: TeacherRow[] = [
    { ...kind, quantity: "accuracy", n: 10, value: 0.5, low: 0.25, high: 0.75 },
    { ...kind, source: "", quantity: "ece", n: 10, value: 0.1, low: "", high: "" },
  ];
  assertEquals(
    formatTeacher(rows),
    "images,source,eps,quantity,n,value,low,high\npgd-20,kd,8/255,accuracy,10,0.5,0.25,0.75\npgd-20,,8/255,ece,10,0.1,,\n",
  );
  assertEquals(parseTeacher(formatTeacher(rows)), { rows, torn: false });
  assertThrows(() => parseTeacher(formatTeacher(rows).replace("ece", "x")), DataError, 'its quantity is "x"');
  const bins = [{ ...kind, from: 0.2, to: 0.4, n: 3, confidence: 0.3, accuracy: 1 / 3 }];
  assertEquals(parseReliability(formatReliability(bins)), { rows: bins, torn: false });
});

Deno.test("formatSteps() appends under the columns of the first lines", () => {
  const terms = ["ce", "kl", "iga"];
  const text = formatSteps(STEPS.slice(0, 1), { terms }) + formatSteps(STEPS.slice(1), { terms, headers: false });
  assertEquals(text, formatSteps(STEPS, { terms }));
  assertEquals(parseSteps(text).rows, STEPS);
  assertEquals(
    assertThrows(() => formatSteps(STEPS, { terms: ["ce"] }), TypeError).message,
    'Cannot write the term "iga" as the columns of terms are [ce]: add it to them',
  );
  assertThrows(() => formatSteps([], { terms: ["loss"] }), TypeError, 'Cannot write a term named "loss"');
  assertThrows(
    () => formatEvaluation([{ ...EVALUATION[0]!, method: "a\nb" }]),
    TypeError,
    'Cannot write "a\\nb" to a CSV file as it has a line break: rename it',
  );
});

Deno.test("parseEvaluation() leaves out a torn last line, wherever it was cut", () => {
  const text = formatEvaluation(EVALUATION);
  const second = text.indexOf('"a');
  for (let end = second; end < text.length; end++) {
    assertEquals(parseEvaluation(text.slice(0, end)), { rows: EVALUATION.slice(0, 1), torn: end > second });
  }
  assertEquals(parseEvaluation("method,att"), { rows: [], torn: true });
});

Deno.test("parseEvaluation() names the line that is bad, and what was expected", () => {
  const [header, first] = formatEvaluation(EVALUATION).split("\n");
  const message = (text: string) =>
    assertThrows(() => parseEvaluation(text, "runs/x/evaluation.csv"), DataError).message;
  assertEquals(
    message(`${header}\n\n${first}\nkd,clean,0,1\n${first}\n`),
    'Cannot read line 4 of "runs/x/evaluation.csv" as it has 4 fields where 8 were expected: mend or remove it',
  );
  assertEquals(
    message(`${header}\n${first!.replace("100", "1e2")}\n`),
    'Cannot read line 2 of "runs/x/evaluation.csv" as its n is "1e2" where an integer of 0 or more was expected: ' +
      "mend or remove it",
  );
  assertEquals(
    message(`${header}\n${first!.replace("0.3186", "")}\n`),
    'Cannot read line 2 of "runs/x/evaluation.csv" as its low is "" where a number was expected: mend or remove it',
  );
  assertEquals(
    message("method,attack\n"),
    'Cannot read "runs/x/evaluation.csv" as its columns are "method,attack" where ' +
      '"method,attack,eps,n,correct,rate,low,high" were expected: ' +
      "use a file that this version wrote, or remove it to write it anew",
  );
  assertThrows(() => parseEvaluation(`${header}\n"a,b\n`), DataError, 'Cannot read "evaluation.csv" as CSV: ');
});

Deno.test("parseEvidence() and its kin check their fields", () => {
  const bad = (text: string, from: string, to: string) => text.replace(from, to);
  assertThrows(
    () => parseEvidence(bad(formatEvidence(EVIDENCE), ",1,0,5", ",2,0,5")),
    DataError,
    'its success is "2" where 0 or 1 was expected',
  );
  assertThrows(
    () => parseEvidence(bad(formatEvidence(EVIDENCE), ",0,,5", ",0,-1,5")),
    DataError,
    'its firstStep is "-1" where an integer of 0 or more, or nothing was expected',
  );
  assertThrows(
    () => parseAnalysis(bad(formatAnalysis(ANALYSIS), "gradient-cosine", "cosine")),
    DataError,
    'its quantity is "cosine" where one of local-linearity, cross-entropy, gradient-norm, gradient-gap, gradient-cosine ' +
      "was expected",
  );
  assertThrows(
    () => parseMeasurements(bad(formatMeasurements(MEASUREMENTS), ",,", ",none,")),
    DataError,
    'its gradientGap is "none" where a number or nothing was expected',
  );
  assertThrows(() => parseSteps(bad(formatSteps(STEPS), "0.1", "fast")), DataError, 'its learningRate is "fast"');
  assertThrows(() => parseSteps("step,method,epoch,learningRate,loss\n"), DataError, "its columns are");
});
