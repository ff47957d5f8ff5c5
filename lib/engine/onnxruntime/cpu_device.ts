import type { Tensor } from "onnxruntime-node";
import { type NdArray, sizeOf } from "../../core/mod.ts";
import type { Fetch } from "../protocol.ts";
import { createSession, type Device, tensorOf } from "./device.ts";

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
const poolKey = (dtype: string, size: number) => `${dtype}:${size}`;

/**
 * Makes the device that is the processor: values are arrays in memory.
 *
 * @param threads Threads of an operator.
 * @returns The device.
 */
export function cpuDevice(threads: number): Device {
  /** Memory of values that were freed, by dtype and size: the next output of that size is written there. */
  const pool = new Map<string, NdArray["data"][]>();
  const outputTensor = ({ dtype, shape }: Fetch): Tensor => {
    const size = sizeOf(shape);
    const data = pool.get(poolKey(dtype, size))?.pop() ?? new ARRAYS[dtype](size);
    return tensorOf({ dtype, shape, data } as NdArray);
  };
  return {
    compile: (model) => createSession(model, { intraOpNumThreads: threads }),
    run: (session, feeds, fetches) =>
      session.run(feeds, Object.fromEntries(fetches.map((fetch) => [fetch.name, outputTensor(fetch)]))),
    put: (array) => Promise.resolve(tensorOf(array)),
    read: ({ data }) => Promise.resolve((data as Float32Array).slice()),
    free: ({ type, size, data }) => {
      const key = poolKey(type, size);
      const spare = pool.get(key) ?? [];
      if (spare.length < 4) spare.push(data as Float32Array);
      pool.set(key, spare);
    },
    close: () => Promise.resolve(),
  };
}
