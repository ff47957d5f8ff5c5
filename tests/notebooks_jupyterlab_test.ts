/**
 * A notebook opened and run in a real JupyterLab by a real browser. Only where `KDIGA_JUPYTER` names a Python with
 * JupyterLab, or its `jupyter`, and a browser is found; `KDIGA_JUPYTER_PICTURE` is where a picture of it goes.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import { findBrowser, openPage } from "./testing/browser.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const NOTEBOOK = "notebooks/01_quickstart.ipynb";
const JUPYTER = Deno.env.get("KDIGA_JUPYTER");

/** The cells must stay in the page, the file on disk as it is, and nothing be asked. */
const SETTINGS: Readonly<Record<string, object>> = {
  "@jupyterlab/notebook-extension/tracker": { windowingMode: "none" },
  "@jupyterlab/docmanager-extension/plugin": { autosave: false },
  "@jupyterlab/apputils-extension/notification": { fetchNews: "false", checkForUpdates: false },
};

/** Starts JupyterLab on this machine alone, with Deno's kernel and folders of its own. */
async function startJupyterLab(
  folder: string,
): Promise<AsyncDisposable & { readonly urlOf: (path: string) => string }> {
  const kernel = `${folder}/path/kernels/deno`;
  await Deno.mkdir(kernel, { recursive: true });
  await Deno.mkdir(`${folder}/tmp`);
  const argv = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];
  await Deno.writeTextFile(
    `${kernel}/kernel.json`,
    JSON.stringify({ argv, "display_name": "Deno", language: "typescript" }),
  );
  for (const [plugin, settings] of Object.entries(SETTINGS)) {
    const path = `${folder}/settings/${plugin}.jupyterlab-settings`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, JSON.stringify(settings));
  }
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const token = crypto.randomUUID();
  const log = await Deno.open(`${folder}/log`, { create: true, write: true });
  const child = new Deno.Command(JUPYTER!, {
    args: [
      ...basename(JUPYTER!).startsWith("jupyter") ? ["lab"] : ["-m", "jupyterlab"],
      "--no-browser",
      "--allow-root",
      "--ServerApp.ip=127.0.0.1",
      `--ServerApp.port=${port}`,
      "--ServerApp.port_retries=0",
      `--ServerApp.root_dir=${ROOT}`,
      `--IdentityProvider.token=${token}`,
      `--AsyncFileCheckpoints.checkpoint_dir=${folder}/checkpoints`,
    ],
    env: {
      JUPYTER_PATH: `${folder}/path`,
      JUPYTER_CONFIG_DIR: `${folder}/config`,
      JUPYTER_DATA_DIR: `${folder}/data`,
      JUPYTER_RUNTIME_DIR: `${folder}/runtime`,
      IPYTHONDIR: `${folder}/ipython`,
      JUPYTERLAB_SETTINGS_DIR: `${folder}/settings`,
      JUPYTERLAB_WORKSPACES_DIR: `${folder}/workspaces`,
      TMPDIR: `${folder}/tmp`,
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const logged = child.stderr.pipeTo(log.writable);
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.status;
    await logged;
  };
  const urlOf = (path: string) => `http://127.0.0.1:${port}/${path}?token=${token}`;
  for (const until = Date.now() + 120_000;;) {
    const answers = await fetch(urlOf("api/status")).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
    if (answers) return { urlOf, [Symbol.asyncDispose]: end };
    if (Date.now() > until) {
      await end();
      throw new Error(`JupyterLab does not answer: ${await Deno.readTextFile(`${folder}/log`)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Clicks an entry of JupyterLab's menu. */
async function choose(page: Page, menu: string, command: string): Promise<void> {
  const heading = await page.waitForSelector(
    `::-p-xpath(//li[contains(@class, 'lm-MenuBar-item')][.//div[text()='${menu}']])`,
  );
  await heading!.click();
  const entry = await page.waitForSelector(`.lm-Menu-item[data-command='${command}']:not(.lm-mod-disabled)`);
  await entry!.click();
}

/** An expression for the page: the texts of its elements. */
function textsOf(selector: string): string {
  return `[...document.querySelectorAll(${JSON.stringify(selector)})].map(({ textContent }) => textContent)`;
}

Deno.test({
  name: "a notebook runs in JupyterLab, and its figures, images and tables are drawn",
  ignore: JUPYTER === undefined || findBrowser() === undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "jupyterlab-" });
    const before = await Deno.readTextFile(`${ROOT}${NOTEBOOK}`);
    try {
      await using lab = await startJupyterLab(folder);
      await using opened = await openPage(lab.urlOf(`lab/tree/${NOTEBOOK}`), { width: 1100, height: 2600 });
      const { page } = opened;
      page.setDefaultTimeout(120_000);
      const count = JSON.parse(before).cells.filter((cell: { cell_type: string }) => cell.cell_type === "code").length;
      await page.waitForFunction(`document.querySelectorAll(".jp-CodeCell").length === ${count}`);
      await page.waitForSelector(".jp-Notebook-ExecutionIndicator[data-status='idle']");

      // Without the outputs that are stored, so that what is seen has been made here.
      await choose(page, "Edit", "editmenu:clear-all");
      await page.waitForFunction(`document.querySelectorAll(".jp-OutputArea-output").length === 0`);
      await choose(page, "Run", "runmenu:run-all");
      // Asked at every frame: JupyterLab shows an output when a frame is drawn, and without a window none is unasked.
      await page.waitForFunction(`document.querySelector(".jp-OutputArea-output progress") !== null`);
      await page.waitForFunction(
        `[...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
          .filter(({ textContent }) => /^\\[\\d+\\]:$/.test(textContent)).length === ${count}`,
        { timeout: 480_000 },
      );
      await page.waitForFunction(`document.querySelector(".vega-embed :is(canvas, svg)") !== null`);
      const figure = await page.$(".vega-embed :is(canvas, svg)");
      const box = (await figure!.boundingBox())!;
      const seen = await page.evaluate(`({
        errors: ${textsOf("[data-mime-type*='error'], [data-mime-type*='stderr']")},
        captions: ${textsOf(".jp-OutputArea-output caption")},
        lines: ${textsOf(".jp-OutputArea-output code")},
        images: [...document.querySelectorAll(".jp-OutputArea-output img")]
          .map(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight]),
      })`) as Record<"errors" | "captions" | "lines", string[]> & { readonly images: number[][] };
      const picture = Deno.env.get("KDIGA_JUPYTER_PICTURE");
      if (picture !== undefined) await Deno.writeFile(picture, await page.screenshot());

      assertEquals(seen.errors, []);
      // The figure is 8.5 cm wide.
      assertGreater(box.width, 300);
      assertGreater(box.height, 200);
      assertEquals(seen.images, [[608, 132]]);
      assertEquals(seen.captions.length, 2);
      assert(seen.lines.some((line) => line.startsWith("done: train teacher")), seen.lines.join("\n"));
      assertEquals(await Deno.readTextFile(`${ROOT}${NOTEBOOK}`), before);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
