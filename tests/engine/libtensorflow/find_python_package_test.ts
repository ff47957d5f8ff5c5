import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { findPythonPackage } from "../../../lib/engine/libtensorflow/find_python_package.ts";
import { SHELL, sourceContext, withPython } from "./_source_context.ts";

Deno.test({
  name: "findPythonPackage() asks Python where its package is, and looks whether the library is in it",
  ignore: !SHELL,
  fn: () =>
    withPython('echo a greeting; cat "$(dirname "$0")/answer"', async (root, python) => {
      const find = (answer: string) => {
        Deno.writeTextFileSync(`${root}/answer`, answer);
        return findPythonPackage(sourceContext(root, { python }));
      };
      await Deno.mkdir(`${root}/packages/tensorflow`, { recursive: true });
      const folder = `${root}/packages/tensorflow`;
      assertEquals(
        (await assertRejects(() => find(`tensorflow=${folder}\n`), DataError)).message,
        `python3's ${folder} has no libtensorflow_cc.so.2`,
      );
      await Deno.writeTextFile(`${folder}/libtensorflow_cc.so.2`, "");
      assertEquals(await find(`tensorflow=${folder}\n`), { kind: "package", folder });
      assertEquals((await assertRejects(() => find(""), DataError)).message, "python3 has no tensorflow");
    }),
});

Deno.test("findPythonPackage() asks a real Python so that it answers", async () => {
  const found = await findPythonPackage(sourceContext("")).catch((error: Error) => error.message);
  // Which of these depends on the machine, but it is never what Python says of a wrong program.
  if (typeof found === "string") {
    assertMatch(found, /^(python3 was not found|python3 has no tensorflow|python3's \S+ has no .*)$/);
  } else assertEquals(found.kind, "package");
});
