"""
The PyTorch side of `deno task check:torch`, which starts it: a request per line of standard input, its answer on
standard output, both JSON; `error` in an answer says what went wrong. Needs torch, and for some networks torchvision or
timm.
"""

import gc
import sys
import time

import torch
import torch.nn.functional as F
from _peer_import import import_package
from _peer_networks import VIT_SIZES, Normalised, make_network
from _peer_safetensors import read, write
from _peer_serve import serve
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def torchvision_network(spec, _, classes):
    """A network of torchvision without its dropout."""
    from torchvision.models import MobileNetV2, resnet

    if spec["kind"] == "mobilenet_v2":
        return MobileNetV2(classes, spec.get("width", 1.0), spec.get("stages"), dropout=0.0)
    block = resnet.BasicBlock if spec["kind"] in ("resnet18", "resnet34") else resnet.Bottleneck
    blocks = spec.get("blocks", [2, 2, 2, 2] if spec["kind"] == "resnet18" else [3, 4, 6, 3])
    width = 128 if spec["kind"] == "wide_resnet50_2" else 64
    return resnet.ResNet(block, blocks, num_classes=classes, width_per_group=width)


def timm_network(spec, input_shape, classes):
    """A vision transformer of timm."""
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer

    depth, dim, heads = (
        spec.get(name, default) for name, default in zip(("depth", "dim", "heads"), VIT_SIZES[spec.get("size", "tiny")])
    )
    make = VisionTransformerDistilled if spec.get("distilled") else VisionTransformer
    sizes = {"img_size": input_shape[:2], "patch_size": spec["patch"], "in_chans": input_shape[2]}
    return make(**sizes, num_classes=classes, embed_dim=dim, depth=depth, num_heads=heads)


PACKAGES = {"torchvision": torchvision_network, "timm": timm_network}


def smooth(module):
    """Puts softplus in the place of every ReLU of a network."""
    for name, child in module.named_children():
        if isinstance(child, (nn.ReLU, nn.ReLU6)):
            setattr(module, name, nn.Softplus())
        smooth(child)


def make(reference, spec, input_shape, classes):
    """The weights' module and the whole network, by the package or written here; None where the package is needed."""
    if reference == "own" or (reference == "timm" and import_package("timm") is None):
        return *make_network(spec, input_shape, classes), "own definition"
    package = import_package(reference)
    if package is None:
        return None
    network = PACKAGES[reference](spec, input_shape, classes)
    if spec.get("activation") == "softplus":
        smooth(network)
    whole = Normalised(network, spec["mean"], spec["std"]) if "mean" in spec else network
    return network, whole, f"{reference} {package.__version__}"


def length(arrays):
    return torch.stack([array.norm() for array in arrays if array is not None]).norm().item()


class Peer:
    def open(self, request):
        # The network before goes first: two of the largest would be too much for a small machine.
        self.network = self.whole = None
        gc.collect()
        made = make(request["reference"], request["model"], request["inputShape"], request["classes"])
        if made is None:
            return {"missing": request["reference"]}
        self.network, self.whole, name = made
        arrays, _ = read(request["weights"])
        missing, unexpected = self.network.load_state_dict(arrays, strict=False)
        wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
        if wrong:
            raise ValueError(f"the network in PyTorch and the file differ in {', '.join(wrong)}")
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        return {"reference": name, "parameters": parameters}

    def batch(self, request):
        """Images, labels and the teacher's answers of a file."""
        dtype = DTYPES[request["dtype"]]
        arrays, _ = read(request["batch"])
        self.network.to(dtype)
        images = {name: arrays[name].permute(0, 3, 1, 2).to(dtype) for name in ("x", "taughtGradient")}
        return images["x"].requires_grad_(), arrays["y"].long(), arrays["taughtLogits"].to(dtype), images["taughtGradient"]

    def run(self, request):
        start = time.perf_counter()
        # PyTorch's fused attention has no second derivative.
        with sdpa_kernel(SDPBackend.MATH):
            found, answer = {"first": self.first, "kdiga": self.kdiga}[request["step"]](request)
        seconds = time.perf_counter() - start
        write(request["into"], found)
        return {"seconds": seconds, **answer}

    def first(self, request):
        """Logits and the input gradient of the summed cross-entropy, in evaluation mode."""
        self.whole.eval().requires_grad_(False)
        x, y, _, _ = self.batch(request)
        logits = self.whole(x)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, y, reduction="sum"), x)
        return {"logits": logits, "gradient": gradient.permute(0, 2, 3, 1)}, {}

    def kdiga(self, request):
        """The gradient of the KDIGA loss with respect to every parameter; running statistics stay."""
        self.whole.train(request["mode"] == "train").requires_grad_(True)
        buffers = {name: buffer.clone() for name, buffer in self.network.named_buffers()}
        x, y, taught, target = self.batch(request)
        logits = self.whole(x)
        losses = F.cross_entropy(logits, y, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), x, create_graph=True)
        divergence = F.kl_div(F.log_softmax(logits, 1), F.log_softmax(taught, 1), log_target=True, reduction="batchmean")
        alpha = request["alpha"]
        first = (1 - alpha) * losses.mean() + alpha * divergence
        second = request["weight"] * torch.linalg.vector_norm((gradient - target).flatten(1), dim=1).mean()
        names, parameters = zip(*self.network.named_parameters())
        answer = {}
        if request["dtype"] == "float32":
            aligned = torch.autograd.grad(second, parameters, retain_graph=True, allow_unused=True)
        found = torch.autograd.grad(first + second, parameters)
        if request["dtype"] == "float32":
            answer = {"alignmentShare": length(aligned) / length(found)}
        for name, buffer in self.network.named_buffers():
            buffer.copy_(buffers[name])
        return dict(zip(names, found)), answer


def start():
    torch.set_num_threads(int(sys.argv[1]))
    peer = Peer()
    actions = {"open": peer.open, "run": peer.run}
    hello = {"version": torch.__version__, "threads": torch.get_num_threads()}
    return hello, lambda request: actions[request["do"]](request)


serve(start)
