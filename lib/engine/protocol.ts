import type { DType, NdArray } from "../core/mod.ts";
import type { DeviceName } from "./engine.ts";

/** An input of a run: an array that comes along, or a value that the worker holds. */
export type Feed = { readonly name: string } & ({ readonly array: NdArray } | { readonly value: number });

/** An output of a program. */
export interface Output {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** An output of a run, and the number under which the worker keeps it. */
export interface Fetch extends Output {
  readonly value: number;
}

/** What the engine asks of its worker; requests are served in order. */
export type Request =
  | {
    readonly kind: "open";
    readonly threads: number;
    /** Where to compute; without it on the library's best. */
    readonly device?: DeviceName;
    readonly library?: string;
  }
  | {
    readonly kind: "compile";
    readonly session: number;
    /** Name of the program, for error messages. */
    readonly name: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** Names of the inputs, and the outputs, in the order of feeds and fetches. */
    readonly inputs: readonly string[];
    readonly outputs: readonly Output[];
  }
  | {
    readonly kind: "run";
    readonly session: number;
    readonly feeds: readonly Feed[];
    readonly fetches: readonly Fetch[];
  }
  | { readonly kind: "put"; readonly value: number; readonly array: NdArray }
  | { readonly kind: "read"; readonly value: number }
  | { readonly kind: "free"; readonly values: readonly number[] }
  | { readonly kind: "release"; readonly session: number }
  | { readonly kind: "close" };

/** Number of a request that gets no answer. */
export const UNANSWERED = -1;

/** The worker's answer to the request of the same number. */
export interface Reply {
  readonly call: number;
  readonly error?: string;
  /** Of "open": version of the library and device that it runs on. */
  readonly version?: string;
  readonly device?: string;
  /** Of "read". */
  readonly data?: NdArray["data"];
  /** Of "run": the outputs that are cheap to send at once. */
  readonly small?: readonly (readonly [value: number, data: NdArray["data"]])[];
}
