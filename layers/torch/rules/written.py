"""Rules for what PyTorch makes of writing into parts of tensors: a tensor with a part of it replaced."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Integer

from ....algebra.errors import UnsupportedError
from ....algebra.sizes.normal_form import simplify
from ...importers.tensors import Tensor
from ..translator import Translator, argument, is_tensor, rule


@rule("slice_scatter")
def _slice_scatter(t: Translator, node: Any) -> None:
    value, axis = t.value(node.args[0]), int(argument(node, 2, "dim", 0)) % len(t.shape(node))
    if argument(node, 5, "step", 1) != 1:
        raise UnsupportedError(f"{node.name}: every other element is written over; only what lies together has a layer")
    start = _place(t, argument(node, 3, "start"), value.shape[axis], Integer(0))
    part = t.value(node.args[1])
    _replaced(t, node, value, part, axis, start, part.shape[axis])


@rule("select_scatter")
def _select_scatter(t: Translator, node: Any) -> None:
    value, axis = t.value(node.args[0]), int(node.args[2]) % len(t.shape(node))
    part = t.whole(t.value(node.args[1]))
    part = t.reshaped(part, (*part.shape[:axis], Integer(1), *part.shape[axis:]), label=f"{node.name}_part")
    _replaced(t, node, value, part, axis, _place(t, node.args[3], value.shape[axis], Integer(0)), Integer(1))


def _place(t: Translator, given: Any, size: Expr, otherwise: Expr) -> Expr:
    """A place along an axis; negative ones are counted from its end."""
    if given is None:
        return otherwise
    place = t.sizes(given)
    return simplify(size + place) if place.is_negative else place


def _replaced(
    t: Translator, node: Any, value: Tensor, part: Tensor, axis: int, start: Expr, length: Expr
) -> None:
    """What lies before the part, the part, and what lies behind it."""
    size = value.shape[axis]
    end = simplify(start + length)
    pieces = [part]
    if start != 0:
        pieces.insert(0, t.cut(value, axis, Integer(0), start, f"{node.name}_before"))
    if simplify(size - end) != 0:
        pieces.append(t.cut(value, axis, end, simplify(size - end), f"{node.name}_after"))
    made = t.concatenated(pieces, axis, node.name) if len(pieces) > 1 else part
    t.values[node.name] = Tensor(made.name, t.shape(node), made.batched)


@rule("copy")
def _copy(t: Translator, node: Any) -> None:
    """The second tensor in the shape of the first."""
    source, shape = t.value(node.args[1]), t.shape(node)
    if source.shape == shape:
        return t.put(node, None, [source])
    source = t.whole(source)
    source = t.reshaped(source, source.wide(len(shape)), label=f"{node.name}_axes")
    t.values[node.name] = t.repeated(source, shape, node.name)
    return None


@rule("fill")
def _fill(t: Translator, node: Any) -> None:
    """One number everywhere: it does not matter what was there."""
    if not is_tensor(node.args[1]) or t.is_known(node.args[1].name):
        return t.fix(node)
    source, shape = t.value(node.args[1]), t.shape(node)
    source = t.reshaped(t.whole(source), (Integer(1),) * len(shape), label=f"{node.name}_axes")
    t.values[node.name] = t.repeated(source, shape, node.name)
    return None
