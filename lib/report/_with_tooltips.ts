import type { TopLevelSpec } from "./render.ts";

/** A view of a specification, or one of its layers, as far as it is looked into. */
interface View {
  readonly mark?: string | { readonly type: string };
  readonly data?: unknown;
  readonly encoding?: Readonly<Record<string, unknown>>;
  readonly layer?: readonly View[];
}

/** Marks whose whole face shows the row; the others are too thin to be met with a pointer. */
const FACES = ["bar", "rect", "arc", "rule", "tick"];

/** Square pixels around a point that belong to it. */
const REACH = 180;

/**
 * Lets a figure show the numbers of the row under the pointer: bars and cells by themselves; points and lines by invisible
 * points on top of them, wide enough for a finger. Layers with data of their own (names at the ends of lines) are left
 * out, as they stand for no row.
 *
 * @param spec Figure.
 * @returns The same figure to the eye.
 */
export function withTooltips(spec: TopLevelSpec): TopLevelSpec {
  return inside(spec as unknown as Record<string, unknown>) as unknown as TopLevelSpec;
}

function inside(view: Record<string, unknown>): Record<string, unknown> {
  for (const key of ["vconcat", "hconcat", "concat"]) {
    const views = view[key];
    if (Array.isArray(views)) return { ...view, [key]: views.map(inside) };
  }
  if (typeof view.spec === "object" && view.spec !== null) {
    return { ...view, spec: inside(view.spec as Record<string, unknown>) };
  }
  const { layer, mark, encoding, ...rest } = view as View & Record<string, unknown>;
  if (layer === undefined && mark === undefined) return view;
  if (layer === undefined) {
    const unit: View = { ...(mark === undefined ? {} : { mark }), ...(encoding === undefined ? {} : { encoding }) };
    return isFace(unit) ? { ...view, ...faced(unit) } : { ...rest, layer: [unit, ...reaching([unit])] };
  }
  const layers = layer.map((unit) => unit.data === undefined && isFace(unit) ? { ...unit, ...faced(unit) } : unit);
  return { ...view, layer: [...layers, ...reaching(layer)] };
}

const typeOf = ({ mark }: View): string | undefined => typeof mark === "object" ? mark.type : mark;

const isFace = (unit: View): boolean => FACES.includes(typeOf(unit) ?? "");

function faced({ mark }: View): View {
  return { mark: { ...(typeof mark === "object" ? mark : { type: mark! }), ...TOOLTIP } };
}

/** Invisible points over those of the first layer of points, else of lines. */
function reaching(layers: readonly View[]): View[] {
  const own = layers.filter((unit) => unit.data === undefined && unit.encoding !== undefined);
  const shown = own.find((unit) => typeOf(unit) === "point") ?? own.find((unit) => typeOf(unit) === "line");
  if (shown === undefined) return [];
  const { x, y } = shown.encoding!;
  // Cut off at the edge of the plot, so that the figure is no larger.
  const mark = { type: "point", filled: true, opacity: 0, size: REACH, clip: true, ...TOOLTIP };
  return [{ mark, encoding: { ...(x === undefined ? {} : { x }), ...(y === undefined ? {} : { y }) } }];
}

const TOOLTIP = { tooltip: { content: "data" } } as const;
