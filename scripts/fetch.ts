/**
 * Downloads a data set.
 *
 * @module
 */
import { CIFAR10_SHA256, CIFAR10_URL, fetchCifar10 } from "../mod.ts";
import { runCommand } from "./_command.ts";
import { CIFAR10_ARCHIVE } from "./_data.ts";
import { oneOf } from "./_flags.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "fetch",
  usage: "cifar10",
  arity: [1, 1],
  about:
    `Download CIFAR-10 (binary version, 162 MiB) and check it. A download that broke off goes on where it stopped.`,
  flags: {
    to: { value: "FILE", help: `file to make (default: ${CIFAR10_ARCHIVE})` },
    url: { value: "URL", help: `address of the archive (default: ${CIFAR10_URL})` },
    sha256: { value: "HEX", help: "checksum that it must have (default: that of the official archive)" },
  },
  resumable: true,
  main: async ({ args, flags, json, signal }) => {
    oneOf("data set", args[0]!, ["cifar10"]);
    const progress = createProgress();
    const file = await fetchCifar10({
      to: flags.to ?? CIFAR10_ARCHIVE,
      ...(flags.url === undefined ? {} : { url: flags.url }),
      ...(flags.sha256 === undefined ? {} : { sha256: flags.sha256 }),
      onProgress: (event) => {
        signal.throwIfAborted();
        progress.show(event);
      },
    });
    await progress.end();
    if (!json) console.log(file);
    return { file, sha256: (flags.sha256 ?? CIFAR10_SHA256).toLowerCase() };
  },
});
