import type { DataSpec } from "../mod.ts";

/** Where `deno task fetch cifar10` puts the archive, and where it is looked for. */
export const CIFAR10_ARCHIVE = "data/cifar-10-binary.tar.gz";

/** The options of data: the path of a flag, else the fetched archive where it is there. */
export async function dataOption(
  flag: string | undefined,
  spec: DataSpec,
): Promise<{ readonly data?: string }> {
  if (flag !== undefined) return { data: flag };
  if (spec.kind !== "cifar10") return {};
  return await Deno.stat(CIFAR10_ARCHIVE).then(() => ({ data: CIFAR10_ARCHIVE }), () => ({}));
}
