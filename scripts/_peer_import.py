"""
Packages that may be missing, for the commands that compare with PyTorch.
"""

import sys

import torch


def import_package(name):
    """
    A package by its name, None where it is not installed. Beside a build of torch that its own library of operators was
    not made for, torchvision can be imported only where two of them are there, which no network calls.
    """
    try:
        return __import__(name)
    except ModuleNotFoundError:
        return None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for module in [module for module in sys.modules if module.split(".")[0] in ("torchvision", name)]:
        del sys.modules[module]
    for operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operator}", "(Tensor a, Tensor b, float c) -> Tensor")
    return __import__(name)
