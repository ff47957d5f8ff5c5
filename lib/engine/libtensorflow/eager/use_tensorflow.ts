import { UsageError } from "../../../core/mod.ts";
import { tf } from "../../tensorflow.ts";
import { findLibrary } from "../find_library.ts";
import { EAGER_BACKEND } from "./_backend.ts";
import { loadKernels } from "./_load_kernels.ts";
import { type Binding, createBinding } from "./binding.ts";
import { registerLeanGradients } from "./lean_gradients.ts";

/** Settings of {@linkcode useTensorflow}. */
export interface EagerOptions {
  /** Path of `libtensorflow_cc`. @default {what findLibrary finds} */
  readonly library?: string;
}

/** TensorFlow.js on libtensorflow, in this isolate. */
export interface EagerBackend extends Disposable {
  /** Name under which TensorFlow.js knows it. */
  readonly name: "tensorflow";
  /** Where operators run: "cpu (2 threads)" or "gpu". */
  readonly device: string;
  /** Whether operators run on a GPU. */
  readonly isUsingGpuDevice: boolean;
  /** Version of the library underneath. */
  readonly version: string;
  /** The TensorFlow.js module, whose operators now run on it. */
  readonly tf: typeof tf;
  /** How many tensors the library holds; TensorFlow.js's own count is `tf.memory().numTensors`. */
  memory(): { readonly tensors: number };
  /** Gives every tensor back and makes the backend from before the active one again. */
  [Symbol.dispose](): void;
}

let open: { readonly library: string; readonly backend: EagerBackend } | undefined;

/**
 * Makes TensorFlow.js's own operators run on libtensorflow at once, one by one, in the caller's isolate: for exploring
 * in a notebook. What is to be fast or to leave the isolate free is compiled by an engine instead.
 *
 * The kernels are those of `npm:@tensorflow/tfjs-node-gpu`, fetched at the first call; its native addon is not used.
 * Operators of TensorFlow.js beyond those of this library may have a wrong second derivative.
 *
 * @param options Where the library is.
 * @returns The backend, which is now the active one; the same one where it is called again. Dispose of it (`using`) to
 * give the memory back.
 * @throws {UsageError} If the library is not found or cannot be loaded, or another one or TensorFlow.js's own addon is
 * in use.
 * @throws {UserError} If the kernels cannot be loaded.
 *
 * @example Usage
 * ```ts
 * import { useTensorflow } from "@kdiga/kdiga";
 *
 * async function product(): Promise<void> {
 *   using tensorflow = await useTensorflow();
 *   const { tf } = tensorflow;
 *   tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).print());
 * }
 * ```
 */
export async function useTensorflow(options: EagerOptions = {}): Promise<EagerBackend> {
  const library = options.library ?? foundLibrary();
  const makeBackend = await loadKernels();
  if (open && open.library !== library) {
    throw new UsageError(
      `Cannot use the TensorFlow library ${library} while ${open.library} is in use: dispose of its backend first`,
    );
  }
  if (!open) {
    if (tf.findBackendFactory(EAGER_BACKEND)) {
      throw new UsageError(
        `Cannot use TensorFlow as TensorFlow.js has another backend "${EAGER_BACKEND}": do not import its tfjs-node`,
      );
    }
    const binding = openBinding(library);
    tf.registerBackend(EAGER_BACKEND, () => makeBackend(binding));
    registerLeanGradients();
    open = { library, backend: backendOf(binding, tf.getBackend()) };
  }
  await tf.setBackend(EAGER_BACKEND);
  return open.backend;
}

function foundLibrary(): string {
  const { path, looked } = findLibrary();
  if (path !== undefined) return path;
  throw new UsageError(
    `Cannot use TensorFlow as its library was not found: run \`deno task setup\`, ` +
      `or set TENSORFLOW_LIBRARY to the path of libtensorflow_cc (looked at ${looked.join(", ") || "nothing"})`,
  );
}

function openBinding(library: string): Binding {
  try {
    return createBinding(library, navigator.hardwareConcurrency);
  } catch (error) {
    throw new UsageError(
      `Cannot use the TensorFlow library ${library}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function backendOf(binding: Binding, before: string): EagerBackend {
  let disposed = false;
  return {
    name: EAGER_BACKEND,
    device: binding.device,
    isUsingGpuDevice: binding.isUsingGpuDevice(),
    version: `libtensorflow ${binding.TF_Version}`,
    // Behind a getter, or a notebook that shows the backend prints the whole module.
    get tf() {
      return tf;
    },
    memory: () => ({ tensors: binding.getNumOfTensors() }),
    [Symbol.dispose]: () => {
      if (disposed) return;
      disposed = true;
      open = undefined;
      if (tf.getBackend() === EAGER_BACKEND) tf.setBackend(before);
      tf.removeBackend(EAGER_BACKEND);
      binding.close();
    },
  };
}
