/**
 * Downloads a data set.
 *
 * @module
 */
import { CIFAR100_SHA256, CIFAR100_URL, CIFAR10_SHA256, CIFAR10_URL, fetchCifar10, fetchCifar100 } from "../mod.ts";
import { runCommand } from "./_command.ts";
import { CIFAR100_ARCHIVE, CIFAR10_ARCHIVE } from "./_data.ts";
import { oneOf } from "./_flags.ts";
import { createProgress } from "./_progress.ts";

const SETS = {
  cifar10: { fetch: fetchCifar10, archive: CIFAR10_ARCHIVE, url: CIFAR10_URL, sha256: CIFAR10_SHA256 },
  cifar100: { fetch: fetchCifar100, archive: CIFAR100_ARCHIVE, url: CIFAR100_URL, sha256: CIFAR100_SHA256 },
} as const;
const NAMES = Object.keys(SETS) as (keyof typeof SETS)[];
/** What each set has, for help. */
const each = (what: "archive" | "url"): string => NAMES.map((name) => SETS[name][what]).join(" or ");

await runCommand({
  name: "fetch",
  usage: NAMES.join("|"),
  arity: [1, 1],
  about:
    `Download CIFAR-10 or CIFAR-100 (binary versions, 162 and 161 MiB) and check it. A download that broke off goes on
where it stopped.`,
  flags: {
    to: { value: "FILE", help: `file to make (default: ${each("archive")})` },
    url: { value: "URL", help: `address of the archive (default: ${each("url")})` },
    sha256: { value: "HEX", help: "checksum that it must have (default: that of the official archive)" },
  },
  resumable: true,
  main: async ({ args, flags, json, signal }) => {
    const set = SETS[oneOf("data set", args[0]!, NAMES)];
    const progress = createProgress();
    const file = await set.fetch({
      to: flags.to ?? set.archive,
      ...(flags.url === undefined ? {} : { url: flags.url }),
      ...(flags.sha256 === undefined ? {} : { sha256: flags.sha256 }),
      onProgress: (event) => {
        signal.throwIfAborted();
        progress.show(event);
      },
    });
    await progress.end();
    if (!json) console.log(file);
    return { file, sha256: (flags.sha256 ?? set.sha256).toLowerCase() };
  },
});
