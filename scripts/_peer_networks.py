"""
The networks of lib/models in PyTorch, by the specs of model cards, for the commands that compare with PyTorch. Needs
no package but torch.
"""

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {
    "relu": lambda x: F.relu(x, inplace=True),
    "softplus": F.softplus,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "geluTanh": lambda x: F.gelu(x, approximate="tanh"),
}
MOBILENET_CIFAR_STAGES = [
    [1, 16, 1, 1],
    [6, 24, 2, 1],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
]
VIT_SIZES = {"tiny": (12, 192, 3), "small": (12, 384, 6), "base": (12, 768, 12)}


class Shortcut(nn.Module):
    """Every second pixel, and zeros around the channels (He et al. 2016, option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.side, self.stride = (outputs - inputs) // 2, stride

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.side, self.side))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, activate, project=True):
        super().__init__()
        self.activate = activate
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Identity()
        if stride == 1 and inputs == outputs:
            return
        if project:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))
        else:
            self.downsample = Shortcut(inputs, outputs, stride)

    def forward(self, x):
        y = self.activate(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.downsample(x)
        return self.activate(y)


def add_stages(network, width, blocks, block):
    """Stages "layer1", "layer2", ..., each of twice the channels and half the size; the channels of the last."""
    inputs = width
    for stage, count in enumerate(blocks):
        outputs = width << stage
        layers = []
        for k in range(count):
            layers.append(block(inputs, outputs, 2 if k == 0 and stage > 0 else 1))
            inputs = outputs
        setattr(network, f"layer{stage + 1}", nn.Sequential(*layers))
    return inputs


class Residual(nn.Module):
    """The stem for small images, stages of blocks, the mean over pixels and a linear layer."""

    def __init__(self, head, channels, width, blocks, activation, classes, project):
        super().__init__()
        self.activate, self.head, self.stages = ACTIVATIONS[activation], head, len(blocks)
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        block = lambda *shape: Block(*shape, self.activate, project)
        inputs = add_stages(self, width, blocks, block)
        setattr(self, head, nn.Linear(inputs, classes))

    def forward(self, x):
        y = self.activate(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            y = getattr(self, f"layer{stage + 1}")(y)
        return getattr(self, self.head)(y.mean((2, 3)))


class PreactBlock(nn.Module):
    """Batch norm and nonlinearity before each convolution; `shortcut` names the one on the way beside, if any."""

    def __init__(self, inputs, outputs, stride, activate, shortcut, of_input):
        super().__init__()
        self.activate, self.shortcut_name, self.of_input = activate, None, of_input
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        if stride == 1 and inputs == outputs:
            return
        project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.shortcut_name = shortcut
        setattr(self, shortcut, nn.Sequential(project) if shortcut == "shortcut" else project)

    def forward(self, x):
        a = self.activate(self.bn1(x))
        y = self.conv2(self.activate(self.bn2(self.conv1(a))))
        if self.shortcut_name is None:
            return y + x
        return y + getattr(self, self.shortcut_name)(x if self.of_input else a)


class PreactResidual(nn.Module):
    """The PreActResNet of Kuang Liu's code, with and without batch norm at the end (Rice 2020, Wong 2020)."""

    def __init__(self, channels, width, blocks, activation, classes, final_norm, of_input):
        super().__init__()
        self.activate, self.stages = ACTIVATIONS[activation], len(blocks)
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        block = lambda *shape: PreactBlock(*shape, self.activate, "shortcut", of_input)
        inputs = add_stages(self, width, blocks, block)
        self.bn = nn.BatchNorm2d(inputs) if final_norm else None
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        y = self.conv1(x)
        for stage in range(self.stages):
            y = getattr(self, f"layer{stage + 1}")(y)
        if self.bn is not None:
            y = self.activate(self.bn(y))
        return self.linear(y.mean((2, 3)))


class WideResidual(nn.Module):
    """WideResNet-d-k with the names of the code of TRADES."""

    def __init__(self, channels, depth, widen, width, activation, classes):
        super().__init__()
        self.activate = ACTIVATIONS[activation]
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        inputs = width
        for stage in range(3):
            outputs = width * widen << stage
            layers = []
            for k in range((depth - 4) // 6):
                stride = 2 if k == 0 and stage > 0 else 1
                layers.append(PreactBlock(inputs, outputs, stride, self.activate, "convShortcut", False))
                inputs = outputs
            setattr(self, f"block{stage + 1}", nn.ModuleDict({"layer": nn.Sequential(*layers)}))
        self.bn1 = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        y = self.conv1(x)
        for stage in "123":
            y = getattr(self, f"block{stage}")["layer"](y)
        return self.fc(self.activate(self.bn1(y)).mean((2, 3)))


class InvertedBlock(nn.Module):
    """A block of Kuang Liu's MobileNetV2."""

    def __init__(self, inputs, outputs, expansion, stride, activate):
        super().__init__()
        self.activate, self.stride = activate, stride
        inner = expansion * inputs
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride == 1 and inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.activate(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.activate(self.bn2(self.conv2(y)))))
        return y + self.shortcut(x) if self.stride == 1 else y


