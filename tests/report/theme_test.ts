import { assert, assertAlmostEquals, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { estimateWidth, labelOf, methodOrder, methodStyles } from "../../lib/report/theme.ts";

const KNOWN = ["teacher", "natural", "kd", "kdiga", "pgd-at", "ard", "iad", "rslad", "trades", "mart"];

Deno.test("methodStyles() gives a known method its fixed colour, whatever else is drawn", () => {
  const all = methodStyles(KNOWN);
  assertEquals(all.get("teacher")!.color, "#000000");
  assertEquals(all.get("natural")!.color, "#595959");
  assertEquals(all.get("kd")!.color, "#56b4e9");
  assertEquals(all.get("kdiga")!.color, "#d55e00");
  assertEquals(all.get("pgd-at")!.color, "#009e73");
  assertEquals(all.get("ard")!.color, "#0072b2");
  for (const name of KNOWN) assertEquals(methodStyles(["x", name]).get(name), all.get(name));
});

Deno.test("methodStyles() gives an unknown method the same style in every figure", () => {
  assertEquals(methodStyles(["my net"]).get("my net"), methodStyles([...KNOWN, "my net"]).get("my net"));
});

Deno.test("methodStyles() gives different styles to as many unknown methods as it has", () => {
  const names = Array.from({ length: 8 }, (_, i) => `net ${i}`);
  const styles = methodStyles([...names, ...KNOWN]);
  assertEquals(new Set([...styles.values()].map((style) => style.color)).size, names.length + KNOWN.length);
  assertEquals(methodStyles([...names, "one more"]).size, 9);
});

Deno.test("methodStyles() gives colours that show on white, and the main methods apart for the colour-blind", () => {
  const names = Array.from({ length: 8 }, (_, i) => `net ${i}`);
  for (const [name, { color }] of methodStyles([...KNOWN, ...names])) {
    assertGreater(1.05 / (luminance(rgb(color)) + 0.05), 2.2, name); // contrast ratio of WCAG 2.1
  }
  const main = [...methodStyles(KNOWN.slice(0, 6))].map(([name, { color }]) => ({ name, color: rgb(color) }));
  for (const [blindness, matrix] of Object.entries(COLOR_BLINDNESS)) {
    const seen = main.map(({ name, color }) => ({ name, color: lab(matrix.map((row) => dot(row, color))) }));
    for (const [i, left] of seen.entries()) {
      for (const right of seen.slice(i + 1)) {
        const distance = Math.hypot(...left.color.map((value, axis) => value - right.color[axis]!));
        assertGreater(distance, 18, `${left.name} and ${right.name}, ${blindness}`); // about 2 can be told apart
      }
    }
  }
});

Deno.test("methodStyles() gives every two known methods colours that the colour-blind tell apart, or other shapes", () => {
  const known = [...methodStyles([...KNOWN, "adaad", "igam", "igdm"])];
  for (const [blindness, matrix] of Object.entries({ none: IDENTITY, ...COLOR_BLINDNESS })) {
    const seen = known.map(([name, { color, shape }]) => ({
      name,
      shape,
      color: lab(matrix.map((row) => dot(row, rgb(color)))),
    }));
    for (const [i, left] of seen.entries()) {
      for (const right of seen.slice(i + 1)) {
        const distance = Math.hypot(...left.color.map((value, axis) => value - right.color[axis]!));
        const isApart = distance > 18 || left.shape !== right.shape;
        assert(
          isApart,
          `${left.name} and ${right.name} are both ${left.shape}, ${distance.toFixed(1)} apart, ${blindness}`,
        );
      }
    }
  }
});

Deno.test("methodOrder() puts known methods first, then the others by name, each once", () => {
  assertEquals(methodOrder(["b", "kdiga", "B", "teacher", "kdiga", "a"]), ["teacher", "kdiga", "B", "a", "b"]);
  assertEquals(methodOrder(["constructor"]), ["constructor"]);
  assertEquals(methodOrder(["kd.best", "teacher", "kdiga", "kd"]), ["teacher", "kd", "kd.best", "kdiga"]);
});

Deno.test("labelOf() writes names as a paper prints them and leaves unknown words", () => {
  assertEquals(
    ["pgd-20", "fgsm", "apgd-ce", "worst", "teacher", "pgd-at", "kdiga", "my net", "constructor"].map(labelOf),
    ["PGD-20", "FGSM", "APGD-CE", "Worst case", "Teacher", "PGD-AT", "KDIGA", "my net", "constructor"],
  );
  assertNotEquals(labelOf("kd"), labelOf("kdiga"));
  assertEquals(labelOf("kd.best"), "KD (best)");
});

Deno.test("estimateWidth() grows with the text and the size", () => {
  assertEquals(estimateWidth("", 10), 0);
  assertAlmostEquals(estimateWidth("PGD-20", 20), 2 * estimateWidth("PGD-20", 10), 1);
  assert(estimateWidth("PGD-20", 10) < 60);
});

/** Linear red, green and blue of `#rrggbb` (sRGB, IEC 61966-2-1). */
function rgb(color: string): number[] {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
}

function luminance([r = 0, g = 0, b = 0]: number[]): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** What is seen instead of a linear colour: Machado, Oliveira and Fernandes 2009, table 1, severity 1.0. */
const COLOR_BLINDNESS = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
};

const IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

/** CIELAB of a linear colour (white point D65). */
function lab(linear: number[]): number[] {
  const [x, y, z] = [
    [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
    [0.2126, 0.7152, 0.0722],
    [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
  ].map((row) => dot(row, linear.map((value) => Math.min(1, Math.max(0, value)))))
    .map((t) => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116) as [number, number, number];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
