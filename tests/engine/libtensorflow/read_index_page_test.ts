import { assertEquals } from "@std/assert";
import { readIndexPage } from "../../../lib/engine/libtensorflow/read_index_page.ts";

const A = "a".repeat(64);

Deno.test("readIndexPage() reads links: relative ones, checksums, entities, quotes of both kinds", () => {
  const page = `<!DOCTYPE html><html><body><h1>Links</h1><a>nothing</a>
    <a href="../../files/a%2Bb-1.whl#sha256=${A}" data-requires-python="&gt;=3.9">a+b-1.whl</a><br/>
    <a data-x="1"
       href='https://files.example/c-1.whl?x=1&amp;y=2#md5=0'>c-1.whl</a>
    <A HREF="http://[broken">d</A></body></html>`;
  assertEquals(readIndexPage(page, "https://example.org/root/simple/a/"), [
    { name: "a+b-1.whl", url: "https://example.org/root/files/a%2Bb-1.whl", sha256: A },
    { name: "c-1.whl", url: "https://files.example/c-1.whl?x=1&y=2" },
  ]);
});

Deno.test("readIndexPage() finds nothing in another page", () => {
  assertEquals(readIndexPage("", "https://example.org/"), []);
  assertEquals(readIndexPage('{"files": []}', "https://example.org/"), []);
});
