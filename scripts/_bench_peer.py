"""
The PyTorch side of `deno task bench --peer`, which starts it: a request per line of standard input, its answer on
standard output, both JSON; `error` in an answer says what went wrong. Needs no package but torch.
"""

import platform
import sys
import time
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from _peer_networks import make_network
from _peer_safetensors import read, write
from _peer_serve import serve
from torch.nn.attention import SDPBackend, sdpa_kernel

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Case:
    """Networks and batch of a file, and the steps that run on them; each gives its results by name."""

    def __init__(self, path, format, rate=None):
        arrays, settings = read(path)
        self.format = FORMATS[format]
        self.settings = settings
        self.x = self.images(arrays["x"])
        self.y = arrays["y"].long()
        self.unit = self.images(arrays["unit"])
        self.student = self.network("student", arrays)
        self.teacher = self.network("teacher", arrays)
        self.given = None
        if linear := self.network("linear", arrays):
            logits, _, gradient = self.input_gradient(linear, self.x)
            self.given = logits.detach(), gradient
        self.matrices = {name: arrays[name] for name in ("a", "b") if name in arrays}
        if self.student:
            self.parameters = list(self.student.parameters())
            sgd = settings["optimizer"]
            self.optimizer = torch.optim.SGD(
                self.parameters,
                lr=sgd["learningRate"] if rate is None else rate,
                momentum=sgd["momentum"],
                weight_decay=sgd["weightDecay"],
            )

    def images(self, nhwc):
        return nhwc.permute(0, 3, 1, 2).clone(memory_format=self.format)

    def network(self, role, arrays):
        weights = {
            name.removeprefix(f"{role}."): array for name, array in arrays.items() if name.startswith(f"{role}.")
        }
        if not weights:
            return None
        settings = self.settings["models"][role]
        network, _ = make_network(settings["spec"], settings["inputShape"], settings["classes"])
        network.load_state_dict(weights, strict=False)  # num_batches_tracked is missing
        return network.to(memory_format=self.format).eval().requires_grad_(False)

    def input_gradient(self, network, x, create_graph=False):
        x = x.detach().requires_grad_()
        # PyTorch's fused attention has no second derivative.
        with sdpa_kernel(SDPBackend.MATH) if create_graph else nullcontext():
            logits = network(x)
        losses = F.cross_entropy(logits, self.y, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), x, create_graph=create_graph)
        return logits, losses, gradient

    def forward(self):
        with torch.inference_mode():
            return {"logits": self.student(self.x)}

    def gradient(self, x=None):
        _, losses, gradient = self.input_gradient(self.student, self.x if x is None else x)
        return {"crossEntropy": losses, "gradient": nhwc(gradient)}

    def pgd(self):
        eps, size, steps = (self.settings["attack"][key] for key in ("eps", "stepSize", "steps"))
        low = (self.x - eps).clamp_(min=0)
        high = (self.x + eps).clamp_(max=1)
        x = torch.clamp(self.x + eps * self.unit, low, high)
        for _ in range(steps):
            _, _, gradient = self.input_gradient(self.student, x)
            x = torch.clamp(x + size * gradient.sign_(), low, high)
        return x

    def attack(self):
        return {"xAdv": self.pgd()}

    def train(self, make_terms):
        self.student.train().requires_grad_(True)
        self.optimizer.zero_grad()
        terms = make_terms()
        sum(terms.values()).backward(inputs=self.parameters)
        self.optimizer.step()
        self.student.eval().requires_grad_(False)
        return {f"term.{name}": term for name, term in terms.items()}

    def cross_entropy(self):
        return self.train(lambda: {"ce": F.cross_entropy(self.student(self.x), self.y)})

    def adversarial(self):
        x = self.pgd()
        return {"xAdv": x, **self.train(lambda: {"ce": F.cross_entropy(self.student(x), self.y)})}

    def distillation(self, settings, losses, logits, taught):
        alpha, t = settings["alpha"], settings["temperature"]
        student, teacher = F.log_softmax(logits / t, 1), F.log_softmax(taught / t, 1)
        divergence = F.kl_div(student, teacher, log_target=True, reduction="batchmean")
        return {"ce": (1 - alpha) * losses.mean(), "kl": alpha * t**2 * divergence}

    def kd(self):
        def terms():
            with torch.no_grad():
                taught = self.teacher(self.x)
            logits = self.student(self.x)
            losses = F.cross_entropy(logits, self.y, reduction="none")
            return self.distillation(self.settings["kd"], losses, logits, taught)

        return self.train(terms)

    def kdiga(self, teach):
        def terms():
            settings = self.settings["kdiga"]
            taught, target = teach()
            logits, losses, gradient = self.input_gradient(self.student, self.x, create_graph=True)
            distances = torch.linalg.vector_norm(gradient - target, dim=(1, 2, 3))
            distillation = self.distillation(settings, losses, logits, taught)
            return {**distillation, "iga": settings["weight"] * distances.mean()}

        return self.train(terms)

    def kdiga_given(self):
        return self.kdiga(lambda: self.given)

    def kdiga_taught(self):
        def teach():
            logits, _, gradient = self.input_gradient(self.teacher, self.x)
            return logits.detach(), gradient

        return self.kdiga(teach)

    def matmul(self):
        a, b = self.matrices["a"], self.matrices["b"]
        for _ in range(self.settings["products"]["count"]):
            a = (a @ b) * self.settings["products"]["factor"]
        return {"product": a}

    def check(self, step):
        """What a step gives and leaves, once, from the weights of the file."""
        found = STEPS[step](self)
        if step == "PGD-10 attack":
            x = found["xAdv"]
            found = {"xAdv": x, **self.gradient(x)}
            found["attackLoss"] = found["crossEntropy"].mean()
        if step == "adversarial step":
            found["attackLoss"] = found["term.ce"]
        if "xAdv" in found:
            found["xAdv"] = nhwc(found["xAdv"])
        if "term.ce" in found:
            state = self.student.state_dict()
            found |= {f"updated.{name}": state[name] for name in state if not name.endswith("num_batches_tracked")}
            for name, parameter in self.student.named_parameters():
                found[f"velocity.{name}"] = self.optimizer.state[parameter]["momentum_buffer"]
        return found


