import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "../../../lib/core/mod.ts";
import { unpackLibrary } from "../../../lib/engine/libtensorflow/unpack_library.ts";
import { gzip, tar } from "../../data/_tiny_cifar10.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";
import { filesIn } from "../../scripts/_task.ts";
import { zip } from "./_tiny_zip.ts";

const X = new TextEncoder().encode("x");
const zipOf = (...names: readonly string[]) => zip(names.map((name) => [name, X, "stored"]));
const tarOf = (...names: readonly string[]) => gzip(tar(names.map((name) => [name, X])));

/** Path of the library, and every file that was made, from the folder on. */
async function unpacked(
  archives: Readonly<Record<string, Uint8Array>>,
  os: typeof Deno.build.os,
): Promise<[string, string[]]> {
  let result: [string, string[]] = ["", []];
  await inTempFolder(async (root) => {
    for (const [name, bytes] of Object.entries(archives)) await Deno.writeFile(`${root}/${name}`, bytes);
    const to = `${root}/library`;
    const path = await unpackLibrary({ archives: Object.keys(archives).map((name) => `${root}/${name}`), to, os });
    result = [path.slice(to.length + 1).replaceAll("\\", "/"), Object.keys(await filesIn(to))];
  });
  return result;
}

Deno.test("unpackLibrary() takes two libraries out of a wheel and nothing else", async () => {
  for (const [os, end] of [["linux", "so.2"], ["darwin", "2.dylib"]] as const) {
    const files = [`tensorflow/libtensorflow_cc.${end}`, `tensorflow/libtensorflow_framework.${end}`];
    const others = ["tensorflow/__init__.py", "tensorflow/python/libtensorflow_cc.so", "x/libtensorflow_cc.so.2"];
    assertEquals(await unpacked({ "a.whl": zipOf(...others, ...files.toReversed()) }, os), [files[0]!, files]);
  }
});

Deno.test("unpackLibrary() puts CUDA's libraries where TensorFlow's look for them, beside its folder", async () => {
  const cuda = ["nvidia/cublas/lib/libcublas.so.12", "nvidia/cudnn/lib/libcudnn.so.9"];
  const wheels = {
    "nvidia_cublas.whl": zipOf(cuda[0]!, "nvidia/cublas/include/cublas.h", "nvidia/__init__.py"),
    "nvidia_cudnn.whl": zipOf(cuda[1]!, "nvidia/__init__.py"),
    "tensorflow.whl": zipOf("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"),
  };
  assertEquals(await unpacked(wheels, "linux"), [
    "tensorflow/libtensorflow_cc.so.2",
    [...cuda, "tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"],
  ]);
});

Deno.test("unpackLibrary() gives the files of TensorFlow's archive for C the names that are looked for", async () => {
  const linux = await tarOf(
    "./lib/libtensorflow_framework.so.2.18.0",
    "./include/tensorflow/c/c_api.h",
    "./lib/libtensorflow.so.2.18.0",
    "./lib/libtensorflow.so.2", // as a copy, where others have a link
  );
  assertEquals(await unpacked({ "a.tar.gz": linux }, "linux"), [
    "tensorflow/libtensorflow.so.2",
    ["tensorflow/libtensorflow.so.2", "tensorflow/libtensorflow_framework.so.2"],
  ]);
  const mac = await tarOf("lib/libtensorflow.2.18.0.dylib", "lib/libtensorflow_framework.2.18.0.dylib");
  assertEquals(await unpacked({ "a.tar.gz": mac }, "darwin"), [
    "tensorflow/libtensorflow.2.dylib",
    ["tensorflow/libtensorflow.2.dylib", "tensorflow/libtensorflow_framework.2.dylib"],
  ]);
  const windows = zipOf("lib/tensorflow.lib", "lib/tensorflow.dll", "include/tensorflow/c/c_api.h");
  assertEquals(await unpacked({ "a.zip": windows }, "windows"), ["tensorflow/tensorflow.dll", [
    "tensorflow/tensorflow.dll",
  ]]);
});

Deno.test("unpackLibrary() says where the library is not in it, or there is no archive", async () => {
  await inTempFolder(async (root) => {
    const archives = [`${root}/a.whl`];
    const unpack = () => unpackLibrary({ archives, to: `${root}/library`, os: "linux" });
    assertEquals(
      (await assertRejects(unpack, DataError)).message,
      `Cannot unpack "${root}/a.whl" as there is no such file: check the path`,
    );
    await Deno.writeFile(`${root}/a.whl`, zipOf("tensorflow/libtensorflow_cc.2.dylib"));
    assertEquals(
      (await assertRejects(unpack, DataError)).message,
      `Cannot find libtensorflow_cc.so.2 or libtensorflow.so.2 in "${root}/a.whl": use TensorFlow's for this system`,
    );
  });
});
