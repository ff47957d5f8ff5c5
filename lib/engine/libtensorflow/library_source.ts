import type { Progress } from "../../core/mod.ts";

/** A system that a library is for. */
export interface LibraryTarget {
  /** Operating system. */
  readonly os: typeof Deno.build.os;
  /** Processor. */
  readonly arch: typeof Deno.build.arch;
}

/** Where TensorFlow's library can come from, in the order of {@linkcode LIBRARY_SOURCES}. */
export type LibrarySource = "found" | "python" | "pip" | "index" | "archive";

/** What a source gets. */
export interface SourceContext {
  /** The system that the library is for. */
  readonly target: LibraryTarget;
  /** Whether CUDA's libraries are wanted too. */
  readonly gpu: boolean;
  /** The package index to ask; undefined for those that are configured. */
  readonly index?: string;
  /** The Python to ask. @default {"python3"} */
  readonly python?: string;
  /** Folder for downloads that a later run goes on with. */
  readonly downloads: string;
  /** Folder for everything else, which is removed at the end in any case. */
  readonly temporary: string;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /**
   * Tells what is about to be fetched, with the bytes of that (0 where it is on this machine, undefined where they are
   * not known) and about how many will be kept.
   * @throws {DataError} If there is no room for it.
   */
  readonly announce: (what: string, bytes: number | undefined, kept: number) => void;
  /** Told how far it has come. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** What a source gave. */
export type Obtained =
  /** A library that every run finds where it is. */
  | { readonly kind: "library"; readonly path: string }
  /** The folder of an installed Python package, which only Python finds. */
  | { readonly kind: "package"; readonly folder: string }
  /** Archives with the library in them: wheels, .zip, .tar.gz. */
  | { readonly kind: "archives"; readonly paths: readonly string[] };
