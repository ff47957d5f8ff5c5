import { assertEquals } from "@std/assert";
import { factsBundle } from "../../lib/core/mod.ts";

Deno.test("factsBundle() makes a table, and lines whose texts begin in one column", () => {
  assertEquals(factsBundle("a < b", { Network: "cnn", Parameters: "1,234 <all>" }), {
    "text/html": "<table>\n<caption>a &lt; b</caption>\n" +
      '<tr><th scope="row">Network</th><td style="text-align: left">cnn</td></tr>\n' +
      '<tr><th scope="row">Parameters</th><td style="text-align: left">1,234 &lt;all&gt;</td></tr>\n</table>\n',
    "text/plain": "a < b\nNetwork     cnn\nParameters  1,234 <all>",
  });
  assertEquals(factsBundle("empty", {})["text/plain"], "empty");
});
