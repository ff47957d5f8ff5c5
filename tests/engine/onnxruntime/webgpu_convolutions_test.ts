import { assertEquals } from "@std/assert";
import {
  conv2d,
  createEngine,
  type Engine,
  mul,
  sum,
  takeTree,
  type Tensor,
  valueAndGrad,
} from "../../../lib/engine/mod.ts";
import { assertClose } from "../../testing/assert_close.ts";
import { normal } from "../../testing/numbers.ts";
import { webgpuOnCpu } from "./_webgpu_on_cpu.ts";

/** Stride, padding, filter, channels in and out, and sides of the image. */
const GEOMETRIES = [
  [1, 1, 3, 3, 4, 6, 6, 5],
  [1, 0, 1, 1, 4, 6, 5, 5],
  [2, 1, 3, 3, 3, 5, 8, 8],
  [2, 1, 3, 3, 3, 5, 7, 9],
  [2, 0, 1, 1, 4, 6, 6, 7],
  [3, 2, 4, 2, 2, 3, 9, 8],
  [1, 2, 3, 3, 2, 3, 4, 4],
  [1, 1, 1, 1, 2, 3, 4, 4],
  [2, 0, 3, 3, 2, 3, 6, 6],
  [1, 1, 3, 3, 3, 2, 1, 1],
] as const;

const inputs = {
  layers: GEOMETRIES.map(([stride, padding, kh, kw, channels, outputs, height, width], i) => ({
    x: normal([2, height, width, channels], `x${i}`),
    w: normal([kh, kw, channels, outputs], `w${i}`),
    dy: normal([
      2,
      Math.floor((height + 2 * padding - kh) / stride) + 1,
      Math.floor((width + 2 * padding - kw) / stride) + 1,
      outputs,
    ], `dy${i}`),
  })),
};

interface Layer {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly dy: Tensor;
}

/** Outputs and both gradients of every layer. */
function layers({ layers }: { layers: readonly Layer[] }) {
  return {
    layers: layers.map(({ x, w, dy }, i) => {
      const [stride, padding] = GEOMETRIES[i]!;
      const { aux, grad } = valueAndGrad(({ x, w }: { x: Tensor; w: Tensor }) => {
        const y = conv2d(x, w, stride, padding);
        return { value: sum(mul(y, dy)), aux: y };
      }, { x, w });
      return { y: aux, dx: grad.x, dw: grad.w };
    }),
  };
}

async function outputsOf(engine: Pick<Engine, "compile" | "read">) {
  const program = engine.compile(layers, { name: "convolutions" });
  return (await takeTree(engine, await program(inputs))).layers;
}

Deno.test("convolutions and gradients for webgpu agree with the reference", async () => {
  await using engine = webgpuOnCpu();
  const found = await outputsOf(engine);
  await using reference = await createEngine("reference");
  const expected = await outputsOf(reference);
  for (const [i, layer] of expected.entries()) {
    for (const key of ["y", "dx", "dw"] as const) {
      assertClose(found[i]![key], layer[key], { relative: 1e-5, absolute: 1e-5 }, `${key} of layer ${i}`);
    }
  }
  // Three products a layer, each one operator; the strided ones' input gradients and those padded beyond their filter.
  const { nodes } = engine.graphs[0]!;
  const count = (kind: string) => nodes.filter(({ op }) => op === kind).length;
  assertEquals([count("Conv"), count("ConvTranspose")], [3 * GEOMETRIES.length - 6, 6]);
  assertEquals(nodes.every(({ domain }) => domain === ""), true);
});

Deno.test("convolutions in groups for webgpu, with their gradients, agree with the reference", async () => {
  // Stride, groups, channels in and out.
  const cases = [[1, 4, 4, 4], [2, 4, 4, 4], [1, 2, 4, 6], [2, 2, 6, 4]] as const;
  const grouped = cases.map(([stride, groups, channels, outputs], i) => ({
    x: normal([2, 6, 5, channels], `x${i}`),
    w: normal([3, 3, channels / groups, outputs], `w${i}`),
    dy: normal([2, 6 / stride, Math.ceil(5 / stride), outputs], `dy${i}`),
  }));
  const gradients = ({ grouped }: { grouped: readonly Layer[] }) => ({
    layers: grouped.map(({ x, w, dy }, i) => {
      const [stride, groups] = cases[i]!;
      const { aux, grad } = valueAndGrad(({ x, w }: { x: Tensor; w: Tensor }) => {
        const y = conv2d(x, w, stride, 1, groups);
        return { value: sum(mul(y, dy)), aux: y };
      }, { x, w });
      return { y: aux, dx: grad.x, dw: grad.w };
    }),
  });
  const run = async (engine: Pick<Engine, "compile" | "read">) =>
    (await takeTree(engine, await engine.compile(gradients, { name: "groups" })({ grouped }))).layers;
  await using engine = webgpuOnCpu();
  const found = await run(engine);
  await using reference = await createEngine("reference");
  for (const [i, layer] of (await run(reference)).entries()) {
    for (const key of ["y", "dx", "dw"] as const) {
      assertClose(found[i]![key], layer[key], { relative: 1e-5, absolute: 1e-5 }, `${key} of layer ${i}`);
    }
  }
  assertEquals(engine.graphs[0]!.nodes.every(({ domain }) => domain === ""), true);
});
