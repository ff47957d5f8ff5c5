import { sha256Hex } from "../../../lib/core/mod.ts";
import type { SourceContext } from "../../../lib/engine/libtensorflow/library_source.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";
import { zip } from "./_tiny_zip.ts";

/** The context of a source on Linux x64 whose folders are in `root`, with what was announced. */
export function sourceContext(
  root: string,
  changes: Partial<SourceContext> = {},
): SourceContext & { readonly announced: unknown[] } {
  const announced: unknown[] = [];
  return {
    target: { os: "linux", arch: "x86_64" },
    gpu: false,
    downloads: `${root}/downloads`,
    temporary: `${root}/temporary`,
    env: () => undefined,
    announce: (...all) => announced.push(all),
    announced,
    ...changes,
  };
}

/** A made-up wheel for Linux: two files that are no libraries, and what is not needed. */
export function fakeWheel(text = "no library"): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  return zip([
    ["tensorflow/__init__.py", bytes, "deflated"],
    ["tensorflow/libtensorflow_cc.so.2", bytes, "deflated"],
    ["tensorflow/libtensorflow_framework.so.2", bytes, "stored"],
  ]);
}

/** {@linkcode fakeWheel} and its checksum. */
export const WHEEL: Uint8Array<ArrayBuffer> = fakeWheel();
export const WHEEL_SHA256: string = await sha256Hex(WHEEL);

/** Runs a body with a folder and, in it, a "Python": a shell script that is given the arguments. */
export function withPython(script: string, body: (root: string, python: string) => Promise<void>): Promise<void> {
  return inTempFolder(async (root) => {
    const python = `${root}/python`;
    await Deno.writeTextFile(python, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await body(root, python);
  });
}

/** Whether shell scripts can stand in for Python. */
export const SHELL: boolean = Deno.build.os !== "windows";
