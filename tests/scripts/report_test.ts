/**
 * The page of a run as a person meets it: written by its task, opened from a file in a real headless browser, and used with
 * pointer and keys.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import axe from "axe-core";
import { pathToFileURL } from "node:url";
import {
  float32,
  formatCost,
  formatEvaluation,
  formatSteps,
  imageFileName,
  int32,
  MASKING_CHECKS,
  saveImages,
} from "../../mod.ts";
import { EVALUATION, STEPS } from "../report/_rows.ts";
import { findBrowser, type OpenPage, openPage } from "../testing/browser.ts";
import { inTempFolder, runTask } from "./_task.ts";

/** Writes a run folder of all kinds of files. */
async function writeRun(folder: string): Promise<void> {
  const passes = { studentForward: 1, studentBackward: 3, teacherForward: 1, teacherBackward: 1 };
  const files = {
    "evaluation.csv": formatEvaluation(EVALUATION),
    "steps.csv": formatSteps(STEPS),
    "cost.csv": formatCost([
      { method: "kdiga", ...passes, images: 96, seconds: 1.2, secondsPerImage: 0.0125 },
      { method: "teacher", ...passes, images: 128, seconds: 3.2, secondsPerImage: 0.025 },
    ]),
    "experiment.json": JSON.stringify({ name: "tiny </script>", seed: 1, data: { kind: "shapes" } }),
    "manifest.json": JSON.stringify({ engines: ["reference: cpu"], seed: 1, started: ["2026-01-02T03:04:05Z"] }),
    "masking.json": JSON.stringify([{
      rows: MASKING_CHECKS.map((check, i) => ({
        check,
        method: "kdiga",
        status: i === 4 ? "warn" : "pass",
        value: i,
        reason: `what ${check} found`,
      })),
      n: 60,
      eps: "8/255",
      forwardPasses: 22680,
      backwardPasses: 8460,
    }]),
  };
  await Deno.mkdir(`${folder}/images`, { recursive: true });
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  const image = {
    method: "kdiga",
    attack: "pgd-20",
    eps: "8/255",
    norm: "Linf",
    seed: 3,
    weights: "ab".repeat(32),
    ids: Int32Array.of(7),
    x: float32([1, 2, 2, 3], Array(12).fill(0.5)),
    xAdv: float32([1, 2, 2, 3], Array(12).fill(0.53)),
    y: int32([1], [1]),
    margin: Float32Array.of(-1),
  } as const;
  await saveImages(`${folder}/images/${imageFileName(image)}`, image);
}

Deno.test("report writes one page from a folder alone, the same each time, and tells of a folder without rows", async () => {
  await inTempFolder(async (folder) => {
    await writeRun(`${folder}/run`);
    const { code, out, err } = await runTask(folder, "report", "run/", "--json");
    assertEquals([code, err], [0, ""]);
    const page = await Deno.readTextFile(`${folder}/run/report.html`);
    assertEquals(JSON.parse(out), {
      folder: "run",
      report: "run/report.html",
      bytes: new TextEncoder().encode(page).length,
    });
    const other = await runTask(folder, "report", `${folder}/run`, "--out", "other.html");
    assertEquals(other, { code: 0, out: "other.html\n", err: "" });
    assertEquals(await Deno.readTextFile(`${folder}/other.html`), page);

    const none = await runTask(folder, "report", "nowhere");
    assertEquals([none.code, none.out], [1, ""]);
    assertMatch(none.err, /^DataError: Cannot write a report of "nowhere" as it has no row [^\n]*\n$/);
  });
});

const WRITTEN = { code: 0, out: "run/report.html\n", err: "" };

/** Asks the page for a value by an expression of its own language. */
async function ask<T>({ page }: OpenPage, expression: string): Promise<T> {
  return await page.evaluate(expression) as T;
}

/** Waits until an expression of the page is true. */
async function until({ page }: OpenPage, expression: string): Promise<void> {
  await page.waitForFunction(expression, { timeout: 60_000 });
}

/** Colours of the lines of the first robustness curve. */
const LINES = `[...document.querySelectorAll(".live")].find((live) => /radius/.test(live.textContent))
  .querySelectorAll("g.mark-line path")`;
const linesOf = (opened: OpenPage) =>
  ask<string[]>(
    opened,
    `[...${LINES}].filter((path) => path.getAttribute("stroke-width") === "1.5")
    .map((path) => path.getAttribute("stroke"))`,
  );

