import type { AnalysisQuantity } from "../core/mod.ts";

/** What a quantity of the analysis is called: on an axis, and in the head of a table. */
export const QUANTITIES: {
  readonly [Q in AnalysisQuantity]: { readonly title: string; readonly heading: string };
} = {
  "local-linearity": { title: "Local linearity error (nats)", heading: "Local linearity" },
  "cross-entropy": { title: "Cross-entropy (nats)", heading: "Cross-entropy" },
  "gradient-norm": { title: "Length of the input gradient", heading: "Gradient length" },
  "gradient-gap": { title: "Gradient gap to the teacher", heading: "Gap to teacher" },
  "gradient-cosine": { title: "Gradient cosine to the teacher", heading: "Cosine to teacher" },
};