STEPS = {
    "forward": Case.forward,
    "input gradient": Case.gradient,
    "PGD-10 attack": Case.attack,
    "cross-entropy step": Case.cross_entropy,
    "adversarial step": Case.adversarial,
    "KD step": Case.kd,
    "KDIGA step": Case.kdiga_taught,
    "KDIGA step, linear teacher": Case.kdiga_given,
    "matmul": Case.matmul,
}


def nhwc(images):
    return images.permute(0, 2, 3, 1)


def memory():
    """Resident memory of this process, now and at most, in bytes; null where there is no /proc."""
    if sys.platform != "linux":
        return {"residentBytes": None, "peakBytes": None}
    with open("/proc/self/status") as file:
        kilobytes = {line.split()[0]: line.split()[1] for line in file if line.startswith("Vm")}
    return {"residentBytes": 1024 * int(kilobytes["VmRSS:"]), "peakBytes": 1024 * int(kilobytes["VmHWM:"])}


def answer(request, cases):
    """Answers a request. `cases` keeps what is open, by format: calls that are timed do not move its weights."""
    match request["do"]:
        case "open":
            cases.clear()
            cases |= {format: Case(request["path"], format, rate=0) for format in request["formats"]}
            return {}
        case "check":
            write(request["into"], Case(request["path"], request["format"]).check(request["step"]))
            return {}
        case "run":
            case = cases[request["format"]]
            start = time.perf_counter()
            STEPS[request["step"]](case)
            return {"ms": 1e3 * (time.perf_counter() - start)}
        case "memory":
            return memory()


def start():
    torch.set_num_threads(int(sys.argv[1]))
    hello = {"version": torch.__version__, "python": platform.python_version(), "threads": torch.get_num_threads()}
    cases = {}
    return hello, lambda request: answer(request, cases)


serve(start)