/** Texts of a column of the table of a section. */
const columnOf = (opened: OpenPage, section: string, column: number) =>
  ask<string[]>(
    opened,
    `[...document.querySelectorAll("#${section} tbody tr")].map((row) => row.children[${column}].textContent)`,
  );

Deno.test({
  name: "the page is drawn, tells of rows under the pointer, hides methods, sorts, prints, and is accessible, offline",
  ignore: findBrowser() === undefined,
  fn: async (t) => {
    await inTempFolder(async (folder) => {
      await writeRun(`${folder}/run`);
      assertEquals(await runTask(folder, "report", "run"), WRITTEN);
      const url = pathToFileURL(`${folder}/run/report.html`).href;
      await using opened = await openPage(url);
      const { page, errors, requests } = opened;
      await until(
        opened,
        `document.querySelectorAll("figure.drawn").length === document.querySelectorAll(".live").length`,
      );

      await t.step("every figure is drawn in place of its picture", async () => {
        const count = await ask<number>(opened, `document.querySelectorAll(".live").length`);
        assert(count >= 4, `${count} figures`);
        const isShown = (what: string) =>
          ask<boolean[]>(opened, `[...document.querySelectorAll(".figures ${what}")].map((e) => e.checkVisibility())`);
        assertEquals(await isShown(".live svg"), Array(count).fill(true));
        assertEquals(await isShown(".still"), Array(count).fill(false));
        assertEquals(await linesOf(opened), ["#000000", "#d55e00", "#785ef0"]);
      });

      await t.step("a point under the pointer tells the numbers of its row", async () => {
        // The invisible points that react lie over those of KDIGA's line; its last is 8/255 under FGSM.
        const [x, y] = await ask<[number, number]>(
          opened,
          `(() => {
            const live = [...document.querySelectorAll(".live")].find((live) => /radius/.test(live.textContent));
            live.scrollIntoView({ block: "center" });
            const point = [...live.querySelectorAll("g.mark-symbol path")].find((path) =>
              path.getAttribute("opacity") === "0" && path.__data__.datum.eps === 4 && path.__data__.datum.accuracy === 72.5);
            const box = point.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
          })()`,
        );
        await page.mouse.move(x, y);
        await until(opened, `!document.getElementById("tip").hidden`);
        assertEquals(
          await ask(opened, `[...document.getElementById("tip").children].map((part) => part.textContent)`),
          [
            "Method",
            "KDIGA",
            "Radius (1/255)",
            "4",
            "Accuracy (%)",
            "72.5",
            "95 % interval",
            "65.93 to 78.22",
            "Images",
            "200",
          ],
        );
        await page.keyboard.press("Escape");
        assert(await ask(opened, `document.getElementById("tip").hidden`));
      });

      await t.step("a method that is switched off is gone from the figures, and comes back", async () => {
        await page.click('#methods input[value="KDIGA"]');
        await until(opened, `${LINES}.length === 4`);
        assertEquals(await linesOf(opened), ["#000000", "#785ef0"]);
        await page.focus('#methods input[value="KDIGA"]');
        await page.keyboard.press("Space");
        await until(opened, `${LINES}.length === 6`);
        assertEquals((await linesOf(opened)).sort(), ["#000000", "#785ef0", "#d55e00"]);
      });

      await t.step("a table sorts by click and by key", async () => {
        const sortOf = () => ask(opened, `document.querySelectorAll("#cost th")[4].getAttribute("aria-sort")`);
        assertEquals([await sortOf(), await columnOf(opened, "cost", 4)], ["none", ["25.00", "12.50"]]);
        await page.click("#cost th:nth-child(5) button");
        assertEquals([await sortOf(), await columnOf(opened, "cost", 4)], ["ascending", ["12.50", "25.00"]]);
        await page.focus("#cost th:nth-child(5) button");
        await page.keyboard.press("Enter");
        assertEquals([await sortOf(), await columnOf(opened, "cost", 4)], ["descending", ["25.00", "12.50"]]);
        await page.keyboard.press("Space");
        assertEquals([await sortOf(), await columnOf(opened, "cost", 4)], ["none", ["25.00", "12.50"]]);
        await page.click("#masked-gradients th:nth-child(2) button");
        assertEquals((await columnOf(opened, "masked-gradients", 1)).at(-1), "warn");
        // The finding's table has "-" for the teacher itself, which stays last in both directions.
        const shares = () =>
          ask(
            opened,
            `[...document.querySelectorAll(".wide")[0].querySelectorAll("tbody tr")]
          .map((row) => row.children[3].textContent)`,
          );
        await page.click(".wide th:nth-child(4) button");
        assertEquals(await shares(), ["0 %", "79 %", "-"]);
        await page.click(".wide th:nth-child(4) button");
        assertEquals(await shares(), ["79 %", "0 %", "-"]);
        await page.click(".wide th:nth-child(5) button");
        assertEquals(await shares(), ["0 %", "79 %", "-"], "a minus sign is none of a hyphen");
      });

      await t.step("it passes axe, on a telephone as well", async () => {
        await page.evaluate(axe.source);
        for (const width of [1200, 390]) {
          await page.setViewport({ width, height: 900 });
          const found = await ask<string[]>(
            opened,
            `axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) =>
            id + " (" + impact + "): " + nodes[0].html))`,
          );
          assertEquals(found, []);
          assertEquals(
            await ask(opened, `document.documentElement.scrollWidth`),
            width,
            "nothing is wider than the page",
          );
        }
      });

      await t.step("in print all is open, and pictures stand for what moves", async () => {
        const isShown = (what: string) =>
          ask<boolean>(
            opened,
            `[...document.querySelectorAll(${JSON.stringify(what)})].every((e) =>
            e.checkVisibility({ contentVisibilityAuto: true }) && e.getBoundingClientRect().height > 0)`,
          );
        assert(!await isShown("pre"), "folded on the screen");
        await page.emulateMediaType("print");
        for (const what of ["section", ".still", "pre", ".facts", ".strip", "table"]) assert(await isShown(what), what);
        for (const what of [".live svg", "#methods", "nav"]) assert(!await isShown(what), what);
        await page.emulateMediaType("screen");
        await until(opened, `[...document.querySelectorAll("details")].every((details) => !details.open)`);
      });

      await t.step("there is no error, and no request but for the file", () => {
        assertEquals(errors, []);
        assertEquals(requests, [url]);
      });
    });
  },
});

