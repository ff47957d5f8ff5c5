"""
Safetensors files, for the commands that compare with PyTorch. Needs no package but torch.
"""

import ctypes
import json
import struct

import torch

DTYPES = {"F32": torch.float32, "I32": torch.int32}


def read(path):
    """Arrays of a safetensors file by name, and its settings where it has some."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    start = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:start])
    settings = json.loads(header.pop("__metadata__", {}).get("settings", "null"))
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]], offset=start + begin, count=(end - begin) // 4)
        arrays[name] = flat.reshape(entry["shape"])
    return arrays, settings


def write(path, tensors):
    """Writes a safetensors file."""
    arrays = {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
    header, end = {}, 0
    for name, array in arrays.items():
        begin, end = end, end + 4 * array.numel()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(ctypes.string_at(array.data_ptr(), 4 * array.numel()))
