import type { DataSpec } from "../mod.ts";

/** Where `deno task fetch cifar10` puts the archive, and where it is looked for. */
export const CIFAR10_ARCHIVE = "data/cifar-10-binary.tar.gz";

/** Where `deno task fetch cifar100` puts the archive, and where it is looked for. */
export const CIFAR100_ARCHIVE = "data/cifar-100-binary.tar.gz";

const ARCHIVES: { readonly [K in DataSpec["kind"]]?: string } = {
  cifar10: CIFAR10_ARCHIVE,
  cifar100: CIFAR100_ARCHIVE,
};

/** The options of data: the path of a flag, else the fetched archive where it is there. */
export async function dataOption(
  flag: string | undefined,
  spec: DataSpec,
): Promise<{ readonly data?: string }> {
  if (flag !== undefined) return { data: flag };
  const archive = ARCHIVES[spec.kind];
  if (archive === undefined) return {};
  return await Deno.stat(archive).then(() => ({ data: archive }), () => ({}));
}
