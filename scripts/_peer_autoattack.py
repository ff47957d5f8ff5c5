"""
The PyTorch side of `deno task autoattack-peer`, which starts it with the folder of the official AutoAttack code: a
request per line of standard input, its answer on standard output, both JSON; `error` in an answer says what went wrong.
Needs torch, numpy, and that folder.
"""

import importlib.util
import sys
import time

import torch
import torch.nn.functional as F
from _peer_networks import make_network
from _peer_safetensors import read
from _peer_serve import serve

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def load_network(request, weights):
    """The network of a card, or that of a file with `network()`, with its weights; and the whole of it."""
    if path := request.get("network"):
        spec = importlib.util.spec_from_file_location("network", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        network = whole = module.network()
    else:
        network, whole = make_network(request["model"], request["inputShape"], request["classes"])
    missing, unexpected = network.load_state_dict(weights, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"the network in PyTorch and the file differ in {', '.join(wrong)}")
    network.requires_grad_(False)
    return whole.eval()


def faster_format(network, x, y):
    """The memory format in which an input gradient takes less time."""
    times = {}
    for name, memory_format in FORMATS.items():
        network.to(memory_format=memory_format)
        for _ in range(3):
            images = x.contiguous(memory_format=memory_format).requires_grad_()
            start = time.perf_counter()
            torch.autograd.grad(F.cross_entropy(network(images), y), images)
            times[name] = time.perf_counter() - start
    return min(times, key=times.get)


class Peer:
    def open(self, request):
        weights, _ = read(request["weights"])
        arrays, _ = read(request["images"])
        self.x = arrays["x"].permute(0, 3, 1, 2).contiguous()
        self.y = arrays["y"].long()
        self.batch = request["batch"]
        self.network = load_network(request, weights)
        self.format = faster_format(self.network, self.x[: self.batch], self.y[: self.batch])
        self.network.to(memory_format=FORMATS[self.format])
        self.forward = lambda x: self.network(x.contiguous(memory_format=FORMATS[self.format]))
        with torch.inference_mode():
            labels = torch.cat([self.forward(x).argmax(1) for x in self.x.split(self.batch)])
        return {"format": self.format, "labels": labels.tolist()}

    def attack(self, request):
        """Runs one attack of a version on some images; which of them it breaks, inside the ball."""
        from autoattack import AutoAttack

        norm, eps = request["norm"], request["eps"]
        suite = AutoAttack(self.forward, norm=norm, eps=eps, seed=request["seed"], device="cpu", verbose=False)
        suite.set_version(request["version"])
        suite.attacks_to_run = [request["attack"]]
        x, y = self.x[request["images"]], self.y[request["images"]]
        start = time.perf_counter()
        found = suite.run_standard_evaluation(x, y, bs=self.batch)
        seconds = time.perf_counter() - start
        distances = (found - x).flatten(1)
        lengths = distances.norm(p={"Linf": float("inf"), "L2": 2, "L1": 1}[norm], dim=1)
        with torch.inference_mode():
            labels = torch.cat([self.forward(part).argmax(1) for part in found.split(self.batch)])
        inside = (lengths <= eps * (1 + 1e-4)) & (found >= 0).flatten(1).all(1) & (found <= 1).flatten(1).all(1)
        return {"broken": ((labels != y) & inside).tolist(), "outside": int((~inside).sum()), "seconds": seconds}


def start():
    folder, threads = sys.argv[1:]
    sys.path.insert(0, folder)
    torch.set_num_threads(int(threads))
    import autoattack

    peer = Peer()
    actions = {"open": peer.open, "attack": peer.attack}
    hello = {"version": torch.__version__, "code": autoattack.__file__}
    return hello, lambda request: actions[request["do"]](request)


serve(start)
