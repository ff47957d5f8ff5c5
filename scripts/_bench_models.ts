import { describeModel, type Engine, type ModelSpec, tableText } from "../mod.ts";
import { measure } from "./_bench_measure.ts";
import { benchSteps, type StepName } from "./_bench_steps.ts";
import { WARM_UPS } from "./_bench_times.ts";

/** A network to measure. */
export interface ModelCase {
  readonly name: string;
  readonly spec: ModelSpec;
  /** Height and width of an image. */
  readonly size: number;
  /** Images per call. */
  readonly batch: number;
}

/** The networks of the README's table, at batches that two cores and a few gigabytes allow. */
export const MODEL_CASES: readonly ModelCase[] = [
  { name: "ResNet-18", spec: { kind: "resnet18" }, size: 32, batch: 16 },
  { name: "PreActResNet-18", spec: { kind: "preact_resnet18" }, size: 32, batch: 16 },
  { name: "MobileNetV2 (CIFAR)", spec: { kind: "mobilenet_v2_cifar" }, size: 32, batch: 16 },
  { name: "WideResNet-28-10", spec: { kind: "wide_resnet", depth: 28, widen: 10 }, size: 32, batch: 4 },
  { name: "WideResNet-34-10", spec: { kind: "wide_resnet", depth: 34, widen: 10 }, size: 32, batch: 4 },
  { name: "ResNet-20", spec: { kind: "resnet", depth: 20 }, size: 32, batch: 64 },
  { name: "ViT-Ti/4", spec: { kind: "vit", patch: 4, size: "tiny" }, size: 32, batch: 16 },
  { name: "ViT-S/4", spec: { kind: "vit", patch: 4, size: "small" }, size: 32, batch: 16 },
  { name: "ResNet-18 (ImageNet)", spec: { kind: "resnet18", stem: "imagenet" }, size: 224, batch: 4 },
  { name: "ResNet-50 (ImageNet)", spec: { kind: "resnet50", stem: "imagenet" }, size: 224, batch: 4 },
  { name: "WideResNet-50-2 (ImageNet)", spec: { kind: "wide_resnet50_2", stem: "imagenet" }, size: 224, batch: 2 },
  { name: "MobileNetV2 (ImageNet)", spec: { kind: "mobilenet_v2" }, size: 224, batch: 4 },
  { name: "ViT-Ti/16", spec: { kind: "vit", patch: 16, size: "tiny" }, size: 224, batch: 4 },
  { name: "ViT-S/16", spec: { kind: "vit", patch: 16, size: "small" }, size: 224, batch: 4 },
  { name: "ViT-B/16", spec: { kind: "vit", patch: 16, size: "base" }, size: 224, batch: 2 },
];

/** The same at smoke size. */
export const SMALL_MODEL_CASES: readonly ModelCase[] = [
  { name: "ResNet-18", spec: { kind: "resnet18", width: 2 }, size: 8, batch: 2 },
  { name: "ViT", spec: { kind: "vit", patch: 4, depth: 1, dim: 8, heads: 1 }, size: 8, batch: 2 },
];

/** What was measured of a network. */
export interface ModelRow {
  readonly name: string;
  readonly size: number;
  readonly batch: number;
  readonly parameters: number;
  /** Multiply-accumulates of a forward pass of one image. */
  readonly macs: number;
  readonly engine: string;
  /** Median time of a forward pass, ms per image. */
  readonly forwardMs: number;
  /** Median time of a KDIGA step whose teacher's gradient costs next to nothing, ms per image. */
  readonly kdigaMs: number;
}

const STEPS: readonly StepName[] = ["forward", "KDIGA step, linear teacher"];

/** Measures the forward pass and the KDIGA step of a network, with ten classes. */
export async function benchModel(engine: Engine, one: ModelCase, runs: number): Promise<ModelRow> {
  const { name, spec, size, batch } = one;
  const { steps, dispose } = benchSteps(engine, { spec, size, batch, width: 0 }, STEPS);
  try {
    const measured = await measure(steps, { runs, warmUps: WARM_UPS });
    const [forwardMs = NaN, kdigaMs = NaN] = measured.map(({ times }) => median(times) / batch);
    const { parameters, macs } = describeModel(spec, { classes: 10, inputShape: [size, size, 3] });
    return { name, size, batch, parameters, macs, engine: engine.name, forwardMs, kdigaMs };
  } finally {
    dispose();
  }
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** Writes the rows as a table. */
export function modelsText(rows: readonly ModelRow[]): string {
  return tableText({
    caption: "Ten classes. Median ms per image of a forward pass, and of a training step with KDIGA whose teacher's " +
      "gradient costs next to nothing.",
    columns: ["Network", "image", "batch", "parameters", "MMAC", "forward", "KDIGA step"],
    rows: rows.map(({ name, size, batch, parameters, macs, forwardMs, kdigaMs }) => [
      name,
      `${size}x${size}`,
      `${batch}`,
      `${parameters}`,
      (macs / 1e6).toFixed(0),
      forwardMs.toFixed(2),
      kdigaMs.toFixed(1),
    ]),
  });
}
