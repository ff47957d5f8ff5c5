/**
 * Weights to PyTorch and back, in Python itself. Not run unless KDIGA_PEER_PYTHON is the path of a Python that has
 * torch and safetensors; what needs timm passes where that is missing.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { CheckpointError, float32, rng } from "../../lib/core/mod.ts";
import { createEngine, type Tensor } from "../../lib/engine/mod.ts";
import { createModel, loadWeights, saveWeights, type Weights } from "../../lib/models/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";

const PYTHON = Deno.env.get("KDIGA_PEER_PYTHON");
const MODEL = { kind: "mobilenet_v2_cifar", width: 0.125, stages: [[1, 16, 1, 1], [2, 24, 2, 2]] } as const;
const SHAPE = { classes: 3, inputShape: [8, 8, 3] } as const;

/** The network in PyTorch, and its logits for one image. */
const NETWORK = `
import json, sys, torch
from torch import nn
import torch.nn.functional as F
conv = lambda i, o, k, s=1, g=1: nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False)
class Block(nn.Module):
    def __init__(self, i, o, t, s):
        super().__init__()
        h = t * i
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(i, h, 1), nn.BatchNorm2d(h), conv(h, h, 3, s, h), nn.BatchNorm2d(h)
        self.conv3, self.bn3, self.s = conv(h, o, 1), nn.BatchNorm2d(o), s
        self.shortcut = nn.Sequential(conv(i, o, 1), nn.BatchNorm2d(o)) if s == 1 and i != o else nn.Sequential()
    def forward(self, x):
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))))
        return y + self.shortcut(x) if self.s == 1 else y
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(3, 4, 3), nn.BatchNorm2d(4), conv(3, 160, 1), nn.BatchNorm2d(160)
        self.layers = nn.Sequential(Block(4, 2, 1, 1), Block(2, 3, 2, 2), Block(3, 3, 2, 1))
        self.linear = nn.Linear(160, 3)
    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.linear(F.relu(self.bn2(self.conv2(x))).mean((2, 3)))
net = Net().eval()
image = torch.tensor(json.loads(sys.argv[1])).view(1, 8, 8, 3).permute(0, 3, 1, 2)
`;

async function python(code: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(PYTHON!, { args: ["-B", "-c", code, ...args] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const image = rng(3, "image").uniform(192);

/** Logits of the network for the image. */
async function logitsOf(weights: Weights<ReturnType<typeof float32>>): Promise<number[]> {
  await using engine = await createEngine("reference");
  const { logits } = createModel(MODEL, SHAPE);
  const program = engine.compile((at: { weights: Weights<Tensor>; x: Tensor }) => logits(at.weights, at.x));
  return [...(await engine.read(await program({ weights, x: float32([1, 8, 8, 3], image) }))).data];
}

Deno.test({
  name: "PyTorch loads what saveWeights() wrote, strictly, and gives the same logits",
  ignore: PYTHON === undefined,
  fn: () =>
    inTempFolder(async (folder) => {
      const weights = createModel(MODEL, SHAPE).init(rng(1)) as Weights<ReturnType<typeof float32>>;
      const path = `${folder}/a.safetensors`;
      await saveWeights(path, weights, { model: MODEL, ...SHAPE, classes: ["a", "b", "c"], provenance: {} });
      const load = "import safetensors.torch as s; net.load_state_dict(s.load_file(sys.argv[2]))";
      const printed = await python(
        `${NETWORK}\n${load}\nprint(net(image)[0].tolist())`,
        JSON.stringify([...image]),
        path,
      );
      const theirs = JSON.parse(printed) as number[];
      (await logitsOf(weights)).forEach((logit, i) => assertAlmostEquals(logit, theirs[i]!, 1e-5));
    }),
});

for (
  const [what, saved, file] of [
    ["a state_dict", "torch.save(net.state_dict(), sys.argv[2])", "a.pt"],
    ["a checkpoint", 'torch.save({"state_dict": net.state_dict(), "epoch": 3}, sys.argv[2])', "a.pth.tar"],
    ["an old file", "torch.save(net.state_dict(), sys.argv[2], _use_new_zipfile_serialization=False)", "a.pth"],
    [
      "channels last, wrapped",
      'net.to(memory_format=torch.channels_last); torch.save({"model": nn.DataParallel(net).state_dict()}, sys.argv[2])',
      "pytorch_model.bin",
    ],
  ] as const
) {
  Deno.test({
    name: `the two lines for a pickle convert ${what}, and loadWeights() loads what they wrote`,
    ignore: PYTHON === undefined,
    fn: () =>
      inTempFolder(async (folder) => {
        const path = `${folder}/${file}`;
        const code = `${NETWORK}\n${saved}\nprint(net(image)[0].tolist())`;
        const theirs = JSON.parse(await python(code, JSON.stringify([...image]), path)) as number[];
        const { message } = await assertRejects(() => loadWeights(path), CheckpointError);
        const [first, ...lines] = message.split("\n");
        assertEquals(lines.length, 2);
        await python(lines.join("\n"));
        const to = first!.match(/and load "(.*)"$/)![1]!;
        const { weights } = await loadWeights(to, { model: MODEL, ...SHAPE });
        const ours = await logitsOf(weights as Weights<ReturnType<typeof float32>>);
        ours.forEach((logit, i) => assertAlmostEquals(logit, theirs[i]!, 1e-5));
      }),
  });
}

/** timm's MobileNetV2 with running statistics that are not trivial, and its logits for one image; null without timm. */
const TIMM = `
import json, sys, torch
sys.path.insert(0, sys.argv[3])
from _peer_import import import_package
timm = import_package("timm")
if timm is None:
    print("null")
    sys.exit()
import safetensors.torch as s
torch.manual_seed(1)
net = timm.create_model("mobilenetv2_050", num_classes=3).train()
for _ in range(9): net(torch.randn(4, 3, 32, 32))
s.save_file(net.state_dict(), sys.argv[2])
image = torch.tensor(json.loads(sys.argv[1])).view(1, 32, 32, 3).permute(0, 3, 1, 2)
print(net.eval()(image)[0].tolist())
`;

Deno.test({
  name: "loadWeights() takes timm's MobileNetV2 as it is, and gives the same logits",
  ignore: PYTHON === undefined,
  fn: () =>
    inTempFolder(async (folder) => {
      const path = `${folder}/timm.safetensors`;
      const x = rng(3, "larger image").uniform(32 * 32 * 3);
      const scripts = fileURLToPath(new URL("../../scripts", import.meta.url));
      const theirs = JSON.parse(await python(TIMM, JSON.stringify([...x]), path, scripts)) as number[] | null;
      if (theirs === null) return;
      const options = { model: { kind: "mobilenet_v2", width: 0.5 }, classes: 3, inputShape: [32, 32, 3] } as const;
      const { model, weights } = await loadWeights(path, options);
      await using engine = await createEngine("reference");
      const program = engine.compile((at: { weights: Weights<Tensor>; x: Tensor }) => model.logits(at.weights, at.x));
      const { data } = await engine.read(await program({ weights, x: float32([1, 32, 32, 3], x) }));
      theirs.forEach((logit, i) => assertAlmostEquals(data[i]!, logit, 1e-4 * Math.max(...theirs.map(Math.abs))));
    }),
});
