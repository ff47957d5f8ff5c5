import { assertEquals, assertRejects } from "@std/assert";
import {
  CheckpointError,
  ChecksumError,
  float32,
  type NdArray,
  rng,
  sha256Hex,
  UsageError,
} from "../../lib/core/mod.ts";
import { createModel, encodeSafetensors, loadPretrained, saveWeights, toPyTorch } from "../../lib/models/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";

const spec = { kind: "resnet18", width: 2, blocks: [1, 1, 1, 1] } as const;
const inputShape = [8, 8, 3] as const;
const model = createModel(spec, { classes: 3, inputShape });
const others = createModel(spec, { classes: 7, inputShape }).init(rng(2));

/** A state_dict of Kuang Liu's names, of seven classes. */
async function writeForeign(path: string, extra: Record<string, NdArray> = {}): Promise<void> {
  const rename = (key: string) => `module.${key.replace("downsample", "shortcut").replace(/^fc/, "linear")}`;
  const tensors = Object.fromEntries(Object.entries(toPyTorch(others)).map(([key, array]) => [rename(key), array]));
  await Deno.writeFile(path, encodeSafetensors({ tensors: { ...tensors, ...extra } }));
}

Deno.test("loadPretrained() takes all but what begins new, whatever its names", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await writeForeign(path);
    const { weights, sha256 } = await loadPretrained(path, { model, spec, fresh: ["fc.*", "layer4.0.bn2.*"] });
    assertEquals(sha256, await sha256Hex(await Deno.readFile(path)));
    const isFresh = (name: string) => /^(fc|layer4\.0\.bn2)\./.test(name);
    const kept = (all: Readonly<Record<string, NdArray>>) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => !isFresh(name)));
    assertEquals(weights, { parameters: kept(others.parameters), buffers: kept(others.buffers) });
  });
});

Deno.test("loadPretrained() refuses a head of other classes that does not begin new, and globs of nothing", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await writeForeign(path);
    await assertRejects(
      () => loadPretrained(path, { model, spec }),
      CheckpointError,
      '"fc.weight" is [7,16] where [3,16] was expected; "fc.bias" is [7] where [3] was expected',
    );
    await assertRejects(
      () => loadPretrained(path, { model, spec, fresh: ["head.*"] }),
      UsageError,
      'Cannot begin "head.*" new as it matches no weight of "resnet18": names are like "layer4.0.downsample.1.running_var"',
    );
  });
});

Deno.test("loadPretrained() refuses another file, another network's card and another normalisation", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await writeForeign(path);
    const fresh = ["fc.*"];
    await assertRejects(() => loadPretrained(path, { model, spec, fresh, sha256: "0".repeat(64) }), ChecksumError);
    const whitened = {
      "mu": float32([1, 3, 1, 1], [0.5, 0.25, 0.5]),
      "sigma": float32([1, 3, 1, 1], [0.25, 0.25, 0.5]),
    };
    await writeForeign(path, whitened);
    await assertRejects(
      () => loadPretrained(path, { model, spec, fresh }),
      CheckpointError,
      `Cannot use "${path}" as its network normalises its images and "resnet18" does not: give the model ` +
        "mean [0.5, 0.25, 0.5] and std [0.25, 0.25, 0.5]",
    );
    const same = { ...spec, mean: [0.5, 0.25, 0.5], std: [0.25, 0.25, 0.5] };
    const { weights } = await loadPretrained(path, { model, spec: same, fresh });
    assertEquals(weights.parameters["conv1.weight"], others.parameters["conv1.weight"]);

    const content = {
      model: { ...spec, activation: "tanh" },
      classes: ["a", "b", "c"],
      inputShape,
      provenance: {},
    } as const;
    await saveWeights(path, model.init(rng(1)), content);
    await assertRejects(
      () => loadPretrained(path, { model, spec }),
      CheckpointError,
      `Cannot use "${path}" as its card says activation = "tanh" where the model has nothing: take the model of the card`,
    );
    // A field that is written out as its default changes nothing.
    const tanh = { ...spec, stem: "cifar", activation: "tanh" } as const;
    assertEquals((await loadPretrained(path, { model, spec: tanh })).weights, model.init(rng(1)));
  });
});
