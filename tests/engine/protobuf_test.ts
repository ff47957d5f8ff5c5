import { assertEquals } from "@std/assert";
import { ProtobufWriter } from "../../lib/engine/protobuf.ts";

const bytes = (writer: ProtobufWriter) => [...writer.finish()];

Deno.test("ProtobufWriter writes the examples of the encoding guide", () => {
  // protobuf.dev/programming-guides/encoding: Test1 {a: 150}, Test2 {b: "testing"}, Test3 {c: Test1 {a: 150}}.
  assertEquals(bytes(new ProtobufWriter().int(1, 150)), [0x08, 0x96, 0x01]);
  assertEquals(bytes(new ProtobufWriter().string(2, "testing")), [0x12, 7, ...new TextEncoder().encode("testing")]);
  const inner = new ProtobufWriter().int(1, 150);
  assertEquals(bytes(new ProtobufWriter().message(3, inner)), [0x1a, 3, 0x08, 0x96, 0x01]);
});

Deno.test("ProtobufWriter writes negative numbers as ten bytes, floats as four, and field numbers above 15", () => {
  assertEquals(bytes(new ProtobufWriter().int(1, -2)), [0x08, 0xfe, ...Array(8).fill(0xff), 0x01]);
  assertEquals(bytes(new ProtobufWriter().float(2, 1)), [0x15, 0, 0, 0x80, 0x3f]);
  assertEquals(bytes(new ProtobufWriter().int(20, 7)), [0xa0, 0x01, 7]);
  assertEquals(new ProtobufWriter().bytes(1, new Uint8Array(300)).length, 3 + 300);
});
