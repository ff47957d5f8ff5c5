import { assertEquals, assertThrows } from "@std/assert";
import { parse, stringify } from "@std/csv";

Deno.test("parse() reads rows, or objects where columns are named", () => {
  assertEquals(parse("a,b\n1,2\n"), [["a", "b"], ["1", "2"]]);
  assertEquals(parse("a,b\r\n1,2"), [["a", "b"], ["1", "2"]]);
  assertEquals(parse("a,b\n\n1,2", { skipFirstRow: true }), [{ a: "1", b: "2" }]);
  assertEquals(parse("a,b\n1,2", { columns: ["x", "y"] }), [{ x: "a", y: "b" }, { x: "1", y: "2" }]);
  assertEquals(parse("a,b\n1,2", { columns: ["x", "y"], skipFirstRow: true }), [{ x: "1", y: "2" }]);
  assertEquals(parse('"a ""q"", b","c\nd",\n'), [['a "q", b', "c\nd", ""]]);
  assertEquals(parse(""), []);
  assertThrows(() => parse('"a,b\n'), SyntaxError);
  assertThrows(() => parse("a,b\n1,2,3\n", { skipFirstRow: true }), Error, "3 fields");
});

Deno.test("stringify() writes columns of objects and rows of arrays", () => {
  const items = [{ a: 1, b: { c: "x,y" }, d: null }, { a: 2, b: { c: 'q"' } }];
  assertEquals(
    stringify(items, { columns: ["a", ["b", "c"], { header: "D", prop: "d" }] }),
    'a,c,D\r\n1,"x,y",\r\n2,"q""",\r\n',
  );
  assertEquals(stringify(items, { columns: ["a"], headers: false }), "1\r\n2\r\n");
  assertEquals(stringify([[1, "b"], [undefined, true]], { headers: false }), "1,b\r\n,true\r\n");
  assertThrows(() => stringify([{ a: 1 }], { headers: false }), Error, "No property accessor function");
});
