import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { DataError } from "../mod.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/**
 * Bundles modules for a browser, each with everything that it imports, by `deno bundle`. What Deno has beside a browser
 * (`node:` modules, which the library needs for files and native engines alone) is there but empty.
 *
 * @param modules Files below `scripts/`, by name: "_explore_worker.ts".
 * @returns JavaScript modules, in their order.
 * @throws {DataError} If they cannot be bundled: at its first use Deno fetches the program that does it, esbuild.
 */
export async function bundleForBrowser(modules: readonly string[]): Promise<Uint8Array<ArrayBuffer>[]> {
  const folder = await Deno.makeTempDir({ prefix: "kdiga-explore-" });
  try {
    const { imports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as { readonly imports: object };
    const absent = `${folder}/absent.js`;
    await Deno.writeTextFile(absent, "// not in a browser\n");
    const map = { ...imports, ...Object.fromEntries(builtinModules.map((name) => [`node:${name}`, absent])) };
    await Deno.writeTextFile(`${folder}/imports.json`, JSON.stringify({ imports: map }));
    const flags = ["--platform", "browser", "--minify", "--import-map", `${folder}/imports.json`];
    const files = modules.map((name) => `scripts/${name}`);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", ...flags, "--outdir", `${folder}/out`, ...files],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) {
      const text = new TextDecoder().decode(stderr);
      const line = /^error: (.*)$/m.exec(text)?.[1] ?? text.trim();
      throw new DataError(`Cannot make the page as \`deno bundle\` failed (it needs the network once): ${line}`);
    }
    return await Promise.all(modules.map((name) => Deno.readFile(`${folder}/out/${name.replace(/ts$/, "js")}`)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
