import { DEVICE_CHOICES, type DeviceChoice, ENGINE_CHOICES, type EngineChoice, UsageError } from "../mod.ts";

/** The flag that says where the engine computes. */
export const DEVICE_FLAG = {
  value: "NAME",
  help: "auto, cpu, gpu (tensorflow's, CUDA) or webgpu (onnxruntime's, any GPU with Vulkan, Metal or Direct3D 12)",
} as const;

/** The engine that a flag asks for. */
export function engineOf(flag: string | undefined): EngineChoice {
  return known("engine", flag ?? "auto", ENGINE_CHOICES);
}

/** The device that a flag asks for. */
export function deviceOf(flag: string | undefined): DeviceChoice {
  return known("device", flag ?? "auto", DEVICE_CHOICES);
}

function known<T extends string>(what: string, name: string, names: readonly T[]): T {
  if ((names as readonly string[]).includes(name)) return name as T;
  throw new UsageError(`Cannot use the ${what} "${name}": use one of ${names.join(", ")}`);
}
