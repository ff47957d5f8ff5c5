import { type Browser, launch, type Page } from "puppeteer-core";

/** Where a browser of Chromium's kind may lie: a path of the environment, or a command. */
const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * Finds a browser of Chromium's kind: `KDIGA_BROWSER`, else the first of the usual commands.
 *
 * @returns Its path, or undefined where there is none: tests that need one are then ignored.
 */
export function findBrowser(): string | undefined {
  const named = Deno.env.get("KDIGA_BROWSER");
  if (named !== undefined) return named;
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return COMMANDS.flatMap((command) => folders.map((folder) => `${folder}/${command}`)).find(isFile);
}

/** A page of a headless browser, and what went wrong in it so far. */
export interface OpenPage extends AsyncDisposable {
  /** The page; see Puppeteer's documentation. */
  readonly page: Page;
  /** Errors of scripts, of the console and of requests, in their order. */
  readonly errors: readonly string[];
  /** Addresses that were asked for, without those inside the page (data:, blob:). */
  readonly requests: readonly string[];
}

/**
 * Opens an address in a headless browser with a profile of its own.
 *
 * @param url Address, `file:` too.
 * @param options Size of the window in pixels.
 * @returns The page; the browser ends where it is disposed of.
 */
export async function openPage(
  url: string,
  { width = 1200, height = 900 }: { readonly width?: number; readonly height?: number } = {},
): Promise<OpenPage> {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new TypeError("Cannot open a page: no browser was found");
  const browser: Browser = await launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
    defaultViewport: { width, height },
  });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    const requests: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url())) requests.push(request.url());
    });
    await page.goto(url);
    return { page, errors, requests, [Symbol.asyncDispose]: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
