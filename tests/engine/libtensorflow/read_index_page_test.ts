import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
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

Deno.test("readIndexPage() reads JSON", () => {
  const files = [
    { filename: "a-1.whl", url: "../../files/a-1.whl", hashes: { sha256: A }, size: 3 },
    { filename: "b-1.whl", url: "https://files.example/b-1.whl", hashes: {} },
  ];
  assertEquals(readIndexPage(JSON.stringify({ meta: {}, files }), "file:///i/simple/a/index.html"), [
    { name: "a-1.whl", url: "file:///i/files/a-1.whl", sha256: A },
    { name: "b-1.whl", url: "https://files.example/b-1.whl" },
  ]);
});

Deno.test("readIndexPage() finds nothing in another page, and says where JSON is none of an index", () => {
  assertEquals(readIndexPage("", "https://example.org/"), []);
  assertThrows(
    () => readIndexPage('{"error": 1}', "https://example.org/a/"),
    DataError,
    'Cannot read "https://example.org/a/" as a page of a package index: check the address of the index',
  );
});
