"""Numbers put into the modules of a network's layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ...algebra.equations.instance import Instance
from ...algebra.errors import UnsupportedError
from ...algebra.numerics.weights import Inventory, fitting

nn = torch.nn


def filled(leaves: Mapping[str, tuple[nn.Module, Instance]], needed: Inventory, weights: Mapping[str, Any]) -> None:
    """Copy numbers, by the names of `la.weights`, into the modules of layers by their paths."""
    arrays = fitting(needed.slots, weights)
    with torch.no_grad():
        for (path, name), slot in needed.names.items():
            module, instance = leaves[path]
            tensor = _tensor(module, instance, name)
            tensor.copy_(torch.as_tensor(arrays[slot].astype("float64")).reshape(tensor.shape))


def _tensor(module: nn.Module, instance: Instance, name: str) -> torch.Tensor:
    """The tensor of a module that stands for one of its layer's equation; of PyTorch's own modules the k-th learned one for the k-th."""
    role = instance.roles[name]
    own: torch.Tensor | None = getattr(module, f"{role}_{name}", None)
    if own is not None:
        return own
    names = [one for one, kind in instance.roles.items() if kind == role]
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and role == "buffer":
        return module.running_mean if name == "m" else module.running_var  # type: ignore[return-value]
    found = list(module.parameters() if role == "weight" else module.buffers())
    if len(found) != len(names):
        raise UnsupportedError(f"{instance.layer}: it is not known which tensor of {module} is {name}")
    return found[names.index(name)]
