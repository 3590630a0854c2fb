"""What PyTorch itself keeps for the backward pass: every storage that its hooks see, once, on the meta device."""

from __future__ import annotations

from typing import Any


def prepared(module: Any) -> Any:
    """In training, without operations in place and without what is drawn at random."""
    import torch

    module.train()
    for part in module.modules():
        if getattr(part, "inplace", False) is True:
            part.inplace = False
        if isinstance(part, torch.nn.modules.dropout._DropoutNd) or type(part).__name__ == "StochasticDepth":
            part.eval()
        if hasattr(part, "dropout") and isinstance(part.dropout, float):
            part.dropout = 0.0
    return module


def saved(module: Any, *inputs: Any) -> dict[str, tuple[int, int]]:
    """By the kind of numbers, how many elements are kept and their bytes; parameters and buffers apart."""
    import torch

    held = {
        tensor.untyped_storage()._cdata for tensor in (*module.parameters(), *module.buffers())
    }  # fmt: skip
    storages: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        key = tensor.untyped_storage()._cdata
        if key not in held and key not in storages:
            storages[key] = tensor  # held, so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = module(*inputs)
    found: dict[str, tuple[int, int]] = {}
    for tensor in storages.values():
        dtype, size, width = tensor.dtype, tensor.untyped_storage().nbytes(), tensor.element_size()
        kind = "indices" if dtype == torch.int64 else "masks" if dtype == torch.bool else "numbers"
        count, total = found.get(kind, (0, 0))
        found[kind] = count + size // width, total + size
    del output
    return found