class InvertedResidual(nn.Module):
    """MobileNetV2 for images of 32 pixels, as kuangliu/pytorch-cifar has it."""

    def __init__(self, channels, width, stages, activation, classes):
        super().__init__()
        self.activate = ACTIVATIONS[activation]
        scaled = lambda count: max(1, int(count * width + 0.5))
        inputs, layers = scaled(32), []
        self.conv1 = nn.Conv2d(channels, inputs, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        for expansion, base, count, stride in stages:
            for k in range(count):
                step = stride if k == 0 else 1
                layers.append(InvertedBlock(inputs, scaled(base), expansion, step, self.activate))
                inputs = scaled(base)
        self.layers = nn.Sequential(*layers)
        self.conv2 = nn.Conv2d(inputs, scaled(1280), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(scaled(1280))
        self.linear = nn.Linear(scaled(1280), classes)

    def forward(self, x):
        y = self.layers(self.activate(self.bn1(self.conv1(x))))
        return self.linear(self.activate(self.bn2(self.conv2(y))).mean((2, 3)))


class Cnn(nn.Module):
    def __init__(self, channels, width, activation, classes):
        super().__init__()
        self.activate = ACTIVATIONS[activation]
        outputs = width, 2 * width, 4 * width, 4 * width
        for k, stride in enumerate((1, 2, 2, 1)):
            setattr(self, f"conv{k + 1}", nn.Conv2d(channels, outputs[k], 3, stride, 1, bias=False))
            setattr(self, f"bn{k + 1}", nn.BatchNorm2d(outputs[k]))
            channels = outputs[k]
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        for k in "1234":
            x = self.activate(getattr(self, f"bn{k}")(getattr(self, f"conv{k}")(x)))
        return self.fc(x.mean((2, 3)))


class Mlp(nn.Module):
    def __init__(self, inputs, hidden, activation, classes):
        super().__init__()
        self.activate, self.layers = ACTIVATIONS[activation], len(hidden) + 1
        units = [inputs, *hidden, classes]
        for k in range(self.layers):
            setattr(self, f"fc{k + 1}", nn.Linear(units[k], units[k + 1]))

    def forward(self, x):
        x = x.flatten(1)
        for k in range(1, self.layers):
            x = self.activate(getattr(self, f"fc{k}")(x))
        return getattr(self, f"fc{self.layers}")(x)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(batch, tokens, dim))


class TransformerBlock(nn.Module):
    def __init__(self, dim, heads, activate):
        super().__init__()
        self.activate = activate
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp["fc2"](self.activate(self.mlp["fc1"](self.norm2(x))))


class VisionTransformer(nn.Module):
    """With the names of the weights in timm; without dropping."""

    def __init__(self, input_shape, patch, depth, dim, heads, distilled, activation, classes):
        super().__init__()
        height, width, channels = input_shape
        self.distilled = distilled
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + distilled + height // patch * (width // patch), dim))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(channels, dim, patch, patch)})
        self.blocks = nn.Sequential(*(TransformerBlock(dim, heads, ACTIVATIONS[activation]) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, classes)
        if distilled:
            self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
            self.head_dist = nn.Linear(dim, classes)

    def forward(self, x):
        prefix = [self.cls_token, self.dist_token] if self.distilled else [self.cls_token]
        patches = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        tokens = torch.cat([*(token.expand(len(x), -1, -1) for token in prefix), patches], 1) + self.pos_embed
        y = self.norm(self.blocks(tokens))
        return (self.head(y[:, 0]) + self.head_dist(y[:, 1])) / 2 if self.distilled else self.head(y[:, 0])


class Normalised(nn.Module):
    """(x - mean) / std before a network."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.mean, self.std = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (mean, std))

    def forward(self, x):
        return self.network((x - self.mean) / self.std)


def make_network(spec, input_shape, classes):
    """
    A network of lib/models and a function that gives its logits.

    spec: the `model` of a card. input_shape: height, width, channels. Returns a module with PyTorch's names of the
    weights, and a module that is the whole network (the same one, where nothing is subtracted or divided first).
    """
    height, width, channels = input_shape
    activation = spec.get("activation", "relu")
    match spec["kind"]:
        case "mlp":
            network = Mlp(height * width * channels, spec["hidden"], activation, classes)
        case "cnn":
            network = Cnn(channels, spec.get("width", 16), activation, classes)
        case "resnet":
            blocks = 3 * [(spec["depth"] - 2) // 6]
            network = Residual("linear", channels, spec.get("width", 16), blocks, activation, classes, False)
        case "resnet18":
            blocks = spec.get("blocks", [2, 2, 2, 2])
            network = Residual("fc", channels, spec.get("width", 64), blocks, activation, classes, True)
        case "preact_resnet18":
            blocks, width = spec.get("blocks", [2, 2, 2, 2]), spec.get("width", 64)
            forms = spec.get("finalNorm", True), spec.get("shortcutOf") == "input"
            network = PreactResidual(channels, width, blocks, activation, classes, *forms)
        case "wide_resnet":
            network = WideResidual(channels, spec["depth"], spec["widen"], spec.get("width", 16), activation, classes)
        case "mobilenet_v2_cifar":
            stages = spec.get("stages", MOBILENET_CIFAR_STAGES)
            network = InvertedResidual(channels, spec.get("width", 1), stages, activation, classes)
        case "vit":
            sizes = zip(("depth", "dim", "heads"), VIT_SIZES[spec.get("size", "tiny")])
            settings = {name: spec.get(name, default) for name, default in sizes}
            activation = spec.get("activation", "gelu")
            shared = {"activation": activation, "classes": classes, "distilled": spec.get("distilled", False)}
            network = VisionTransformer(input_shape, spec["patch"], **settings, **shared)
        case kind:
            raise ValueError(f"no network of the kind {kind} is written in PyTorch here")
    if "mean" not in spec and "std" not in spec:
        return network, network
    return network, Normalised(network, spec.get("mean", [0] * channels), spec.get("std", [1] * channels))
