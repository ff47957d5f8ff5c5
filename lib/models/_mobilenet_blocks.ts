import { isCount, unusable } from "./_check_spec.ts";
import type { MobilenetStage } from "./mobilenet_v2.ts";

/** A block. */
export interface MobilenetBlock {
  readonly inputs: number;
  readonly outputs: number;
  readonly expansion: number;
  readonly stride: number;
}

/**
 * The blocks of some stages, one after another.
 *
 * @param spec Kind, and factor of the channels, which may come from a file.
 * @param stages The stages, which may as well.
 * @param scaled Channels after the factor.
 * @returns The factor, the channels before the first block, the blocks, and the channels after the last.
 * @throws {UsageError} If something cannot be used.
 */
export function mobilenetBlocks(
  spec: { readonly kind: string; readonly width?: number },
  stages: readonly MobilenetStage[],
  scaled: (channels: number) => number,
): readonly MobilenetBlock[] {
  const { width = 1 } = spec;
  if (typeof width !== "number" || !(width > 0 && width <= 16)) {
    throw unusable(spec, "width", "it needs a number such as 1 or 0.5");
  }
  const isStage = (stage: unknown) =>
    Array.isArray(stage) && stage.length === 4 && stage.every(isCount) && Number(stage[3]) <= 2;
  if (!Array.isArray(stages) || stages.length === 0 || !stages.every(isStage)) {
    throw unusable(
      { ...spec, stages },
      "stages",
      "it needs lists of expansion, channels, blocks and stride, such as [[6, 24, 2, 2]]",
    );
  }
  let channels = scaled(32 * width);
  return stages.flatMap(([expansion, base, count, stride]: MobilenetStage) =>
    Array.from({ length: count }, (_, i) => {
      const inputs = channels;
      channels = scaled(base * width);
      return { inputs, outputs: channels, expansion, stride: i === 0 ? stride : 1 };
    })
  );
}
