import { assertEquals } from "@std/assert";
import { escapeHtml } from "../../lib/core/mod.ts";

Deno.test("escapeHtml() writes what HTML would read otherwise as entities, each once", () => {
  assertEquals(
    escapeHtml(`<b class="x">R&D &lt; 'ε'</b>`),
    "&lt;b class=&quot;x&quot;&gt;R&amp;D &amp;lt; 'ε'&lt;/b&gt;",
  );
  assertEquals(escapeHtml(""), "");
});
