import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { packageIndexes } from "../../../lib/engine/libtensorflow/package_indexes.ts";

const of = (
  variables: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
  os: typeof Deno.build.os = "linux",
) => packageIndexes({ env: (name) => variables[name], os, read: (path) => files[path] });

Deno.test("packageIndexes() knows none by itself", () => {
  assertEquals(of({}), []);
  assertEquals(of({ HOME: "/h" }, { "/etc/pip.conf": "[global]\ncert = /c\n" }), []);
});

Deno.test("packageIndexes() takes the variables of pip and uv before files, each address once", () => {
  const variables = {
    PIP_EXTRA_INDEX_URL: " https://b.example/simple  file:///c/simple ",
    PIP_INDEX_URL: "https://a.example/simple",
    UV_INDEX: "mine=https://d.example/simple https://a.example/simple",
    UV_INDEX_URL: "https://user:p=w@e.example/simple",
  };
  assertEquals(of(variables, { "/etc/pip.conf": "[global]\nindex-url=https://f.example\n" }), [
    "https://a.example/simple",
    "https://b.example/simple",
    "file:///c/simple",
    "https://d.example/simple",
    "https://user:p=w@e.example/simple",
    "https://f.example",
  ]);
});

Deno.test("packageIndexes() reads pip's files: sections, comments, values over several lines", () => {
  const text = `index-url = https://outside.example
[global]
# index-url = https://comment.example
index-url: https://a.example/simple
extra-index-url =
    https://b.example/simple
    ; a comment
    file:///c/simple
timeout = 3
    https://no-index.example
[list]
index-url = https://other-command.example
[download]
extra_index_url = https://d.example/simple
`;
  assertEquals(of({}, { "/etc/pip.conf": text }), [
    "https://a.example/simple",
    "https://b.example/simple",
    "file:///c/simple",
    "https://d.example/simple",
  ]);
});

Deno.test("packageIndexes() reads the files of the environment, the user and the system, on each system", () => {
  const files = (paths: readonly string[]) =>
    Object.fromEntries(paths.map((path, i) => [path, `[global]\r\nindex-url = https://${i}.example\r\n`]));
  const expected = (paths: readonly string[]) => paths.map((_, i) => `https://${i}.example`);
  const variables = { PIP_CONFIG_FILE: "/own", VIRTUAL_ENV: "/v", HOME: "/h", APPDATA: "/roaming" };
  const linux = [
    join("/own"),
    join("/v/pip.conf"),
    join("/h/.config/pip/pip.conf"),
    join("/h/.pip/pip.conf"),
    join("/etc/xdg/pip/pip.conf"),
    "/etc/pip.conf",
  ];
  assertEquals(of(variables, files(linux)), expected(linux));
  const moved = [join("/x/pip/pip.conf"), join("/y/pip/pip.conf"), join("/z/pip/pip.conf")];
  assertEquals(of({ XDG_CONFIG_HOME: "/x", XDG_CONFIG_DIRS: "/y:/z" }, files(moved)), expected(moved));
  const mac = [join("/h/Library/Application Support/pip/pip.conf"), join("/Library/Application Support/pip/pip.conf")];
  assertEquals(of(variables, files(mac), "darwin"), expected(mac));
  const windows = [join("/own"), join("/v/pip.ini"), join("/roaming/pip/pip.ini")];
  assertEquals(of(variables, files(windows), "windows"), expected(windows));
});
