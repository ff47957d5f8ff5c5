import type { Norm } from "../../lib/attacks/mod.ts";

/** Inner product. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((all, v, i) => all + v * b[i]!, 0);
}

/** Length of a vector. */
export function lengthOf(d: readonly number[], norm: Norm): number {
  if (norm === "Linf") return d.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return norm === "L2" ? Math.hypot(...d) : d.reduce((all, v) => all + Math.abs(v), 0);
}

/** The shortest way from x in [0,1]^D to { <w, d> = -gap } in the box, in float64, by sorting the pixels by where they meet the border, or by their weight. */
export function shortestWay(x: ArrayLike<number>, w: ArrayLike<number>, gap: number, norm: Norm): number[] {
  const side = Array.from(w, (v) => -Math.sign(v) * Math.sign(gap));
  const a = Array.from(w, Math.abs);
  const u = side.map((s, i) => s > 0 ? 1 - x[i]! : s < 0 ? x[i]! : 0);
  let left = Math.abs(gap);
  if (norm === "L1") {
    const m = u.map(() => 0);
    for (const i of [...m.keys()].sort((i, j) => a[j]! - a[i]!)) {
      if (a[i] === 0) continue;
      m[i] = Math.min(u[i]!, left / a[i]!);
      left -= m[i]! * a[i]!;
    }
    return m.map((v, i) => side[i]! * v);
  }
  const g = norm === "L2" ? a : a.map(() => 1);
  const meets = u.map((v, i) => a[i] === 0 ? 0 : v / g[i]!);
  const order = [...meets.keys()].sort((i, j) => meets[i]! - meets[j]!);
  let slope = dot(a, g);
  let t = Infinity;
  for (const i of order) {
    if (a[i] === 0) continue;
    if (slope > 0 && left <= meets[i]! * slope) {
      t = left / slope;
      break;
    }
    left -= a[i]! * u[i]!;
    slope = slope - a[i]! * g[i]!;
  }
  return u.map((v, i) => side[i]! * Math.min(g[i]! * t || 0, v));
}
