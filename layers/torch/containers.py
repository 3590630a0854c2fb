"""What a model returns its tensors in: classes of others' that PyTorch does not look into, such as caches of keys and values."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

DEEPEST = 6
"""So many objects inside objects are looked into."""


def learned(torch: Any, error: BaseException) -> bool:
    """Whether an error is about a class that PyTorch does not look into, which it is told how to from now on in this process."""
    found = re.search(r"Found <class '([\w.]+)\.(\w+)'> in output, which is not a known type", str(error))
    kind = getattr(sys.modules.get(found[1]), found[2], None) if found else None
    if not isinstance(kind, type) or kind in torch.utils._pytree.SUPPORTED_NODES:
        return False

    def flat(holder: Any) -> tuple[list[Any], tuple[str, ...]]:
        found = list(_tensors(torch, vars(holder), "", DEEPEST))
        return [tensor for _, tensor in found], tuple(name for name, _ in found)

    def flat_with_names(holder: Any) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
        parts, names = flat(holder)
        return [(torch.utils._pytree.MappingKey(name), part) for name, part in zip(names, parts)], names

    torch.utils._pytree.register_pytree_node(
        kind, flat, lambda parts, names: dict(zip(names, parts)), flatten_with_keys_fn=flat_with_names,
        serialized_type_name=f"{kind.__module__}.{kind.__name__}",
    )  # fmt: skip
    return True


def _tensors(torch: Any, value: Any, name: str, deep: int) -> Iterator[tuple[str, Any]]:
    """The tensors inside an object, by the names under which they are held."""
    if isinstance(value, torch.Tensor):
        yield name, value
        return
    if isinstance(value, dict):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(str(place), part) for place, part in enumerate(value)]
    else:
        plain = isinstance(value, (type, torch.nn.Module)) or not hasattr(value, "__dict__")
        parts = [] if plain else list(vars(value).items())
    for key, part in parts if deep else ():
        yield from _tensors(torch, part, f"{name}.{key}" if name else key, deep - 1)
