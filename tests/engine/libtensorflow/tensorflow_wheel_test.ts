import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { tensorflowWheel } from "../../../lib/engine/libtensorflow/tensorflow_wheel.ts";

Deno.test("tensorflowWheel() knows the package of each system that has one", () => {
  const of = (os: typeof Deno.build.os, arch: typeof Deno.build.arch, gpu = false) =>
    tensorflowWheel({ os, arch }, gpu).requirement;
  assertEquals(of("linux", "x86_64"), "tensorflow-cpu");
  assertEquals(of("linux", "aarch64"), "tensorflow");
  assertEquals(of("darwin", "aarch64"), "tensorflow");
  assertEquals(of("linux", "x86_64", true), "tensorflow[and-cuda]");
});

Deno.test("tensorflowWheel() says where there is none", () => {
  const message = (os: typeof Deno.build.os, arch: typeof Deno.build.arch, gpu = false) =>
    assertThrows(() => tensorflowWheel({ os, arch }, gpu), DataError).message;
  assertEquals(message("windows", "x86_64"), "there is no wheel with TensorFlow's library for windows on x86_64");
  assertEquals(message("darwin", "x86_64"), "there is no wheel with TensorFlow's library for darwin on x86_64");
  assertEquals(
    message("darwin", "aarch64", true),
    "there is no wheel with TensorFlow's library and CUDA's for darwin on aarch64",
  );
});
