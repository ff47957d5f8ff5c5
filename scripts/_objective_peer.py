"""
The PyTorch side of `deno task objective-peer`, which starts it: a request per line of standard input, its answer on
standard output, both JSON; `error` in an answer says what went wrong. Needs torch alone. Every loss is written here from
its equation, by the fields of the objective's spec.
"""

import sys
import time

import torch
import torch.nn.functional as F
from _peer_networks import make_network
from _peer_safetensors import read, write
from _peer_serve import serve

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def divergence(spec, taught, logits, temperature=1.0):
    """t^2 KL(taught || logits): mean over images, or over images and classes."""
    target = F.softmax(taught / temperature, 1)
    each = F.kl_div(F.log_softmax(logits / temperature, 1), target, reduction="none")
    mean = each.mean() if spec.get("klReduction") == "elementMean" else each.sum(1).mean()
    return temperature**2 * mean


def each_divergence(p, q):
    return (F.softmax(p, 1) * (F.log_softmax(p, 1) - F.log_softmax(q, 1))).sum(1)


def kd(spec, student, teacher, x, _, y):
    logits = student(x)
    with torch.no_grad():
        taught = teacher(x)
    return {
        "ce": (1 - spec["alpha"]) * F.cross_entropy(logits, y),
        "kl": spec["alpha"] * divergence(spec, taught, logits, spec["temperature"]),
    }


def kdiga(spec, student, teacher, x, _, y):
    x = x.clone().requires_grad_()
    logits, taught = student(x), teacher(x)
    if spec.get("scale") == "releasedCode":
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, y), x, create_graph=True)
        (target,) = torch.autograd.grad(F.cross_entropy(taught, y), x)
        alignment = (gradient - target).norm(2) / len(x)
    else:
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, y, reduction="sum"), x, create_graph=True)
        (target,) = torch.autograd.grad(F.cross_entropy(taught, y, reduction="sum"), x)
        alignment = (gradient - target).flatten(1).norm(dim=1).mean()
    return {
        "ce": (1 - spec["alpha"]) * F.cross_entropy(logits, y),
        "kl": spec["alpha"] * divergence(spec, taught.detach(), logits, spec["temperature"]),
        "iga": spec["weight"] * alignment,
    }


def trades(spec, student, _, x, attacked, y):
    clean = student(x)
    robust = F.kl_div(F.log_softmax(student(attacked), 1), F.softmax(clean, 1), reduction="sum") / len(x)
    return {"ce": F.cross_entropy(clean, y), "kl": spec["beta"] * robust}


def mart(spec, student, _, x, attacked, y):
    clean, logits = student(x), student(attacked)
    p = F.softmax(logits, 1)
    others = p.masked_fill(F.one_hot(y, p.shape[1]).bool(), 0).amax(1)
    boosted = -torch.log(1 + spec.get("floor", 1e-12) - others).mean()
    wrong = 1 - F.softmax(clean, 1).gather(1, y[:, None])[:, 0]
    return {
        "bce": F.cross_entropy(logits, y) + boosted,
        "kl": spec["lambda"] * (each_divergence(clean, logits) * wrong).mean(),
    }


def ard(spec, student, teacher, x, attacked, y):
    with torch.no_grad():
        taught = teacher(attacked if spec.get("teacherAt") == "adversarial" else x)
    terms = {"kl": spec["alpha"] * divergence(spec, taught, student(attacked), spec["temperature"])}
    return terms if spec["alpha"] == 1 else {"ce": (1 - spec["alpha"]) * F.cross_entropy(student(x), y), **terms}


def akd(spec, student, teacher, _, attacked, y):
    logits = student(attacked)
    with torch.no_grad():
        taught = teacher(attacked)
    return {
        "ce": (1 - spec["alpha"]) * F.cross_entropy(logits, y),
        "kl": spec["alpha"] * divergence(spec, taught, logits, spec["temperature"]),
    }


def introspective(spec, student, teacher, x, attacked, y, adaptive):
    if adaptive:
        clean, logits = student(x), student(attacked)
    else:
        logits, clean = student(attacked), student(x)
    with torch.no_grad():
        guide = teacher(attacked)
        taught = guide if adaptive else teacher(x)
    trust = F.softmax(guide, 1).gather(1, y[:, None])[:, 0] ** spec["beta"]
    t = spec["temperature"]
    each = each_divergence(taught / t, logits / t) * (trust if spec.get("weighsTeacher") else 1)
    terms = {
        "kl": spec["alpha"] * t**2 * each.mean(),
        "klSelf": spec["alpha"] * (each_divergence(clean, logits) * (1 - trust)).mean(),
    }
    return terms if spec["alpha"] == 1 else {"ce": (1 - spec["alpha"]) * F.cross_entropy(clean, y), **terms}


def iad(*args):
    return introspective(*args, False)


def adaiad(*args):
    return introspective(*args, True)


def rslad(spec, student, teacher, x, attacked, _):
    with torch.no_grad():
        taught = teacher(x)
    logits, clean = student(attacked), student(x)
    return {
        "kl": spec["alpha"] * divergence(spec, taught, logits),
        "klClean": (1 - spec["alpha"]) * divergence(spec, taught, clean),
    }


def adaad(spec, student, teacher, x, attacked, _):
    clean = student(x) if spec["alpha"] < 1 else None
    logits = student(attacked)
    with torch.no_grad():
        taught, taught_clean = teacher(attacked), teacher(x)
    terms = {"kl": spec["alpha"] * divergence(spec, taught, logits)}
    return terms if clean is None else {**terms, "klClean": (1 - spec["alpha"]) * divergence(spec, taught_clean, clean)}


OBJECTIVES = {
    each.__name__: each for each in (kd, kdiga, trades, mart, ard, akd, iad, rslad, adaad, adaiad)
}


def load(request, who):
    """The module with the weights' names, and the whole network."""
    network, whole = make_network(request[who]["model"], request["inputShape"], request["classes"])
    arrays, _ = read(request[who]["weights"])
    missing, unexpected = network.load_state_dict(arrays, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"the {who} in PyTorch and the file differ in {', '.join(wrong)}")
    return network, whole


def step(request):
    """One training step: terms, gradients, parameters and running statistics afterwards."""
    begin = time.perf_counter()
    dtype = DTYPES[request["dtype"]]
    network, student = load(request, "student")
    _, teacher = load(request, "teacher")
    network.to(dtype).train()
    teacher.to(dtype).eval().requires_grad_(False)
    arrays, _ = read(request["batch"])
    x, attacked = (arrays[name].permute(0, 3, 1, 2).to(dtype) for name in ("x", "xAdv"))
    spec = request["objective"]
    optimizer = torch.optim.SGD(
        network.parameters(), lr=request["learningRate"], momentum=0.9, weight_decay=request["weightDecay"]
    )
    terms = OBJECTIVES[spec["kind"]](spec, student, teacher, x, attacked, arrays["y"].long())
    sum(terms.values()).backward()
    gradients = {f"gradient.{name}": parameter.grad.clone() for name, parameter in network.named_parameters()}
    optimizer.step()
    after = {f"parameter.{name}": parameter for name, parameter in network.named_parameters()}
    moved = {
        f"buffer.{name}": buffer for name, buffer in network.named_buffers() if not name.endswith("num_batches_tracked")
    }
    write(request["into"], {**gradients, **after, **moved})
    return {
        "terms": {name: term.item() for name, term in terms.items()},
        "seconds": time.perf_counter() - begin,
    }


def start():
    torch.set_num_threads(int(sys.argv[1]))
    return {"version": torch.__version__, "threads": torch.get_num_threads()}, step


serve(start)
