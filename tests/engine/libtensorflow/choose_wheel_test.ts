import { assertEquals } from "@std/assert";
import { chooseWheel } from "../../../lib/engine/libtensorflow/choose_wheel.ts";
import { tensorflowWheel } from "../../../lib/engine/libtensorflow/tensorflow_wheel.ts";

const FILES = [
  "tensorflow-2.21.0-cp311-cp311-macosx_12_0_arm64.whl",
  "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl",
  "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
  "tensorflow-2.21.0-cp313-cp313-manylinux_2_27_aarch64.whl",
  "tensorflow-2.21.0-cp313-cp313-win_amd64.whl",
  "tensorflow_cpu-2.20.0-cp313-cp313-manylinux_2_27_x86_64.whl",
  "tensorflow_cpu-2.21.0.tar.gz",
  "tensorflow_cpu-2.21.0-cp39-cp39-manylinux_2_27_x86_64.whl",
  "tensorflow_cpu-2.21.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
  "tensorflow_cpu-2.21.0-cp311-cp311-musllinux_1_2_x86_64.whl",
  "tensorflow_cpu-2.21.0-cp314-cp314-win_amd64.whl",
  "tensorflow_cpu_extra-2.21.0-cp314-cp314-manylinux_2_27_x86_64.whl",
].map((name) => ({ name, url: `https://example.org/${name}` }));

const chosen = (names: readonly (typeof FILES)[number][], os: typeof Deno.build.os, arch: typeof Deno.build.arch) =>
  chooseWheel(names, tensorflowWheel({ os, arch }))?.name;

Deno.test("chooseWheel() takes the pinned version for the system, and of several Pythons the newest", () => {
  assertEquals(chosen(FILES, "linux", "x86_64"), FILES[8]!.name);
  assertEquals(chosen(FILES, "linux", "aarch64"), FILES[3]!.name);
  assertEquals(chosen(FILES, "darwin", "aarch64"), FILES[0]!.name);
  assertEquals(chosen(FILES.toReversed(), "linux", "x86_64"), FILES[8]!.name);
  assertEquals(chosen(FILES.slice(0, 8), "linux", "x86_64"), FILES[7]!.name);
});

Deno.test("chooseWheel() takes any of several platforms, another spelling of the name, and build numbers", () => {
  for (
    const name of [
      "tensorflow_cpu-2.21.0-cp311-cp311-manylinux2014_x86_64.whl",
      "TensorFlow.CPU-2.21.0-1-cp311-cp311-linux_x86_64.whl",
      "tensorflow_cpu-2.21.0-py3-none-other.manylinux_2_5_x86_64.whl",
    ]
  ) assertEquals(chosen([{ name, url: "" }], "linux", "x86_64"), name);
  const universal = "tensorflow-2.21.0-cp311-cp311-macosx_11_0_universal2.whl";
  assertEquals(chosen([{ name: universal, url: "" }], "darwin", "aarch64"), universal);
});

Deno.test("chooseWheel() finds none where none fits", () => {
  assertEquals(chosen([], "linux", "x86_64"), undefined);
  assertEquals(chosen([FILES[5]!, FILES[6]!, FILES[9]!, FILES[10]!, FILES[11]!], "linux", "x86_64"), undefined);
});
