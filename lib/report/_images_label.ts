import type { TeacherImages } from "../core/mod.ts";
import { labelOf } from "./theme.ts";

/** Names a kind of images: "Clean", "PGD-20 8/255", "PGD-20 8/255 on KDIGA"; the radius may be left out. */
export function imagesLabel({ images, source, eps }: TeacherImages, hasEps = true): string {
  if (images === "clean") return labelOf(images);
  return `${labelOf(images)}${hasEps ? ` ${eps}` : ""}${source === "" ? "" : ` on ${labelOf(source)}`}`;
}
