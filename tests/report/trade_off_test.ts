import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { DataError, type EvaluationRow, UsageError, wilson } from "../../lib/core/mod.ts";
import { tradeOff } from "../../lib/report/mod.ts";
import { EVALUATION } from "./_rows.ts";
import { viewsOf } from "./_spec.ts";

Deno.test("tradeOff() puts accuracy at one radius over accuracy without attack", () => {
  const points = viewsOf(tradeOff(EVALUATION, { eps: "2/255" })).at(-1)!.rows;
  assertEquals(points.map(({ method, clean, robust }) => [method, clean, robust]), [
    ["Teacher", 93, 87],
    ["KDIGA", 87, 78],
    ["my net", 95, 45],
  ]);
  assertEquals(tradeOff(EVALUATION), tradeOff(EVALUATION, { eps: "8/255", attack: "pgd-20" }));
  assertMatch(
    String(tradeOff(EVALUATION, { interval: "t interval" }).description),
    /95 % intervals \(t interval\)\. Arrows/,
  );
});

Deno.test("tradeOff() leads an arrow from the teacher to just before each student", () => {
  const [lines, heads] = viewsOf(tradeOff(EVALUATION, { eps: "2/255" }));
  assertEquals(lines!.rows, heads!.rows);
  assertEquals(lines!.rows.map(({ method }) => method), ["KDIGA", "my net"]);
  for (const { teacherClean, teacherRobust, headClean, headRobust, method } of lines!.rows) {
    assertEquals([teacherClean, teacherRobust], [93, 87]);
    const [clean, robust] = method === "KDIGA" ? [87, 78] : [95, 45];
    const [across, up] = [(Number(headClean) - 93) / (clean! - 93), (Number(headRobust) - 87) / (robust! - 87)];
    assertAlmostEquals(across, up, 1e-4); // on the line
    assert(across > 0.7 && across < 1, `${across} of the way to ${method}`);
  }
  const [left, down] = heads!.rows.map(({ angle }) => Number(angle));
  assert(left! > -180 && left! < -90, `${left} points down and to the left`);
  assert(down! > 90 && down! < 180, `${down} points down and to the right`);
});

Deno.test("tradeOff() turns heads as arrows go: a quarter to either side, half a turn down, none up", () => {
  const at = (method: string, clean: number, robust: number): EvaluationRow[] => [
    { method, attack: "clean", eps: "0", n: 100, correct: clean, ...wilson(clean, 100) },
    { method, attack: "pgd-20", eps: "8/255", n: 100, correct: robust, ...wilson(robust, 100) },
  ];
  const students = { kd: [70, 40], kdiga: [30, 40], ard: [50, 10], rslad: [50, 70] } as const;
  const rows = [
    ...at("teacher", 50, 40),
    ...Object.entries(students).flatMap(([method, [clean, robust]]) => at(method, clean, robust)),
  ];
  const angles = viewsOf(tradeOff(rows))[1]!.rows.map(({ method, angle }) => [method, angle]);
  assertEquals(Object.fromEntries(angles), { KD: 90, KDIGA: -90, ARD: 180, RSLAD: 0 });
});

Deno.test("tradeOff() leads arrows to students that a teacher may have taught, or those that are named", () => {
  const rows = ["teacher", "natural", "natural.best", "pgd-at", "kd", "kdiga"].flatMap((method, i) =>
    EVALUATION.filter((row) => row.method === "kdiga").map((row) => ({ ...row, method, rate: row.rate - 0.1 * i }))
  );
  const arrows = (options: Parameters<typeof tradeOff>[1]) =>
    viewsOf(tradeOff(rows, options)).filter(({ fields }) => fields.includes("teacherClean"))
      .flatMap(({ rows }) => rows.map(({ method }) => method));
  assertEquals(arrows({}), ["KD", "KDIGA"]);
  assertEquals(arrows({ teacher: null }), []);
  assertEquals(arrows({ teacher: "unknown" }), []);
  assertEquals(arrows({ teacher: "kd", students: ["kdiga"] }), ["KDIGA"]);
  assertEquals(arrows({ students: ["natural", "teacher"] }), ["Natural"]);
});

Deno.test("tradeOff() has axes of whole tens that hold every interval", () => {
  const spec = tradeOff(EVALUATION, { eps: "2/255" }) as unknown as {
    layer: { encoding: Record<string, { scale: { domain: number[] } }> }[];
  };
  const { x, y } = spec.layer.at(-1)!.encoding;
  const points = viewsOf(tradeOff(EVALUATION, { eps: "2/255" })).at(-1)!.rows;
  for (const [axis, low, high] of [[x, "cleanLow", "cleanHigh"], [y, "low", "high"]] as const) {
    const [first = 0, last = 0] = axis!.scale.domain;
    assertEquals([first % 10, last % 10], [0, 0]);
    for (const point of points) assert(first <= Number(point[low]) && Number(point[high]) <= last);
  }
});

Deno.test("tradeOff() refuses an attack that no row has, and a method without its clean row", () => {
  assertThrows(
    () => tradeOff(EVALUATION, { attack: "square" }),
    UsageError,
    'Cannot draw attack "square" as no row has it: choose one of fgsm, pgd-20',
  );
  assertThrows(
    () => tradeOff(EVALUATION, { eps: "1/255" }),
    UsageError,
    'Cannot draw attack "pgd-20" at eps 1/255 as no row has it: choose one of 2/255, 4/255, 8/255',
  );
  assertThrows(
    () => tradeOff(EVALUATION.filter((row) => row.attack !== "clean")),
    DataError,
    'Cannot draw "kdiga" as it has no "clean" row: evaluate it without an attack as well',
  );
});
