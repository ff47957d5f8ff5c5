import { packageFile } from "./_package_file.ts";

/** Vega for a page, as scripts. */
export interface VegaRuntime {
  /** What defines `vega` and `vegaInterpreter` as global names; neither compiles text to code, so a page may forbid it. */
  readonly scripts: readonly string[];
  /** Licences of what is inside, which must go with it. */
  readonly licences: string;
}

const ISC =
  `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies. THE SOFTWARE IS
PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL
DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT,
NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`;

/**
 * Reads Vega's runtime and its interpreter of expressions from their npm packages. The interpreter is published as a
 * module alone; its one import becomes names of the global `vega`, its one export a value.
 *
 * @returns The scripts.
 * @throws {TypeError} If the interpreter is not written as expected.
 */
export async function vegaRuntime(): Promise<VegaRuntime> {
  // Not used as a value: it makes the package part of the module graph, so that it is fetched with the others.
  await import("vega-interpreter");
  const read = async (name: string, file: string) => new TextDecoder().decode(await packageFile(name, file));
  const [vega, module, licence] = await Promise.all([
    read("vega", "build/vega.min.js"),
    read("vega-interpreter", "build/vega-interpreter.js"),
    read("vega", "LICENSE"),
  ]);
  const parts = module.match(
    /^import (\{[^}]*\}) from 'vega-util';\n([\s\S]*)\nexport \{ expression as expressionInterpreter \};\n/,
  );
  if (parts === null) {
    throw new TypeError('Cannot read "vega-interpreter" as its module is not written as expected: use 2.3.2');
  }
  return {
    scripts: [
      vega,
      `var vegaInterpreter = (() => { "use strict";\nconst ${parts[1]} = vega;\n${parts[2]}\nreturn expression; })();`,
    ],
    licences:
      `Vega and vega-interpreter, BSD-3-Clause:\n${licence.trim()}\n\nD3, inside Vega, ISC:\nCopyright Mike Bostock\n${ISC}`,
  };
}
