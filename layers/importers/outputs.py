"""Several outputs of a model: which of them are asked for, and how they stand side by side in one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sympy import Add, Mul

from ...algebra.errors import FieldError
from ...algebra.networks.network import Concat
from ...algebra.sizes.normal_form import simplify
from .. import reshape
from .tensors import Tensor, Tensors

Value = TypeVar("Value")


def chosen(found: Mapping[str, Value], asked: Any, what: str = "model") -> dict[str, Value]:
    """The outputs of a model, or whatever it is called, that are asked for, by place or by name; all, if `asked` is None."""
    if asked is None:
        return dict(found)
    wanted = [asked] if isinstance(asked, (int, str)) else list(asked)
    return {name: found[name] for name in (_name(one, found, what) for one in wanted)}


def _name(one: Any, found: Mapping[str, Any], what: str) -> str:
    names = list(found)
    if isinstance(one, str) and one in found:
        return one
    if isinstance(one, int) and not isinstance(one, bool) and -len(names) <= one < len(names):
        return names[one]
    raise FieldError(
        f"the {what} has no output {one!r}; it has {', '.join(map(repr, names))}, by place 0 to {len(names) - 1}"
    )


def side_by_side(t: Tensors, tensors: Sequence[tuple[str, Tensor]]) -> Tensor:
    """Several tensors, each flattened, one after the other."""
    parts = []
    for name, value in tensors:
        shape = (simplify(Mul(*value.own)),)
        parts.append(t.add(reshape.Flatten(), [value], shape, False, f"{name or 'output'}_flat"))
    shape = (simplify(Add(*(part.shape[0] for part in parts))),)
    return t.add(Concat(axis=0), parts, shape, False, "outputs")
