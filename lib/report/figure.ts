import type {
  AnalysisRow,
  BracketRow,
  CertifiedRow,
  ClassRow,
  ConvergenceRow,
  EpochRow,
  EvaluationRow,
  EvidenceRow,
  LossSurfaceRow,
  ReliabilityRow,
  ReportedRow,
  StepRow,
  WeightRow,
} from "../core/mod.ts";
import { analysisCurve, type AnalysisCurveOptions } from "./analysis_curve.ts";
import { bracketCurve, type BracketCurveOptions } from "./bracket_curve.ts";
import { breakMatrix, type BreakMatrixOptions } from "./break_matrix.ts";
import { certifiedBracket, type CertifiedBracketOptions } from "./certified_bracket.ts";
import { classRobustness, type ClassRobustnessOptions } from "./class_robustness.ts";
import { convergenceFan, type ConvergenceFanOptions } from "./convergence_fan.ts";
import { epochCurves, type EpochCurvesOptions } from "./epoch_curves.ts";
import { firstBreaks, type FirstBreaksOptions } from "./first_breaks.ts";
import { reliabilityDiagram, type ReliabilityDiagramOptions } from "./reliability_diagram.ts";
import type { TopLevelSpec } from "./render.ts";
import { reportedMeasured, type ReportedMeasuredOptions } from "./reported_measured.ts";
import { robustnessBars, type RobustnessBarsOptions } from "./robustness_bars.ts";
import { robustnessCurve, type RobustnessCurveOptions } from "./robustness_curve.ts";
import { surfaceMap, type SurfaceMapOptions } from "./surface_map.ts";
import { theoryCheck, type TheoryCheckOptions } from "./theory_check.ts";
import { tradeOff, type TradeOffOptions } from "./trade_off.ts";
import { trainingCurves, type TrainingCurvesOptions } from "./training_curves.ts";
import { weightSweep, type WeightSweepOptions } from "./weight_sweep.ts";

/**
 * A figure: a pure function of rows. The specification holds its data, so it can be drawn anywhere and kept in a file.
 */
export type Figure<R, O = object> = (rows: readonly R[], options?: O) => TopLevelSpec;

/** Rows and options of each kind of figure. */
export interface FigureTypes {
  /** Accuracy over the radius of one attack. */
  readonly "robustness-curve": { readonly row: EvaluationRow; readonly options: RobustnessCurveOptions };
  /** Accuracy without attack and under several attacks at one radius. */
  readonly "robustness-bars": { readonly row: EvaluationRow; readonly options: RobustnessBarsOptions };
  /** Accuracy against the weight of a term. */
  readonly "weight-sweep": { readonly row: WeightRow; readonly options: WeightSweepOptions };
  /** Accuracy class by class. */
  readonly "class-robustness": { readonly row: ClassRow; readonly options: ClassRobustnessOptions };
  /** Which attacks broke what others failed on. */
  readonly "break-matrix": { readonly row: EvidenceRow; readonly options: BreakMatrixOptions };
  /** To which attack images fell first. */
  readonly "first-breaks": { readonly row: EvidenceRow; readonly options: FirstBreaksOptions };
  /** Accuracy under an attack against accuracy without one. */
  readonly "trade-off": { readonly row: EvaluationRow; readonly options: TradeOffOptions };
  /** Loss terms over the steps of training. */
  readonly "training-curves": { readonly row: StepRow; readonly options: TrainingCurvesOptions };
  /** A quantity of the analysis over the radius. */
  readonly "analysis-curve": { readonly row: AnalysisRow; readonly options: AnalysisCurveOptions };
  /** What is known of the worst case over the radius, while attacks are still to be run. */
  readonly "bracket-curve": { readonly row: BracketRow; readonly options: BracketCurveOptions };
  /** What is certified and what attacks have left over the radius. */
  readonly "certified-bracket": { readonly row: CertifiedRow; readonly options: CertifiedBracketOptions };
  /** Accuracy found here against reported accuracy. */
  readonly "reported-measured": { readonly row: ReportedRow; readonly options: ReportedMeasuredOptions };
  /** Accuracy on validation images over the epochs of training. */
  readonly "epoch-curves": { readonly row: EpochRow; readonly options: EpochCurvesOptions };
  /** Both sides of the bound on the loss gap over the epochs of distillation. */
  readonly "theory-check": { readonly row: EpochRow; readonly options: TheoryCheckOptions };
  /** Accuracy of a teacher over its confidence. */
  readonly "reliability-diagram": { readonly row: ReliabilityRow; readonly options: ReliabilityDiagramOptions };
  /** Accuracy and margins that attacks have left over the images that they have looked at. */
  readonly "convergence-fan": { readonly row: ConvergenceRow; readonly options: ConvergenceFanOptions };
  /** The loss on a plane around an image. */
  readonly "surface-map": { readonly row: LossSurfaceRow; readonly options: SurfaceMapOptions };
}

/** Name of a kind of figure. */
export type FigureKind = keyof FigureTypes;

/** Every kind of figure; a kind without its function does not compile. */
export const FIGURES: {
  readonly [K in FigureKind]: Figure<FigureTypes[K]["row"], FigureTypes[K]["options"]>;
} = {
  "robustness-curve": robustnessCurve,
  "robustness-bars": robustnessBars,
  "weight-sweep": weightSweep,
  "class-robustness": classRobustness,
  "break-matrix": breakMatrix,
  "first-breaks": firstBreaks,
  "trade-off": tradeOff,
  "training-curves": trainingCurves,
  "analysis-curve": analysisCurve,
  "bracket-curve": bracketCurve,
  "certified-bracket": certifiedBracket,
  "reported-measured": reportedMeasured,
  "epoch-curves": epochCurves,
  "theory-check": theoryCheck,
  "reliability-diagram": reliabilityDiagram,
  "convergence-fan": convergenceFan,
  "surface-map": surfaceMap,
};
