"""Rules for what PyTorch makes of writing into parts of tensors: a tensor with a part of it replaced."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ...importers.arrays import expanded, replaced, reshaped
from ..translator import Translator, argument, is_tensor, rule
from .elementwise import converted


@rule("slice_scatter")
def _slice_scatter(t: Translator, node: Any) -> None:
    value, part = t.value(node.args[0]), t.value(node.args[1])
    axis = int(argument(node, 2, "dim", 0)) % len(value.shape)
    if argument(node, 5, "step", 1) != 1:
        raise UnsupportedError(f"{node.name}: every other element is written over; only what lies together has a layer")
    start = _place(t, argument(node, 3, "start"), value.shape[axis])
    t.keep(node, replaced(t, value, part, axis, start, node.name))


@rule("select_scatter")
def _select_scatter(t: Translator, node: Any) -> None:
    value, part = t.value(node.args[0]), t.whole(t.value(node.args[1]))
    axis = int(node.args[2]) % len(value.shape)
    wide = (*part.shape[:axis], Integer(1), *part.shape[axis:])
    part = reshaped(t, part, wide, label=f"{node.name}_part")
    t.keep(node, replaced(t, value, part, axis, _place(t, node.args[3], value.shape[axis]), node.name))


def _place(t: Translator, given: Any, size: Expr) -> Expr:
    """A place along an axis; negative ones are counted from its end."""
    if given is None:
        return Integer(0)
    place = t.sizes(given)
    return simplify(size + place) if place.is_negative else place


@rule("copy")
def _copy(t: Translator, node: Any) -> None:
    """The second tensor in the shape and the type of the first."""
    value = converted(t, t.value(node.args[1]), node.args[1], node, f"{node.name}_converted")
    t.keep(node, expanded(t, value, t.shape(node), node.name))


@rule("fill")
def _fill(t: Translator, node: Any) -> None:
    """One number everywhere: it does not matter what was there."""
    if not is_tensor(node.args[1]) or t.is_known(node.args[1].name):
        return t.fix(node)
    shape = t.shape(node)
    one = reshaped(t, t.whole(t.value(node.args[1])), (Integer(1),) * len(shape), label=f"{node.name}_axes")
    return t.keep(node, expanded(t, one, shape, node.name))