Deno.test({
  name: "without scripts the page shows everything: pictures, tables, settings",
  ignore: findBrowser() === undefined,
  fn: async () => {
    await inTempFolder(async (folder) => {
      await writeRun(`${folder}/run`);
      assertEquals(await runTask(folder, "report", "run"), WRITTEN);
      await using opened = await openPage("about:blank");
      await opened.page.setJavaScriptEnabled(false);
      await opened.page.goto(pathToFileURL(`${folder}/run/report.html`).href);
      const pictures = (await Deno.readTextFile(`${folder}/run/report.html`)).split('<img class="still"').length - 1;
      assert(pictures >= 4, `${pictures} figures`);
      for (
        const [what, count] of [[".still", pictures], ["table", 6], ["pre", 1], [".facts", 1], [".strip", 1], [
          "#methods",
          0,
        ]]
      ) {
        const boxes = await Promise.all((await opened.page.$$(String(what))).map((element) => element.boundingBox()));
        assertEquals(boxes.filter((box) => box !== null && box.height > 0).length, count, String(what));
      }
      assertEquals(opened.errors, []);
    });
  },
});

Deno.test({
  name: "every kind of figure is drawn in the page, whose policy lets no text become code",
  ignore: findBrowser() === undefined,
  fn: async () => {
    await inTempFolder(async (folder) => {
      await writeRun(`${folder}/run`);
      await Deno.mkdir(`${folder}/run/figures`);
      const golden = new URL("../golden/", import.meta.url);
      const names = await Array.fromAsync(Deno.readDir(golden), ({ name }) => name);
      const specs = names.filter((name) => name.endsWith(".vl.json"));
      for (const name of specs) await Deno.copyFile(new URL(name, golden), `${folder}/run/figures/${name}`);
      assertEquals(await runTask(folder, "report", "run"), WRITTEN);
      await using opened = await openPage(pathToFileURL(`${folder}/run/report.html`).href);
      await until(opened, `document.querySelectorAll("figure.drawn").length === ${specs.length}`);
      const empty = await ask<string[]>(
        opened,
        `[...document.querySelectorAll(".live")].filter((live) => live.querySelectorAll("path, text, image, line").length < 10)
          .map((live) => live.nextElementSibling.textContent)`,
      );
      assertEquals(empty, []);
      await opened.page.evaluate(axe.source);
      assertEquals(await ask(opened, `axe.run().then(({ violations }) => violations.map(({ id }) => id))`), []);
      assertEquals(opened.errors, []);
    });
  },
});
