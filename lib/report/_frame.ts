import { SCHEMA, THEME } from "./theme.ts";

/** What frames a figure. */
export interface Frame {
  /** What it shows, for those who cannot see it. */
  readonly description: string;
  /** Width in pixels, axes and legend included. */
  readonly width: number;
  /** Height in pixels, likewise. */
  readonly height: number;
  /** Heading, where it has one. */
  readonly title: string | undefined;
  /** Space around it in pixels, where it is not the usual one. */
  readonly padding?: { readonly top?: number; readonly right?: number };
}

/** Language, size and theme of a figure of one view that is fitted into its size. */
export interface Framed extends Pick<Frame, "description" | "width" | "height"> {
  readonly $schema: string;
  readonly autosize: { type: "fit"; contains: "padding" };
  readonly padding: { left: number; top: number; right: number; bottom: number };
  readonly title?: string;
  readonly config: typeof THEME;
}

/** Frames a figure. */
export function frame({ description, width, height, title, padding }: Frame): Framed {
  return {
    $schema: SCHEMA,
    description,
    width,
    height,
    autosize: { type: "fit", contains: "padding" },
    padding: { left: 4, top: 4, right: 8, bottom: 4, ...padding },
    ...(title === undefined ? {} : { title }),
    config: THEME,
  };
}
