import util from "node:util";
import { UserError } from "../../../core/mod.ts";
import { tf } from "../../tensorflow.ts";
import { registerBatchNormKernels } from "../../batch_norm_kernels.ts";
import { registerGeluKernels } from "../../gelu_kernels.ts";
import { registerGroupedConvolutionKernels } from "../../grouped_convolution_kernels.ts";
import { registerLayerNormKernels } from "../../layer_norm_kernels.ts";
import { registerMaxPoolKernels } from "../../max_pool_kernels.ts";
import { EAGER_BACKEND, type EagerKernelBackend } from "./_backend.ts";
import { registerConvolutionGradients } from "./_convolution_gradients.ts";
import type { Binding } from "./binding.ts";

/** The package with the kernels, as deno.json has it. */
export const KERNELS_PACKAGE = "npm:@tensorflow/tfjs-node-gpu@4.22.0";

/**
 * A file of that package, written out as a published package has no import map. A template is no part of the module
 * graph: who does not call {@linkcode loadKernels} does not load it.
 */
const importKernels = (file: string): Promise<unknown> => import(`npm:@tensorflow/tfjs-node-gpu@4.22.0/dist/${file}`);

/** Makes the backend; the name of the package tells kernels what they may ask of a GPU. */
export type MakeBackend = (binding: Binding) => EagerKernelBackend;

let loaded: Promise<MakeBackend> | undefined;

/**
 * Loads the JavaScript kernels of `@tensorflow/tfjs-node-gpu` and registers them with TensorFlow.js. Its entry point,
 * which wants the native addon, is not touched, and no install script is needed.
 *
 * @returns Makes their backend.
 * @throws {UserError} If the package cannot be loaded.
 */
export function loadKernels(): Promise<MakeBackend> {
  loaded ??= load().catch((error: Error) => {
    loaded = undefined;
    const reason = error.message.split("\n", 1)[0];
    throw new UserError(`Cannot load ${KERNELS_PACKAGE}, which the first call fetches: ${reason}`);
  });
  return loaded;
}

async function load(): Promise<MakeBackend> {
  // Node took these away, and the package still calls them.
  const old: { isNullOrUndefined?: (value: unknown) => boolean; isArray?: (value: unknown) => boolean } = util;
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
  const { NodeJSKernelBackend } = await importKernels("nodejs_kernel_backend.js") as {
    readonly NodeJSKernelBackend: new (binding: Binding, packageName: string) => EagerKernelBackend;
  };
  await importKernels("register_all_kernels.js");
  registerBatchNormKernels(tf, EAGER_BACKEND);
  registerGeluKernels(tf, EAGER_BACKEND);
  registerGroupedConvolutionKernels(tf, EAGER_BACKEND);
  registerLayerNormKernels(tf, EAGER_BACKEND);
  registerMaxPoolKernels(tf, EAGER_BACKEND);
  registerConvolutionGradients();
  return (binding) => new NodeJSKernelBackend(binding, "@tensorflow/tfjs-node-gpu");
}
