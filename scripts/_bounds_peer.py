"""
The PyTorch side of `deno task bounds-peer`, which starts it: a request per line of standard input, its answer on standard
output, both JSON; `error` in an answer says what went wrong. Needs torch and auto_LiRPA, in float64.
"""

import sys

import torch
from _peer_networks import make_network
from _peer_safetensors import read
from _peer_serve import serve

METHODS = {"ibp": "IBP", "crown-ibp": "CROWN-IBP", "crown": "CROWN"}


def bounds(request):
    """Lower bounds of the margins z_y - z_k over balls: [images, classes]."""
    from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

    network, whole = make_network(request["model"], request["inputShape"], request["classes"])
    arrays, _ = read(request["weights"])
    missing, unexpected = network.load_state_dict(arrays, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unexpected
    if wrong:
        raise ValueError(f"the network in PyTorch and the file differ in {', '.join(wrong)}")
    whole = whole.double().eval()
    batch, _ = read(request["batch"])
    x = batch["x"].permute(0, 3, 1, 2).double().contiguous()
    classes, eps = request["classes"], request["eps"]
    if request["norm"] == "Linf":
        ball = PerturbationLpNorm(norm=float("inf"), x_L=(x - eps).clamp(0, 1), x_U=(x + eps).clamp(0, 1))
    else:
        ball = PerturbationLpNorm(norm=2, eps=eps)
    margins = torch.eye(classes, dtype=torch.float64)[batch["y"].long()].unsqueeze(1) - torch.eye(classes).double()
    options = {"conv_mode": "matrix"}
    bounded = BoundedModule(whole, torch.empty_like(x), bound_opts=options, device="cpu")
    lower, _ = bounded.compute_bounds(
        x=(BoundedTensor(x, ball),), C=margins, method=METHODS[request["method"]], bound_upper=False
    )
    return {"lower": lower.detach().flatten().tolist()}


def start():
    torch.set_num_threads(int(sys.argv[1]))
    if len(sys.argv) > 2:
        sys.path.insert(0, sys.argv[2])
    import auto_LiRPA

    return {"version": torch.__version__, "lirpa": auto_LiRPA.__version__}, bounds


serve(start)
