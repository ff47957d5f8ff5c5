import type { AttackSpec, DataSpec, ModelCard, ReferenceBackend } from "../mod.ts";

/** A network, as the page knows it. */
export interface ExploredNetwork {
  /** Name in rows. */
  readonly name: string;
  /** Name for people. */
  readonly label: string;
  /** Its colour in every figure, `#rrggbb`. */
  readonly color: string;
  /** What its weights are. */
  readonly card: ModelCard;
}

/** What there is to explore, as the page asks for it first. */
export interface ExploredRun {
  /** What it is called. */
  readonly title: string;
  /** Names the random starts, as in the evidence of the run. */
  readonly seed: number;
  readonly networks: readonly ExploredNetwork[];
  readonly data: {
    readonly kind: DataSpec["kind"];
    readonly split: "test" | "validation";
    readonly classes: readonly string[];
    readonly imageShape: readonly [height: number, width: number, channels: number];
    /** Id of each image. */
    readonly ids: readonly number[];
    /** Class of each image. */
    readonly labels: readonly number[];
  };
}

/** An image that an attack has made, and what the networks say of it. */
export interface Frame {
  /** "start" of a path, a "step" of it, the "best" image so far (of attacks that hold one), or the verified "result". */
  readonly kind: "start" | "step" | "best" | "result";
  /** Number of the step over all trials, 0 for the start. */
  readonly step: number;
  /** Pixels in [0,1], [H * W * C]. */
  readonly pixels: Float32Array;
  /** Logits of the network that is attacked, and of the one beside it where there is one. */
  readonly logits: readonly Float32Array[];
}

/** What became of an attack. */
export interface Outcome {
  /** What was found, verified as in every evaluation. */
  readonly frame: Frame;
  /** Margin of the attacked network, as the evidence of a run has it. */
  readonly margin: number;
  /** Step at which the image first fell, 0 for the start, -1 where it stands. */
  readonly firstStep: number;
  readonly forwardPasses: number;
  readonly backwardPasses: number;
}

/** What the page asks its worker for; answers carry the id. */
export type Request =
  | {
    readonly kind: "predict";
    readonly id: number;
    /** Position of the image. */
    readonly image: number;
    /** The attacked network, and the one beside it. */
    readonly networks: readonly number[];
    readonly backend: ReferenceBackend | "auto";
  }
  | {
    readonly kind: "attack";
    readonly id: number;
    readonly image: number;
    readonly networks: readonly number[];
    readonly backend: ReferenceBackend | "auto";
    readonly spec: AttackSpec;
    /** As written: "8/255". */
    readonly eps: string;
  }
  | { readonly kind: "cancel" };

/** What the worker tells. */
export type Answer =
  | {
    readonly kind: "predicted";
    readonly id: number;
    readonly logits: readonly Float32Array[];
    readonly device: string;
  }
  /** Largest difference of a logit from the plain kernels', where others computed; told once of a network. */
  | { readonly kind: "compared"; readonly id: number; readonly difference: number }
  /** The attack's name in tables, and how many steps it may take at most. */
  | {
    readonly kind: "begun";
    readonly id: number;
    readonly name: string;
    readonly steps: number;
    readonly device: string;
  }
  | { readonly kind: "frame"; readonly id: number; readonly frame: Frame }
  | { readonly kind: "ended"; readonly id: number; readonly outcome: Outcome; readonly seconds: number }
  | { readonly kind: "cancelled"; readonly id: number }
  /** A mistake that a person can mend, or one of the program. */
  | { readonly kind: "failed"; readonly id: number; readonly message: string };
