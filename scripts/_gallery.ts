import { type FigureKind, FIGURES, renderPng, sha256Hex, type TopLevelSpec } from "../mod.ts";

/** What the page says of each kind of figure: what it shows, and which rows it is made of, in which file of a run. */
const ABOUT: { readonly [K in FigureKind]: { readonly shows: string; readonly rows: string } } = {
  "robustness-curve": {
    shows: "Accuracy over the radius of one attack, intervals as bands.",
    rows: "`EvaluationRow`: `evaluation.csv`, or the means over seeds in a sweep's `means.csv`",
  },
  "robustness-bars": {
    shows: "Accuracy without attack and under several attacks at one radius.",
    rows: "`EvaluationRow`: `evaluation.csv` or `means.csv`",
  },
  "trade-off": {
    shows: "Accuracy under an attack against accuracy without one, arrows from the teacher to its students.",
    rows: "`EvaluationRow`: `evaluation.csv` or `means.csv`",
  },
  "weight-sweep": {
    shows: "Clean accuracy and that under attacks against the weight of a term.",
    rows: "`WeightRow`: `weightRows()` of a sweep's `means.csv`",
  },
  "class-robustness": {
    shows: "Accuracy class by class, hollow without attack and filled under one.",
    rows: "`ClassRow`: `summarizeClasses()` of `evidence.csv`",
  },
  "break-matrix": {
    shows: "Of the images that one attack broke, the percentage that another failed on; how many it broke, and alone.",
    rows: "`EvidenceRow`: `evidence.csv` under at least two attacks",
  },
  "first-breaks": {
    shows: "To which attack, or stage of an ensemble, images fell first.",
    rows: "`EvidenceRow`: `evidence.csv`",
  },
  "convergence-fan": {
    shows: "What attacks have left after each look at an image: accuracy, and the spread of the margins.",
    rows: "`ConvergenceRow`",
  },
  "surface-map": {
    shows: "The loss on a plane around an image, through the direction of an attack.",
    rows: "`LossSurfaceRow`",
  },
  "certified-bracket": {
    shows: "What is certified and what attacks have left, between which the truth lies, over the radius.",
    rows: "`CertifiedRow`: `certifiedRows()` of certificates and `evidence.csv`",
  },
  "bracket-curve": {
    shows: "What is known of the worst case while attacks are still to be run.",
    rows: "`BracketRow`: `bracket.csv` of an evaluation within a budget",
  },
  "reported-measured": {
    shows: "Accuracy found here against reported accuracy, with the diagonal and the bounds of what chance allows.",
    rows: "`ReportedRow`: `reportedRows()` of RobustBench's cards and `evaluation.csv`",
  },
  "training-curves": {
    shows: "Terms of the loss over the steps of training.",
    rows: "`StepRow`: `steps.csv`",
  },
  "epoch-curves": {
    shows: "Accuracy on validation images over the epochs of training; a ring is the best epoch, a cross an alarm.",
    rows: "`EpochRow`: `epochs.csv` of networks with a watch",
  },
  "theory-check": {
    shows: "Both sides of the theory's bound on the loss gap of student and teacher.",
    rows: "`EpochRow`: `epochs.csv` of networks with a watch of the theory",
  },
  "analysis-curve": {
    shows: "Local linearity, cross-entropy or input gradients (here their gap to the teacher's) over the radius.",
    rows: "`AnalysisRow`: `analysis.csv`",
  },
  "reliability-diagram": {
    shows: "Accuracy of a teacher over its confidence.",
    rows: "`ReliabilityRow`: `reliability.csv` of an inspected teacher",
  },
};

const GOLDEN = "tests/golden";

/** The file of a kind's specification in the tests, from the root. */
export function goldenOf(kind: FigureKind): string {
  return `${GOLDEN}/${kind.replaceAll("-", "_")}.vl.json`;
}

/** The file of its picture, in the folder of the page. */
export function pictureOf(kind: FigureKind): string {
  return `${kind.replaceAll("-", "_")}.png`;
}

/**
 * The text of the page: a section for each kind of figure, with the checksum of the specification that its picture is of.
 *
 * @param root Folder of the repository, with a slash at its end.
 */
export async function galleryPage(root: URL): Promise<string> {
  const sections = await Promise.all((Object.keys(ABOUT) as FigureKind[]).map(async (kind) => {
    const spec = await Deno.readTextFile(new URL(goldenOf(kind), root));
    const { shows, rows } = ABOUT[kind];
    const name = FIGURES[kind].name;
    return `## ${kind}

${shows}

![${escapeMarkdown(String(JSON.parse(spec).description))}](${pictureOf(kind)})

\`${name}(rows, options)\`, of ${rows}.

<!-- ${goldenOf(kind)} ${await sha256Hex(spec)} -->
`;
  }));
  return `# Figures

Every kind of figure that [\`lib/report\`](../../lib/report) draws, from the rows of its tests: what they show is made up.
Each is a pure function of rows to a Vega-Lite specification, 8.5 cm wide (one column of a paper). \`deno task figures <run>\`
draws those of a run's own rows, as SVG, PNG for screens and at 300 dots per inch, and PDF with real text.

_Written by \`deno task gallery\` from \`${GOLDEN}/*.vl.json\`._

${sections.join("\n")}`;
}

/** Draws the picture of each kind of figure, two pixels for one. */
export async function galleryPictures(root: URL): Promise<Map<string, Uint8Array>> {
  const pictures = new Map<string, Uint8Array>();
  for (const kind of Object.keys(ABOUT) as FigureKind[]) {
    const spec = JSON.parse(await Deno.readTextFile(new URL(goldenOf(kind), root))) as TopLevelSpec;
    pictures.set(pictureOf(kind), await renderPng(spec));
  }
  return pictures;
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\[\]\\]/g, "\\$&");
}
